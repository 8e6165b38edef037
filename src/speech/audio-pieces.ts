import { createResampler, type Resampler } from '../codecs/resampler.js';
import { audioData, type AudioData, type SampleRate } from '../media/audio-data.js';
import type { SpeechFormat } from './synthesiser.js';

/** Chunks are so long. */
const CHUNK_MS = 20;

export interface AudioPiecesFormat {
  readonly sampleRate: SampleRate;
  readonly numberOfChannels: 1 | 2;
}

/** Makes chunks of 20 ms in one format of sound that comes in parts of any length and format; time stamps count its samples. */
export class AudioPieces {
  readonly #format: AudioPiecesFormat;
  /** Of one chunk, filled up to `#filled`. */
  #chunk: Int16Array;
  #filled = 0;
  #framesOut = 0;
  #resampler: Resampler | undefined;
  #from: SpeechFormat | undefined;

  constructor(format: AudioPiecesFormat) {
    this.#format = format;
    this.#chunk = this.#newChunk();
  }

  /** The chunks that this fills. Errors: SLUICE_CODEC_FAILED. */
  async push(samples: Int16Array, format: SpeechFormat): Promise<AudioData[]> {
    const out: AudioData[] = [];
    const from = this.#from;
    if (from?.sampleRate !== format.sampleRate || from.numberOfChannels !== format.numberOfChannels) {
      out.push(...this.#finishFormat());
      this.#from = format;
      this.#resampler = await createResampler({ from: format, to: this.#format, anyRate: true });
    }
    if (this.#resampler) out.push(...this.#fill(this.#resampler.process(samples)));
    return out;
  }

  /** So much silence, and what is left of a chunk, silent from where it was not filled. The next sound begins anew. */
  end(silenceMs: number): AudioData[] {
    const { sampleRate, numberOfChannels } = this.#format;
    const out = this.#finishFormat();
    out.push(...this.#fill(new Int16Array(Math.round((sampleRate * silenceMs) / 1000) * numberOfChannels)));
    if (this.#filled > 0) out.push(this.#give());
    return out;
  }

  close(): void {
    this.#resampler?.close();
    this.#resampler = this.#from = undefined;
  }

  /** What a resampler holds back. */
  #finishFormat(): AudioData[] {
    const out = this.#resampler ? this.#fill(this.#resampler.flush()) : [];
    this.close();
    return out;
  }

  #fill(samples: Int16Array): AudioData[] {
    const out: AudioData[] = [];
    for (let at = 0; at < samples.length;) {
      const count = Math.min(samples.length - at, this.#chunk.length - this.#filled);
      this.#chunk.set(samples.subarray(at, at + count), this.#filled);
      this.#filled += count;
      at += count;
      if (this.#filled === this.#chunk.length) out.push(this.#give());
    }
    return out;
  }

  #give(): AudioData {
    const { sampleRate, numberOfChannels } = this.#format;
    const timestamp = Math.round((this.#framesOut * 1_000_000) / sampleRate);
    const chunk = audioData(this.#chunk, sampleRate, numberOfChannels, timestamp);
    this.#framesOut += chunk.numberOfFrames;
    this.#chunk = this.#newChunk();
    this.#filled = 0;
    return chunk;
  }

  #newChunk(): Int16Array {
    const { sampleRate, numberOfChannels } = this.#format;
    return new Int16Array(((sampleRate * CHUNK_MS) / 1000) * numberOfChannels);
  }
}
