import { defineNode } from '../media/node.js';
import { speaking } from '../speech/speaking.js';
import { sherpaTts } from '../speech/tts/sherpa.js';

/**
 * Says texts by a model of sherpa-onnx in this process, without a network, sentence by sentence: the next one is made while one is heard.
 * Needs the package sherpa-onnx-node; which model a folder holds is seen by its files. `words` gives each sentence as captions when its
 * sound comes out. A text that cannot be said is counted, and does not end the node. Measures `first audio` of each text. Errors:
 * SLUICE_DRIVER_UNAVAILABLE, SLUICE_FILE_NOT_FOUND, SLUICE_CONFIG_INVALID and SLUICE_SPEECH_FAILED are logged.
 */
export const ttsSherpa = defineNode({
  ...speaking(sherpaTts),
  summary: 'Says texts by a model of sherpa-onnx: VITS (Piper), Kokoro, Kitten, Matcha.',
  example: `sessions:
  room: { sessionId: demo }
nodes:
  lines: { type: text-lines, path: lines.txt }
  voice: { type: tts-sherpa, model: models/kokoro-en-v0_19, speaker: 3, from: lines }
  bot:   { type: publisher, captions: true, from: [voice.out, voice.words] }`,
});
