import { Transform, type TransformCallback } from 'node:stream';
import { z } from 'zod';
import { createOpusDecoder, type OpusDecoder } from '../codecs/opus.js';
import { audioData } from '../media/audio-data.js';
import type { EncodedAudioChunk } from '../media/encoded-chunk.js';
import { defineNode } from '../media/node.js';

const Options = z.strictObject({
  sampleRate: z.literal([8000, 12000, 16000, 24000, 48000]).default(48_000).describe('Samples per second and channel that come out, in Hz.'),
  channels: z.literal([1, 2]).default(2).describe('Channels that come out: 1 for mono, 2 for stereo.'),
});
type OpusDecoderOptions = z.output<typeof Options>;

/** A packet later than this after the one before is a pause of the source, not a loss. In µs. */
const MAX_CONCEALED_US = 100_000;

/**
 * Decodes Opus packets, one chunk of audio a packet. A gap of up to 100 ms between two packets is concealed.
 * A packet that cannot be decoded is concealed too, and counted as dropped.
 */
export const opusDecoder = defineNode({
  type: 'opus-decoder',
  summary: 'Decodes Opus to audio.',
  options: Options,
  inputs: [{ name: 'in', formats: [{ kind: 'encoded-audio', codec: 'opus' }] }],
  outputs: ({ sampleRate, channels }) => [{ name: 'out', formats: [{ kind: 'audio', sampleRate, numberOfChannels: channels }] }],
  example: `nodes:
  beep:  { type: tone, durationMs: 1000, live: false }
  opus:  { type: opus-encoder, from: beep }
  again: { type: opus-decoder, from: opus, channels: 1 }
  file:  { type: wav, from: again, path: out/again.wav }`,
  create: async (options, context) =>
    new OpusDecoderStream(
      options,
      await createOpusDecoder({ sampleRate: options.sampleRate, numberOfChannels: options.channels }),
      (reason) => { context.dropped(reason); },
    ),
});

class OpusDecoderStream extends Transform {
  readonly #options: OpusDecoderOptions;
  readonly #decoder: OpusDecoder;
  readonly #dropped: (reason: string) => void;
  #endUs: number | undefined;

  constructor(options: OpusDecoderOptions, decoder: OpusDecoder, dropped: (reason: string) => void) {
    super({ objectMode: true, readableHighWaterMark: 8, writableHighWaterMark: 8 });
    this.#options = options;
    this.#decoder = decoder;
    this.#dropped = dropped;
  }

  override _transform(chunk: EncodedAudioChunk, _encoding: BufferEncoding, done: TransformCallback): void {
    try {
      this.#concealGap(chunk);
      this.#emitSamples(this.#decode(chunk), chunk.timestamp);
      this.#endUs = chunk.timestamp + chunk.duration;
      done();
    } catch (error) {
      done(error as Error);
    }
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#decoder.close();
    done(error);
  }

  #concealGap(chunk: EncodedAudioChunk): void {
    const gapUs = this.#endUs === undefined ? 0 : chunk.timestamp - this.#endUs;
    if (gapUs < chunk.duration / 2 || gapUs > MAX_CONCEALED_US) return;
    const lost = Math.round(gapUs / chunk.duration);
    for (let i = 0; i < lost; i++) {
      const timestamp = (this.#endUs ?? 0) + i * chunk.duration;
      this.#emitSamples(this.#decoder.conceal(this.#frames(chunk)), timestamp);
    }
  }

  #decode(chunk: EncodedAudioChunk): Int16Array {
    try {
      return this.#decoder.decode(chunk.data);
    } catch {
      this.#dropped('broken packet');
      return this.#decoder.conceal(this.#frames(chunk));
    }
  }

  #frames(chunk: EncodedAudioChunk): number {
    return Math.round((chunk.duration * this.#options.sampleRate) / 1_000_000);
  }

  #emitSamples(data: Int16Array, timestamp: number): void {
    this.push(audioData(data, this.#options.sampleRate, this.#options.channels, timestamp));
  }
}
