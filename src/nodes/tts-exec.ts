import { defineNode } from '../media/node.js';
import { speaking } from '../speech/speaking.js';
import { execTts } from '../speech/tts/exec.js';

/**
 * Says texts by a program that is run for each sentence, as soon as the sentence is complete; sound comes out while the program still
 * writes, no faster than it is taken, and `words` gives each sentence as captions when its sound comes out. A text that is not final is
 * said together with those that follow; of transcripts only final ones are said. A text that the program cannot say is counted, and does
 * not end the node. Measures `first audio`: from when the text came, or the one
 * before it had been said, to its first sound. Errors: SLUICE_PROGRAM_MISSING and SLUICE_SPEECH_FAILED are logged.
 */
export const ttsExec = defineNode({
  ...speaking(execTts),
  summary: 'Says texts by a program that is run for each sentence.',
  example: `sessions:
  room: { sessionId: demo }
nodes:
  lines: { type: text-lines, path: lines.txt }
  voice: { type: tts-exec, preset: espeak-ng, from: lines }
  bot:   { type: publisher, captions: true, from: [voice.out, voice.words] }`,
});
