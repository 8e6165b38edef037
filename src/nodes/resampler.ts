import { Transform, type TransformCallback } from 'node:stream';
import { z } from 'zod';
import { createResampler, type Resampler } from '../codecs/resampler.js';
import { type AudioData, SAMPLE_RATES, audioData } from '../media/audio-data.js';
import { audioOptions, nearestIn } from '../media/format.js';
import { defineNode } from '../media/node.js';

const Options = z.strictObject({
  sampleRate: z.literal(SAMPLE_RATES).default(48_000).describe('Samples per second and channel that come out, in Hz.'),
  channels: z.literal([1, 2]).default(1).describe('Channels that come out: 1 for mono, 2 for stereo.'),
});
type ResamplerOptions = z.output<typeof Options>;

/** µs of one core for a second of audio, about: to change channels alone, and to change the rate. */
const CHANNELS_COST = 50;
const RESAMPLE_COST = 200;

/** Input whose timestamp is further from the samples before it than this leaves a gap in what comes out. In µs. */
const MAX_GAP_US = 20_000;

/**
 * Converts audio to one sample rate and number of channels. The input may change its format on the way. Chunks keep
 * about their length; timestamps go on by the samples that came out, gaps stay gaps, and time never goes back.
 */
export const resampler = defineNode({
  type: 'resampler',
  summary: 'Converts audio to another sample rate and number of channels.',
  options: Options,
  inputs: [{ name: 'in', formats: [{ kind: 'audio' }] }],
  outputs: ({ sampleRate, channels }) => [
    { name: 'out', formats: [{ kind: 'audio', sampleRate, numberOfChannels: channels }] },
  ],
  adapts: audioOptions,
  converts(from, to) {
    if (from.kind !== 'audio' || to.kind !== 'audio') return undefined;
    const sampleRate = nearestIn(from.sampleRate, to.sampleRate);
    const numberOfChannels = nearestIn(from.numberOfChannels, to.numberOfChannels);
    const keepsRate = from.sampleRate !== undefined && sampleRate === from.sampleRate;
    return {
      options: audioOptions({
        kind: 'audio',
        ...(sampleRate !== undefined && { sampleRate }),
        ...(numberOfChannels !== undefined && { numberOfChannels }),
      }),
      cost: keepsRate ? CHANNELS_COST : RESAMPLE_COST,
    };
  },
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
  /** Where the run without a gap began, and what has come in and gone out since. */
  #startUs = 0;
  #framesIn = 0;
  #framesOut = 0;

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
      (resampler) => {
        this.#convert(resampler, audio, done);
      },
      (error: unknown) => {
        done(error as Error);
      },
    );
  }

  override _flush(done: TransformCallback): void {
    try {
      if (this.#resampler) this.#emitSamples(this.#resampler.flush());
      done();
    } catch (error) {
      done(error as Error);
    }
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#resampler?.close();
    this.#resampler = undefined;
    done(error);
  }

  async #reopen(audio: AudioData): Promise<Resampler> {
    const { sampleRate, channels } = this.#options;
    if (this.#resampler) {
      this.#emitSamples(this.#resampler.flush());
      this.#resampler.close();
      this.#resampler = undefined;
    }
    const resampler = await createResampler({
      from: { sampleRate: audio.sampleRate, numberOfChannels: audio.numberOfChannels },
      to: { sampleRate, numberOfChannels: channels },
    });
    if (this.destroyed) resampler.close();
    else this.#resampler = resampler;
    this.#begin(audio.timestamp);
    this.#inputRate = audio.sampleRate;
    this.#inputChannels = audio.numberOfChannels;
    return resampler;
  }

  #convert(resampler: Resampler, audio: AudioData, done: TransformCallback): void {
    if (this.destroyed) return;
    try {
      const expectedUs = this.#startUs + (this.#framesIn * 1_000_000) / this.#inputRate;
      if (audio.timestamp - expectedUs > MAX_GAP_US) {
        this.#emitSamples(resampler.flush());
        this.#begin(audio.timestamp);
      }
      this.#framesIn += audio.numberOfFrames;
      this.#emitSamples(resampler.process(audio.data));
      done();
    } catch (error) {
      done(error as Error);
    }
  }

  #begin(timestampUs: number): void {
    this.#startUs = Math.max(timestampUs, this.#nextTimestamp());
    this.#framesIn = 0;
    this.#framesOut = 0;
  }

  #emitSamples(data: Int16Array): void {
    if (data.length === 0) return;
    const { sampleRate, channels } = this.#options;
    this.push(audioData(data, sampleRate, channels, this.#nextTimestamp()));
    this.#framesOut += data.length / channels;
  }

  #nextTimestamp(): number {
    return this.#startUs + Math.round((this.#framesOut * 1_000_000) / this.#options.sampleRate);
  }
}
