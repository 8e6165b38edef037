import { defineNode } from '../media/node.js';
import { deepgramStt } from '../speech/stt/deepgram.js';
import { listening } from '../speech/transcribing.js';

/**
 * Turns speech into text by Deepgram while somebody speaks: first transcripts that may still change, then those that are final, with
 * the times of their words. Voice activity that comes in beside the sound makes the service finish what was said as soon as it ends.
 * Where the connection breaks, sound that is not final text yet is sent again over a new one; where none can be had it is tried again
 * later, and what is not heard meanwhile is counted. A key that is refused ends the node. Measures `final transcript`: from when it was
 * known that speech had ended to its text. Errors: SLUICE_SERVICE_REFUSED; SLUICE_SPEECH_FAILED is logged.
 */
export const sttDeepgram = defineNode({
  ...listening(deepgramStt),
  summary: 'Turns speech into text by Deepgram, while somebody speaks.',
  example: `sessions:
  room: { sessionId: demo }
nodes:
  voices: { type: subscriber, media: audio, streams: each }
  speech: { type: vad, from: voices }
  text:   { type: stt-deepgram, apiKey: "\${DEEPGRAM_API_KEY}", language: en, from: [voices, speech] }
  file:   { type: jsonl, from: text, path: "out/{name}.jsonl" }`,
});
