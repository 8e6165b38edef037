import { Transform, type TransformCallback } from 'node:stream';
import { z } from 'zod';
import { AudioConverter } from '../codecs/audio-converter.js';
import { type AudioData, SAMPLE_RATES } from '../media/audio-data.js';
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

/**
 * Converts audio to one sample rate and number of channels. The input may change its format on the way, and the sound goes on. Chunks keep
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
  readonly #converter: AudioConverter;

  constructor({ sampleRate, channels }: ResamplerOptions) {
    super({ objectMode: true, readableHighWaterMark: 8, writableHighWaterMark: 8 });
    this.#converter = new AudioConverter({ sampleRate, numberOfChannels: channels });
  }

  override _transform(audio: AudioData, _encoding: BufferEncoding, done: TransformCallback): void {
    try {
      const converted = this.#converter.convert(audio);
      if (!(converted instanceof Promise)) this.#give(converted, done);
      else
        converted.then(
          (values) => {
            this.#give(values, done);
          },
          (error: unknown) => {
            done(error as Error);
          },
        );
    } catch (error) {
      done(error as Error);
    }
  }

  override _flush(done: TransformCallback): void {
    try {
      this.#give(this.#converter.flush(), done);
    } catch (error) {
      done(error as Error);
    }
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#converter.close();
    done(error);
  }

  #give(values: readonly AudioData[], done: TransformCallback): void {
    if (this.destroyed) {
      this.#converter.close();
      return;
    }
    for (const value of values) this.push(value);
    done();
  }
}
