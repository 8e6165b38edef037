import { setImmediate as turn } from 'node:timers/promises';
import { createOpusDecoder, createOpusEncoder, type OpusEncoderOptions } from '../../src/codecs/opus.js';
import { createResampler } from '../../src/codecs/resampler.js';
import type { AudioConsumer } from '../../src/engine/audio/audio-consumer.js';
import { AudioReceiver } from '../../src/engine/audio/audio-receiver.js';

/** What a network does to the packets of one source, and the clock of that source. */
export interface Path {
  /** By the packet's number. */
  readonly isLost?: (packet: number) => boolean;
  /** By the packet's number: the source sends nothing in its time. */
  readonly isNotSent?: (packet: number) => boolean;
  /** By the packet's number, in ms. */
  readonly delayMs?: (packet: number) => number;
  readonly isDoubled?: (packet: number) => boolean;
  /** How much faster the source's clock is, by the packet's number where it changes. */
  readonly ppm?: number | ((packet: number) => number);
  readonly packetMs?: number;
  /** By the packet's number, in samples at 48 kHz: what its time stamp has too much. */
  readonly skew?: (packet: number) => number;
}

interface Arrival {
  readonly packet: number;
  readonly sequence: number;
  readonly atUs: number;
}

const TICK_US = 5000;

/** A receiver on a clock of its own, and the packets that reach it; nothing of it waits or takes time but decoding. */
export class AudioSimulation {
  readonly receiver: AudioReceiver;
  readonly path: Path;
  readonly packetMs: number;
  nowUs = 0;
  readonly #packet: (packet: number) => Uint8Array;
  #sent = 0;
  #notSent = 0;
  #nextUs = 0;
  /** Sent and not yet there, by arrival. */
  readonly #travelling: Arrival[] = [];

  constructor(packet: (packet: number) => Uint8Array, path: Path = {}) {
    this.receiver = new AudioReceiver({
      onError: (error) => {
        throw error;
      },
    });
    this.#packet = packet;
    this.path = path;
    this.packetMs = path.packetMs ?? 20;
  }

  /** Opens decoders and what else takes a moment. */
  async listen(consumer: AudioConsumer): Promise<void> {
    this.receiver.add(consumer);
    const format = { sampleRate: 48_000, numberOfChannels: 1 } as const;
    (await createOpusDecoder(format)).close();
    (await createResampler({ from: format, to: format, adjustable: true })).close();
    await this.settle();
  }

  /** Waits until what is being opened is open. */
  async settle(): Promise<void> {
    while (!this.receiver.isOpen) await turn();
  }

  /** Lets so much time pass. */
  run(ms: number, onTick?: (nowUs: number) => void): void {
    const endUs = this.nowUs + ms * 1000;
    while (this.nowUs < endUs) {
      const beatUs = Math.min(endUs, this.nowUs + TICK_US);
      this.#send(beatUs);
      for (let next = this.#travelling[0]; next && next.atUs <= beatUs; next = this.#travelling[0]) {
        this.#travelling.shift();
        this.#arrive(next);
      }
      this.nowUs = beatUs;
      this.receiver.tick(beatUs);
      onTick?.(beatUs);
    }
  }

  /** Lets so much time pass in which the machine stands still: what comes meanwhile is there at its end, all at once. */
  standStill(ms: number): void {
    this.nowUs += ms * 1000;
    this.#send(this.nowUs);
    for (let next = this.#travelling[0]; next && next.atUs <= this.nowUs; next = this.#travelling[0]) {
      this.#travelling.shift();
      this.#arrive({ ...next, atUs: this.nowUs });
    }
    this.receiver.tick(this.nowUs);
  }

  #send(untilUs: number): void {
    const { isLost, isNotSent, isDoubled, delayMs, ppm = 0 } = this.path;
    for (; this.#nextUs <= untilUs; this.#sent++) {
      const packet = this.#sent;
      const atUs = this.#nextUs + (delayMs?.(packet) ?? 0) * 1000;
      this.#nextUs += (this.packetMs * 1000) / (1 + (typeof ppm === 'number' ? ppm : ppm(packet)) / 1e6);
      if (isNotSent?.(packet)) this.#notSent++;
      if (isLost?.(packet) || isNotSent?.(packet)) continue;
      const sequence = packet - this.#notSent;
      this.#travel({ packet, sequence, atUs });
      if (isDoubled?.(packet)) this.#travel({ packet, sequence, atUs: atUs + 3000 });
    }
  }

  #travel(arrival: Arrival): void {
    let at = this.#travelling.length;
    while (at > 0 && this.#travelling[at - 1]!.atUs > arrival.atUs) at--;
    this.#travelling.splice(at, 0, arrival);
  }

  #arrive({ packet, sequence, atUs }: Arrival): void {
    const timestamp = (packet * this.packetMs * 48 + (this.path.skew?.(packet) ?? 0)) >>> 0;
    this.receiver.receive(sequence & 0xffff, timestamp, this.#packet(packet), atUs);
  }
}

/** Keeps all that it is given. */
export class Recorder implements AudioConsumer {
  readonly format;
  readonly periods: Int16Array[] = [];
  readonly timestampsUs: number[] = [];

  constructor(sampleRate = 48_000, numberOfChannels = 1) {
    this.format = { sampleRate, numberOfChannels };
  }

  audio(period: Int16Array, timestampUs: number): void {
    this.periods.push(period);
    this.timestampsUs.push(timestampUs);
  }
}

/** Opus packets of mono samples. */
export async function encodeAll(
  samples: Int16Array,
  options: Partial<OpusEncoderOptions> & { readonly packetMs?: number } = {},
): Promise<Uint8Array[]> {
  const { packetMs = 20, sampleRate = 48_000, ...rest } = options;
  const encoder = await createOpusEncoder({ sampleRate, numberOfChannels: 1, ...rest });
  const length = (packetMs * sampleRate) / 1000;
  const packets: Uint8Array[] = [];
  for (let at = 0; at + length <= samples.length; at += length)
    packets.push(new Uint8Array(encoder.encode(samples.subarray(at, at + length))));
  encoder.close();
  return packets;
}

/** Numbers from 0 to 1 that look random and are the same every time. */
export function noise(seed: number, i: number): number {
  let x = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(i + 1, 0xc2b2ae35);
  x = Math.imul(x ^ (x >>> 15), 0x2c1b3c6d);
  x = Math.imul(x ^ (x >>> 12), 0x297a2d39);
  return ((x ^ (x >>> 15)) >>> 0) / 2 ** 32;
}

/**
 * The largest break in a tone: how far a sample is from where the two before it lead. 0 for a pure tone; a jump shows with about its height
 * at low frequencies.
 */
export function largestBreak(samples: Int16Array, frequency: number, rate: number): number {
  const factor = 2 * Math.cos((2 * Math.PI * frequency) / rate);
  let largest = 0;
  for (let i = 2; i < samples.length; i++) {
    const error = Math.abs(samples[i]! - factor * samples[i - 1]! + samples[i - 2]!);
    if (error > largest) largest = error;
  }
  return Math.round(largest);
}
