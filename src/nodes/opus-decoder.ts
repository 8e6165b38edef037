import { Transform, type TransformCallback } from 'node:stream';
import { z } from 'zod';
import { createOpusDecoder, type OpusDecoder } from '../codecs/opus.js';
import { opusDurationUs } from '../codecs/opus-packet.js';
import { audioData } from '../media/audio-data.js';
import type { EncodedAudioChunk } from '../media/encoded-chunk.js';
import { audioOptions } from '../media/format.js';
import { defineNode } from '../media/node.js';

/** What Opus can be decoded to, in Hz. */
const RATES = [8000, 12000, 16000, 24000, 48000] as const;

const Options = z.strictObject({
  sampleRate: z.literal(RATES).default(48_000).describe('Samples per second and channel that come out, in Hz.'),
  channels: z.literal([1, 2]).default(2).describe('Channels that come out: 1 for mono, 2 for stereo.'),
});
type OpusDecoderOptions = z.output<typeof Options>;

/** µs of one core for a second of audio, about. */
const DECODE_COST = 2500;

/** A packet later than this after the one before is a pause of the source, not a loss. In µs. */
const MAX_CONCEALED_US = 100_000;
/** Only whole multiples of this can be concealed, in µs. */
const UNIT_US = 2_500;
/** Length of a packet that tells nothing, in µs. */
const NOMINAL_US = 20_000;

/**
 * Decodes Opus packets, one chunk of audio a packet. A gap of up to 100 ms between two packets is concealed, its end
 * from the copy in the packet behind it where there is one (FEC); a longer one stays a gap.
 * A packet that cannot be decoded is concealed too, and counted as dropped.
 */
export const opusDecoder = defineNode({
  type: 'opus-decoder',
  summary: 'Decodes Opus to audio.',
  options: Options,
  inputs: [{ name: 'in', formats: [{ kind: 'encoded-audio', codec: 'opus' }] }],
  outputs: ({ sampleRate, channels }) => [
    { name: 'out', formats: [{ kind: 'audio', sampleRate, numberOfChannels: channels }] },
  ],
  adapts: audioOptions,
  converts: (from, to) =>
    from.kind === 'encoded-audio' && to.kind === 'audio'
      ? { options: audioOptions(to, { sampleRate: RATES }), cost: DECODE_COST }
      : undefined,
  example: `nodes:
  beep:  { type: tone, durationMs: 1000, live: false }
  opus:  { type: opus-encoder, from: beep }
  again: { type: opus-decoder, from: opus, channels: 1 }
  file:  { type: wav, from: again, path: out/again.wav }`,
  create: (options, context) =>
    new OpusDecoderStream(options, (reason) => {
      context.dropped(reason);
    }),
});

class OpusDecoderStream extends Transform {
  readonly #options: OpusDecoderOptions;
  readonly #dropped: (reason: string) => void;
  #decoder: OpusDecoder | undefined;
  /** Where the audio ends that has come out. */
  #endUs: number | undefined;

  constructor(options: OpusDecoderOptions, dropped: (reason: string) => void) {
    super({ objectMode: true, readableHighWaterMark: 8, writableHighWaterMark: 8 });
    this.#options = options;
    this.#dropped = dropped;
  }

  override _transform(chunk: EncodedAudioChunk, _encoding: BufferEncoding, done: TransformCallback): void {
    if (this.#decoder) {
      this.#take(this.#decoder, chunk, done);
      return;
    }
    this.#open().then(
      (decoder) => {
        this.#take(decoder, chunk, done);
      },
      (error: unknown) => {
        done(error as Error);
      },
    );
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#decoder?.close();
    this.#decoder = undefined;
    done(error);
  }

  async #open(): Promise<OpusDecoder> {
    const { sampleRate, channels } = this.#options;
    const decoder = await createOpusDecoder({ sampleRate, numberOfChannels: channels });
    if (this.destroyed) decoder.close();
    else this.#decoder = decoder;
    return decoder;
  }

  #take(decoder: OpusDecoder, chunk: EncodedAudioChunk, done: TransformCallback): void {
    if (this.destroyed) return;
    try {
      const packetUs = opusDurationUs(chunk.data) ?? NOMINAL_US;
      this.#concealGap(decoder, chunk, packetUs);
      this.#emitSamples(this.#decode(decoder, chunk.data, packetUs), chunk.timestamp);
      done();
    } catch (error) {
      done(error as Error);
    }
  }

  /** Fills what is missing before the packet, in steps of its length. */
  #concealGap(decoder: OpusDecoder, chunk: EncodedAudioChunk, packetUs: number): void {
    if (this.#endUs === undefined || chunk.timestamp - this.#endUs > MAX_CONCEALED_US) return;
    for (;;) {
      const gapUs = chunk.timestamp - this.#endUs;
      // What is less than one unit is rounding.
      const stepUs = Math.min(packetUs, Math.floor(gapUs / UNIT_US) * UNIT_US);
      if (stepUs <= 0) return;
      const isLast = gapUs - stepUs < UNIT_US;
      const data = isLast ? this.#restore(decoder, chunk.data, stepUs) : decoder.conceal(this.#frames(stepUs));
      this.#emitSamples(data, this.#endUs);
    }
  }

  #restore(decoder: OpusDecoder, nextPacket: Uint8Array, lengthUs: number): Int16Array {
    try {
      return decoder.decodeFec(nextPacket, this.#frames(lengthUs));
    } catch {
      return decoder.conceal(this.#frames(lengthUs));
    }
  }

  #decode(decoder: OpusDecoder, packet: Uint8Array, packetUs: number): Int16Array {
    try {
      return decoder.decode(packet);
    } catch {
      this.#dropped('broken packet');
      return decoder.conceal(this.#frames(packetUs));
    }
  }

  #frames(lengthUs: number): number {
    return (lengthUs * this.#options.sampleRate) / 1_000_000;
  }

  #emitSamples(data: Int16Array, timestamp: number): void {
    const { sampleRate, channels } = this.#options;
    this.push(audioData(data, sampleRate, channels, timestamp));
    this.#endUs = timestamp + (data.length * 1_000_000) / (sampleRate * channels);
  }
}
