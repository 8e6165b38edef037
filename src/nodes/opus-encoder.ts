import { Transform, type TransformCallback } from 'node:stream';
import { z } from 'zod';
import { createOpusEncoder, type OpusEncoder, type OpusSampleRate } from '../codecs/opus.js';
import type { AudioData } from '../media/audio-data.js';
import type { EncodedAudioChunk } from '../media/encoded-chunk.js';
import { SluiceError } from '../media/errors.js';
import { defineNode } from '../media/node.js';

const RATES = [8000, 12000, 16000, 24000, 48000] as const;
const PERIOD_US = 20_000;

const Options = z.strictObject({
  bitrate: z.int().min(6000).max(510_000).optional().describe('Bits per second; about 32,000 a channel when left out.'),
  application: z.enum(['voip', 'audio']).default('voip').describe('`voip` favours speech, `audio` everything else.'),
  fec: z.boolean().default(false).describe('Put a coarse copy of each packet into the next one, against loss.'),
  dtx: z.boolean().default(false).describe('Make packets of a byte or two while it is silent.'),
});
type OpusEncoderOptions = z.output<typeof Options>;

/**
 * Encodes audio to Opus packets of 20 ms, whatever the length of the chunks; the last one is filled up with silence.
 * The format must not change on the way. Errors: SLUICE_FORMAT_MISMATCH.
 */
export const opusEncoder = defineNode({
  type: 'opus-encoder',
  summary: 'Encodes audio to Opus.',
  options: Options,
  inputs: [{ name: 'in', formats: [{ kind: 'audio', sampleRate: RATES }] }],
  outputs: [{ name: 'out', formats: [{ kind: 'encoded-audio', codec: 'opus' }] }],
  latencyMs: 20,
  example: `nodes:
  beep: { type: tone, durationMs: 1000, live: false }
  opus: { type: opus-encoder, from: beep, bitrate: 24000 }
  file: { type: recorder, from: opus, path: out/beep.webm }`,
  create: (options) => new OpusEncoderStream(options),
});

class OpusEncoderStream extends Transform {
  readonly #options: OpusEncoderOptions;
  #encoder: OpusEncoder | undefined;
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
      this.#take(audio, done);
      return;
    }
    this.#open(audio).then(
      () => { this.#take(audio, done); },
      (error: unknown) => { done(error as Error); },
    );
  }

  override _flush(done: TransformCallback): void {
    if (this.#filled > 0) {
      this.#period.fill(0, this.#filled);
      this.#emitPeriod();
    }
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#encoder?.close();
    this.#encoder = undefined;
    done(error);
  }

  async #open(audio: AudioData): Promise<void> {
    const { bitrate, application, fec, dtx } = this.#options;
    this.#sampleRate = audio.sampleRate;
    this.#channels = audio.numberOfChannels;
    this.#period = new Int16Array((audio.sampleRate / 50) * audio.numberOfChannels);
    this.#encoder = await createOpusEncoder({
      sampleRate: audio.sampleRate as OpusSampleRate,
      numberOfChannels: audio.numberOfChannels as 1 | 2,
      application,
      fec,
      dtx,
      ...(bitrate !== undefined && { bitrate }),
    });
  }

  #take(audio: AudioData, done: TransformCallback): void {
    if (audio.sampleRate !== this.#sampleRate || audio.numberOfChannels !== this.#channels) {
      done(
        new SluiceError(
          'SLUICE_FORMAT_MISMATCH',
          `opus-encoder began with ${this.#sampleRate} Hz and ${this.#channels} channel(s), but audio of ${audio.sampleRate} Hz and ${audio.numberOfChannels} came in`,
          { mend: 'Put a resampler in front of it.' },
        ),
      );
      return;
    }
    try {
      for (let offset = 0; offset < audio.data.length; ) {
        if (this.#filled === 0) this.#timestamp = Math.max(this.#timestamp, this.#timeOf(audio, offset));
        const count = Math.min(this.#period.length - this.#filled, audio.data.length - offset);
        this.#period.set(audio.data.subarray(offset, offset + count), this.#filled);
        this.#filled += count;
        offset += count;
        if (this.#filled === this.#period.length) this.#emitPeriod();
      }
      done();
    } catch (error) {
      done(error as Error);
    }
  }

  #timeOf(audio: AudioData, offset: number): number {
    return audio.timestamp + Math.round((offset * 1_000_000) / (this.#sampleRate * this.#channels));
  }

  #emitPeriod(): void {
    const data = this.#encoder?.encode(this.#period);
    this.#filled = 0;
    if (!data) return;
    const chunk: EncodedAudioChunk = { kind: 'encoded-audio', codec: 'opus', data, timestamp: this.#timestamp, duration: PERIOD_US };
    this.push(chunk);
    this.#timestamp += PERIOD_US;
  }
}
