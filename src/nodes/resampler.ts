import { Transform, type TransformCallback } from 'node:stream';
import { z } from 'zod';
import { createResampler, type Resampler } from '../codecs/resampler.js';
import { type AudioData, SAMPLE_RATES, audioData } from '../media/audio-data.js';
import { defineNode } from '../media/node.js';

const Options = z.strictObject({
  sampleRate: z.literal(SAMPLE_RATES).default(48_000).describe('Samples per second and channel that come out, in Hz.'),
  channels: z.literal([1, 2]).default(1).describe('Channels that come out: 1 for mono, 2 for stereo.'),
});
type ResamplerOptions = z.output<typeof Options>;

/**
 * Converts audio to one sample rate and number of channels. The input may change its format on the way. Chunks keep
 * about their length; timestamps go on from the first chunk of each input format by the samples that came out.
 */
export const resampler = defineNode({
  type: 'resampler',
  summary: 'Converts audio to another sample rate and number of channels.',
  options: Options,
  inputs: [{ name: 'in', formats: [{ kind: 'audio' }] }],
  outputs: ({ sampleRate, channels }) => [{ name: 'out', formats: [{ kind: 'audio', sampleRate, numberOfChannels: channels }] }],
  example: `nodes:
  clip:   { type: file, path: clip.mp3 }
  speech: { type: resampler, from: clip.audio, sampleRate: 16000 }
  file:   { type: wav, from: speech, path: out/speech.wav }`,
  create: (options) => new ResamplerStream(options),
});

class ResamplerStream extends Transform {
  readonly #options: ResamplerOptions;
  #resampler: Resampler | undefined;
  #inputRate = 0;
  #inputChannels = 0;
  #startUs = 0;
  #frames = 0;

  constructor(options: ResamplerOptions) {
    super({ objectMode: true, readableHighWaterMark: 8, writableHighWaterMark: 8 });
    this.#options = options;
  }

  override _transform(audio: AudioData, _encoding: BufferEncoding, done: TransformCallback): void {
    if (this.#resampler && audio.sampleRate === this.#inputRate && audio.numberOfChannels === this.#inputChannels) {
      this.#convert(this.#resampler, audio, done);
      return;
    }
    this.#reopen(audio).then(
      (resampler) => { this.#convert(resampler, audio, done); },
      (error: unknown) => { done(error as Error); },
    );
  }

  override _flush(done: TransformCallback): void {
    if (this.#resampler) this.#emitSamples(this.#resampler.flush());
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#resampler?.close();
    this.#resampler = undefined;
    done(error);
  }

  async #reopen(audio: AudioData): Promise<Resampler> {
    if (this.#resampler) {
      this.#emitSamples(this.#resampler.flush());
      this.#resampler.close();
    }
    const { sampleRate, channels } = this.#options;
    this.#inputRate = audio.sampleRate;
    this.#inputChannels = audio.numberOfChannels;
    this.#resampler = await createResampler({
      from: { sampleRate: audio.sampleRate, numberOfChannels: audio.numberOfChannels },
      to: { sampleRate, numberOfChannels: channels },
    });
    this.#startUs = Math.max(audio.timestamp, this.#nextTimestamp());
    this.#frames = 0;
    return this.#resampler;
  }

  #convert(resampler: Resampler, audio: AudioData, done: TransformCallback): void {
    try {
      this.#emitSamples(resampler.process(audio.data));
      done();
    } catch (error) {
      done(error as Error);
    }
  }

  #emitSamples(data: Int16Array): void {
    if (data.length === 0) return;
    const { sampleRate, channels } = this.#options;
    this.push(audioData(data, sampleRate, channels, this.#nextTimestamp()));
    this.#frames += data.length / channels;
  }

  #nextTimestamp(): number {
    return this.#startUs + Math.round((this.#frames * 1_000_000) / this.#options.sampleRate);
  }
}
