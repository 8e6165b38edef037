import { Transform, type TransformCallback } from 'node:stream';
import { z } from 'zod';
import { AudioConverter } from '../codecs/audio-converter.js';
import { createOpusPeriodEncoder, type OpusPeriodEncoder } from '../codecs/opus-period-encoder.js';
import type { OpusSampleRate } from '../codecs/opus-settings.js';
import type { AudioData } from '../media/audio-data.js';
import type { EncodedAudioChunk } from '../media/encoded-chunk.js';
import { SluiceError } from '../media/errors.js';
import { defineNode } from '../media/node.js';

/** The best first: what becomes of sound whose rate is not known. */
const RATES = [48000, 24000, 16000, 12000, 8000] as const;
const PERIOD_US = 20_000;

const Options = z.strictObject({
  bitrate: z.int().min(6000).max(510_000).optional().describe('Bits per second; about 32,000 a channel when left out.'),
  application: z.enum(['voip', 'audio']).default('voip').describe('`voip` favours speech, `audio` everything else.'),
  fec: z.boolean().default(false).describe('Put a coarse copy of each packet into the next one, against loss.'),
  complexity: z
    .int()
    .min(0)
    .max(10)
    .optional()
    .describe('How much work goes into it, 0 to 10; 9 when left out. Speech at 4 takes a fifth to a half of the time.'),
  dtx: z.boolean().default(false).describe('Make packets of a byte or two while it is silent.'),
});
type OpusEncoderOptions = z.output<typeof Options>;

/** µs of one core for a second of audio, about. */
const ENCODE_COST = 5000;

/** Audio that comes later than this after the one before is not part of the packet that has been begun. In µs. */
const MAX_GAP_US = 10_000;

/**
 * Encodes audio to Opus packets of 20 ms, whatever the length of the chunks. Where timestamps leave a gap, and at the
 * end, the packet that has been begun is filled up with silence; gaps stay gaps. What comes in another format on the way
 * is converted to the first. Errors: SLUICE_FORMAT_MISMATCH, SLUICE_CODEC_FAILED.
 */
export const opusEncoder = defineNode({
  type: 'opus-encoder',
  summary: 'Encodes audio to Opus.',
  options: Options,
  inputs: [{ name: 'in', formats: [{ kind: 'audio', sampleRate: RATES }] }],
  outputs: [{ name: 'out', formats: [{ kind: 'encoded-audio', codec: 'opus' }] }],
  latency: { minMs: 20, maxMs: 20 },
  // What comes in is not known to be speech.
  converts: (from, to) =>
    from.kind === 'audio' && to.kind === 'encoded-audio'
      ? { options: { application: 'audio' }, cost: ENCODE_COST }
      : undefined,
  example: `nodes:
  beep: { type: tone, durationMs: 1000, live: false }
  opus: { type: opus-encoder, from: beep, bitrate: 24000 }
  file: { type: recorder, from: opus, path: out/beep.webm }`,
  create: (options) => new OpusEncoderStream(options),
});

class OpusEncoderStream extends Transform {
  readonly #options: OpusEncoderOptions;
  #encoder: OpusPeriodEncoder | undefined;
  /** Made with the first chunk, whose format is encoded. */
  #converter: AudioConverter | undefined;
  #sampleRate = 0;
  #channels = 0;
  #period = new Int16Array(0);
  #filled = 0;
  #timestamp = 0;

  constructor(options: OpusEncoderOptions) {
    super({ objectMode: true, readableHighWaterMark: 8, writableHighWaterMark: 8 });
    this.#options = options;
  }

