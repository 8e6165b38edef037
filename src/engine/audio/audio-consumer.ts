import type { EncodedAudioChunk } from '../../media/encoded-chunk.js';
import type { AudioFormat } from '../port.js';

/** Takes decoded audio: 20 ms at a time, at each beat, in the format it asked for. */
export interface AudioConsumer {
  readonly format: AudioFormat;
  /** `period` may be shared with other consumers: it is not to be changed. */
  audio(period: Int16Array, timestampUs: number): void;
}

/** Takes Opus packets in their order. */
export interface EncodedAudioConsumer {
  encodedAudio(chunk: EncodedAudioChunk): void;
}
