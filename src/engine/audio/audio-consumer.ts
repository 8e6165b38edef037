import type { EncodedAudioChunk } from '../../media/encoded-chunk.js';
import type { AudioFormat } from '../port.js';

/** Takes decoded audio in the format it asked for: 20 ms at a time, 50 times in a second of this machine's clock. */
export interface AudioConsumer {
  readonly format: AudioFormat;
  /** `period` may be shared with other consumers: it is not to be changed. */
  audio(period: Int16Array, timestampUs: number): void;
}

/** Takes decoded audio in the format it asked for, as it comes: in pieces of any length, but as much in a second as an AudioConsumer. */
export interface AudioFlow {
  readonly format: AudioFormat;
  /** `samples` may be shared: they are not to be changed, nor kept. */
  flow(samples: Int16Array): void;
}

/** Takes Opus packets in their order. */
export interface EncodedAudioConsumer {
  encodedAudio(chunk: EncodedAudioChunk): void;
}