  override _transform(audio: AudioData, _encoding: BufferEncoding, done: TransformCallback): void {
    if (this.#encoder) {
      this.#take(this.#encoder, audio, done);
      return;
    }
    this.#open(audio).then(
      (encoder) => {
        this.#take(encoder, audio, done);
      },
      (error: unknown) => {
        done(error as Error);
      },
    );
  }

  override _flush(done: TransformCallback): void {
    try {
      if (this.#encoder) {
        for (const rest of this.#converter?.flush() ?? []) this.#encode(this.#encoder, rest);
        if (this.#filled > 0) this.#emitPeriod(this.#encoder);
      }
      done();
    } catch (error) {
      done(error as Error);
    }
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#encoder?.close();
    this.#converter?.close();
    this.#encoder = this.#converter = undefined;
    done(error);
  }

  async #open(audio: AudioData): Promise<OpusPeriodEncoder> {
    const { bitrate, application, complexity, fec, dtx } = this.#options;
    if (!isOpusRate(audio.sampleRate)) {
      throw new SluiceError('SLUICE_FORMAT_MISMATCH', `Opus does not take ${audio.sampleRate} Hz`, {
        mend: 'Put a resampler in front of it.',
      });
    }
    this.#sampleRate = audio.sampleRate;
    this.#channels = audio.numberOfChannels;
    this.#converter = new AudioConverter({ sampleRate: audio.sampleRate, numberOfChannels: audio.numberOfChannels });
    this.#period = new Int16Array((audio.sampleRate / 50) * audio.numberOfChannels);
    const encoder = await createOpusPeriodEncoder({
      sampleRate: audio.sampleRate,
      numberOfChannels: audio.numberOfChannels === 2 ? 2 : 1,
      application,
      fec,
      dtx,
      ...(bitrate !== undefined && { bitrate }),
      ...(complexity !== undefined && { complexity }),
    });
    if (this.destroyed) encoder.close();
    else this.#encoder = encoder;
    return encoder;
  }

  #take(encoder: OpusPeriodEncoder, audio: AudioData, done: TransformCallback): void {
    if (this.destroyed) return;
    try {
      const converted = this.#converter?.convert(audio) ?? [];
      if (!(converted instanceof Promise)) this.#encodeAll(encoder, converted, done);
      else
        converted.then(
          (values) => {
            this.#encodeAll(encoder, values, done);
          },
          (error: unknown) => {
            done(error as Error);
          },
        );
    } catch (error) {
      done(error as Error);
    }
  }

  #encodeAll(encoder: OpusPeriodEncoder, values: readonly AudioData[], done: TransformCallback): void {
    if (this.destroyed) {
      this.#converter?.close();
      return;
    }
    try {
      for (const value of values) this.#encode(encoder, value);
      done();
    } catch (error) {
      done(error as Error);
    }
  }

  #encode(encoder: OpusPeriodEncoder, audio: AudioData): void {
    const { data } = audio;
    const isBegun = this.#filled > 0;
    if (isBegun && audio.timestamp - this.#timestamp - this.#timeOf(this.#filled) > MAX_GAP_US)
      this.#emitPeriod(encoder);
    for (let offset = 0; offset < data.length;) {
      if (this.#filled === 0) this.#timestamp = Math.max(this.#timestamp, audio.timestamp + this.#timeOf(offset));
      const count = Math.min(this.#period.length - this.#filled, data.length - offset);
      this.#period.set(data.subarray(offset, offset + count), this.#filled);
      this.#filled += count;
      offset += count;
      if (this.#filled === this.#period.length) this.#emitPeriod(encoder);
    }
  }

  /** How long so many samples last, in µs. */
  #timeOf(samples: number): number {
    return Math.round((samples * 1_000_000) / (this.#sampleRate * this.#channels));
  }

  /** Encodes what has been gathered, filled up with silence. */
  #emitPeriod(encoder: OpusPeriodEncoder): void {
    this.#period.fill(0, this.#filled);
    this.#filled = 0;
    const timestamp = this.#timestamp;
    this.#timestamp += PERIOD_US;
    const data = encoder.encode(this.#period);
    const chunk: EncodedAudioChunk = { kind: 'encoded-audio', codec: 'opus', data, timestamp, duration: PERIOD_US };
    this.push(chunk);
  }
}

function isOpusRate(rate: number): rate is OpusSampleRate {
  return (RATES as readonly number[]).includes(rate);
}
