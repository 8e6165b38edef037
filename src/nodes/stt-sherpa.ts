import { defineNode } from '../media/node.js';
import { sherpaStt } from '../speech/stt/sherpa.js';
import { transcribing } from '../speech/transcribing.js';

/**
 * Turns speech into text by an offline model of sherpa-onnx in this process, without a network: Whisper, Moonshine, Zipformer,
 * SenseVoice, Paraformer, NeMo. Needs the package sherpa-onnx-node; which model a folder holds is seen by its files, and all speakers
 * share it. Utterances are found by the voice activity that comes in beside the sound; without it all sound up to its end is one. What
 * cannot be understood is counted, and does not end the node. Measures `final transcript`: from when all of an utterance was there to
 * its text. Errors: SLUICE_DRIVER_UNAVAILABLE, SLUICE_FILE_NOT_FOUND, SLUICE_CONFIG_INVALID and SLUICE_SPEECH_FAILED are logged.
 */
export const sttSherpa = defineNode({
  ...transcribing(sherpaStt),
  summary: 'Turns speech into text by an offline model of sherpa-onnx: Whisper, Zipformer, SenseVoice and others.',
  example: `sessions:
  room: { sessionId: demo }
nodes:
  voices: { type: subscriber, media: audio, streams: each }
  speech: { type: vad, from: voices }
  text:   { type: stt-sherpa, model: models/sherpa-onnx-whisper-tiny.en, from: [voices, speech] }
  file:   { type: jsonl, from: text, path: "out/{name}.jsonl" }`,
});
