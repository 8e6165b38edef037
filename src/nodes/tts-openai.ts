import { defineNode } from '../media/node.js';
import { speaking } from '../speech/speaking.js';
import { openaiTts } from '../speech/tts/openai.js';

/**
 * Says texts by a service with OpenAI's API for speech (OpenAI, Kokoro-FastAPI, LocalAI and others), sentence by sentence: each as soon as
 * it is complete, while the one before is heard. Sound comes out while it is still made, no faster than it is taken, and `words` gives
 * each sentence as captions when its sound comes out. A request that fails before any sound came is made again, up to twice; a text that
 * cannot be said is counted, and does not end the node. Measures `first byte` of each request, and `first audio` of each text. Errors:
 * SLUICE_SERVICE_REFUSED and SLUICE_SPEECH_FAILED are logged.
 */
export const ttsOpenai = defineNode({
  ...speaking(openaiTts),
  summary: "Says texts by a service with OpenAI's API for speech.",
  example: `sessions:
  room: { sessionId: demo }
nodes:
  lines: { type: text-lines, path: lines.txt }
  voice: { type: tts-openai, apiKey: "\${OPENAI_API_KEY}", voice: alloy, from: lines }
  bot:   { type: publisher, captions: true, from: [voice.out, voice.words] }`,
});
