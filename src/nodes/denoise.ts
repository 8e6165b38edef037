import { Transform, type TransformCallback } from 'node:stream';
import { z } from 'zod';
import {
  RNNOISE_DELAY_FRAMES,
  RNNOISE_FRAMES,
  createNoiseSuppressor,
  type NoiseSuppressor,
} from '../codecs/rnnoise.js';
import { type AudioData, audioData } from '../media/audio-data.js';
import { defineNode } from '../media/node.js';

const SAMPLE_RATE = 48_000;
const DELAY_MS = (RNNOISE_DELAY_FRAMES * 1000) / SAMPLE_RATE;

/**
 * Takes steady noise out of speech (by RNNoise, whose model is in its package), in mono at 48 kHz. What comes out is as long as what
 * came in, sample for sample at its time: the 20 ms that RNNoise looks ahead are waited for, not added. Chunks are of 10 ms.
 * Errors: SLUICE_CODEC_UNAVAILABLE.
 */
export const denoise = defineNode({
  type: 'denoise',
  summary: 'Takes steady noise out of speech.',
  options: z.strictObject({}),
  inputs: [{ name: 'in', formats: [{ kind: 'audio', sampleRate: SAMPLE_RATE, numberOfChannels: 1 }] }],
  outputs: [{ name: 'out', formats: [{ kind: 'audio', sampleRate: SAMPLE_RATE, numberOfChannels: 1 }] }],
  latency: { minMs: DELAY_MS, maxMs: DELAY_MS + (RNNOISE_FRAMES * 1000) / SAMPLE_RATE },
  example: `nodes:
  clip:  { type: file, path: speech.ogg }
  clean: { type: denoise, from: clip.audio }
  file:  { type: wav, from: clean, path: out/clean.wav }`,
  create: () => new Denoiser(),
});

class Denoiser extends Transform {
  #suppressor: NoiseSuppressor | undefined;
  readonly #frame = new Float32Array(RNNOISE_FRAMES);
  /** Samples in the frame that is being filled. */
  #filled = 0;
  /** Samples that came in less those that went out. */
  #owed = 0;
  /** Samples that RNNoise still gives of the time before the first. */
  #early = RNNOISE_DELAY_FRAMES;
  /** Where the next sample that goes out belongs; undefined before the first. */
  #timestamp: number | undefined;

  constructor() {
    super({ objectMode: true });
  }

  override _construct(done: (error?: Error | null) => void): void {
    createNoiseSuppressor().then((suppressor) => {
      this.#suppressor = suppressor;
      done();
    }, done);
  }

  override _transform(audio: AudioData, _encoding: BufferEncoding, done: TransformCallback): void {
    try {
      this.#timestamp = Math.max(
        this.#timestamp ?? -Infinity,
        audio.timestamp - (this.#owed * 1_000_000) / SAMPLE_RATE,
      );
      this.#take(audio.data);
      done();
    } catch (error) {
      done(error as Error);
    }
  }

  override _flush(done: TransformCallback): void {
    try {
      // Silence pushes out what RNNoise still holds.
      while (this.#owed > 0) {
        this.#frame.fill(0, this.#filled);
        this.#give();
      }
      done();
    } catch (error) {
      done(error as Error);
    }
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#suppressor?.close();
    done(error);
  }

  #take(data: Int16Array): void {
    this.#owed += data.length;
    for (let at = 0; at < data.length;) {
      const count = Math.min(RNNOISE_FRAMES - this.#filled, data.length - at);
      for (let i = 0; i < count; i++) this.#frame[this.#filled + i] = data[at + i]!;
      this.#filled += count;
      at += count;
      if (this.#filled === RNNOISE_FRAMES) this.#give();
    }
  }

  /** Gives what RNNoise makes of the frame, as far as it is owed. */
  #give(): void {
    this.#filled = 0;
    this.#suppressor?.process(this.#frame);
    const from = Math.min(this.#early, RNNOISE_FRAMES);
    this.#early -= from;
    const out = new Int16Array(Math.min(RNNOISE_FRAMES - from, this.#owed));
    if (out.length === 0) return;
    for (let i = 0; i < out.length; i++) {
      const sample = Math.round(this.#frame[from + i]!);
      out[i] = sample > 32_767 ? 32_767 : sample < -32_768 ? -32_768 : sample;
    }
    const timestamp = this.#timestamp ?? 0;
    this.#timestamp = timestamp + (out.length * 1_000_000) / SAMPLE_RATE;
    this.#owed -= out.length;
    this.push(audioData(out, SAMPLE_RATE, 1, timestamp));
  }
}
