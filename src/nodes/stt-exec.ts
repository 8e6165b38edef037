import { defineNode } from '../media/node.js';
import { execStt } from '../speech/stt/exec.js';
import { transcribing } from '../speech/transcribing.js';

/**
 * Turns speech into text by a program that is run for each utterance. Utterances are found by the voice activity that comes in
 * beside the sound; without it all sound up to its end is one. What the program cannot understand is counted, and does not end the
 * node. Measures `final transcript`: from when all of an utterance was there to its text. Errors: SLUICE_PROGRAM_MISSING and
 * SLUICE_SPEECH_FAILED are logged.
 */
export const sttExec = defineNode({
  ...transcribing(execStt),
  summary: 'Turns speech into text by a program that is run for each utterance.',
  example: `sessions:
  room: { sessionId: demo }
nodes:
  voices: { type: subscriber, media: audio, streams: each }
  speech: { type: vad, from: voices }
  text:   { type: stt-exec, preset: pocketsphinx, from: [voices, speech] }
  file:   { type: jsonl, from: text, path: "out/{name}.jsonl" }`,
});
