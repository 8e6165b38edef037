import { defineNode } from '../media/node.js';
import { sherpaStt } from '../speech/stt/sherpa.js';
import { transcribing } from '../speech/transcribing.js';

/**
 * Turns speech into text by a model of sherpa-onnx on this machine, without a network. Needs the package sherpa-onnx-node; which model a
 * folder holds is seen by its files, and all speakers share it. Offline models (Whisper, Moonshine, Zipformer, SenseVoice, Paraformer,
 * NeMo) understand utterances, which are found by the voice activity that comes in beside the sound; without it all sound up to its end is
 * one. Streaming models (Zipformer, Paraformer, NeMo) hear all sound in a process of their own, and write along; what was said becomes
 * final when the voice has ended. What cannot be understood is counted, and does not end the node, unless a streaming model cannot be
 * used at all. Measures `final transcript`: from when all of an utterance was there to its text. Errors: SLUICE_DRIVER_UNAVAILABLE,
 * SLUICE_FILE_NOT_FOUND, SLUICE_CONFIG_INVALID and SLUICE_SPEECH_FAILED.
 */
export const sttSherpa = defineNode({
  ...transcribing(sherpaStt),
  summary:
    'Turns speech into text by a model of sherpa-onnx, offline or while somebody speaks: Zipformer, Whisper and others.',
  example: `sessions:
  room: { sessionId: demo }
nodes:
  voices: { type: subscriber, media: audio, streams: each }
  speech: { type: vad, from: voices }
  text:   { type: stt-sherpa, model: models/sherpa-onnx-streaming-zipformer-en-20M-2023-02-17, from: [voices, speech] }
  file:   { type: jsonl, from: text, path: "out/{name}.jsonl" }`,
});
