import { defineNode } from '../media/node.js';
import { openaiStt } from '../speech/stt/openai.js';
import { transcribing } from '../speech/transcribing.js';

/**
 * Turns speech into text by a service with OpenAI's API for transcriptions: OpenAI, Groq, whisper.cpp, faster-whisper. Utterances are
 * found by the voice activity that comes in beside the sound; without it all sound up to its end is one. A request that fails is made
 * again, at most twice, where that may help; what the service cannot understand is counted, and does not end the node. Measures
 * `first byte` of its answers, and `final transcript`: from when all of an utterance was there to its text. Errors:
 * SLUICE_SERVICE_REFUSED and SLUICE_SPEECH_FAILED are logged.
 */
export const sttOpenai = defineNode({
  ...transcribing(openaiStt),
  summary: "Turns speech into text by a service with OpenAI's API for transcriptions.",
  example: `sessions:
  room: { sessionId: demo }
nodes:
  voices: { type: subscriber, media: audio, streams: each }
  speech: { type: vad, from: voices }
  text:   { type: stt-openai, apiKey: "\${OPENAI_API_KEY}", language: en, from: [voices, speech] }
  file:   { type: jsonl, from: text, path: "out/{name}.jsonl" }`,
});
