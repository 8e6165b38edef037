import { mixInto } from '../../media/pcm.js';
import type { AudioFormat } from '../port.js';
import type { AudioFlow } from './audio-consumer.js';
import type { AudioReceiver } from './audio-receiver.js';
import { PERIOD_US } from './audio-sender.js';

/**
 * How much later than by itself a track is heard in a mix: a period, so that one is there at each beat whatever the phase between the beat
 * and the track's packets, and as much as the track waits for a packet that is late.
 */
const DELAY_US = PERIOD_US + 10_000;
/** Further than this from it the delay is set anew: the machine slept, and beats or packets were left out. */
const MAX_OFF_US = PERIOD_US;
/** Periods that wait at most: of the longest packet, and two. More can only be there after the machine slept. */
const MAX_PERIODS = 8;

/** One track on its way into a mix: holds what it plays until the beats of the mix take it. */
export class MixSource implements AudioFlow {
  readonly format: AudioFormat;
  readonly #receiver: AudioReceiver;
  readonly #periodLength: number;
  readonly #fifo: Int16Array;
  #held = 0;
  #flows = false;

  constructor(receiver: AudioReceiver, format: AudioFormat) {
    this.format = format;
    this.#receiver = receiver;
    this.#periodLength = (format.sampleRate / 50) * format.numberOfChannels;
    this.#fifo = new Int16Array(this.#periodLength * MAX_PERIODS);
    receiver.addFlow(this);
  }

  get isClosed(): boolean {
    return this.#receiver.isClosed;
  }

  flow(samples: Int16Array): void {
    const excess = this.#held + samples.length - this.#fifo.length;
    if (excess > 0) this.#drop(Math.min(excess, this.#held));
    const newest = samples.length > this.#fifo.length ? samples.subarray(-this.#fifo.length) : samples;
    this.#fifo.set(newest, this.#held);
    this.#held += newest.length;
  }

  /** Adds a period to a sum. What is due is decoded here, at the beats: one track after another takes less than each by itself. */
  mixInto(sum: Int32Array, nowUs: number): void {
    this.#receiver.tick(nowUs);
    if (!this.#keepDelay(nowUs)) return;
    while (this.#held < this.#periodLength) {
      const before = this.#receiver.playedUntilUs;
      this.#receiver.hurry(nowUs);
      if (this.#receiver.playedUntilUs === before) break;
    }
    const length = Math.min(this.#held, this.#periodLength);
    mixInto(sum, this.#fifo.subarray(0, length));
    this.#drop(length);
    if (length < this.#periodLength) this.#flows = false;
  }

  close(): void {
    this.#receiver.removeFlow(this);
  }

  /** Puts silence in front of the first sound, as long as makes the delay of the mix what it should be; false before there is any. */
  #keepDelay(nowUs: number): boolean {
    const untilUs = this.#receiver.playedUntilUs;
    if (untilUs === undefined || (this.#held === 0 && !this.#flows)) return false;
    const { sampleRate, numberOfChannels } = this.format;
    const wantedUs = Math.max(0, DELAY_US + untilUs - nowUs);
    const wanted = Math.round((wantedUs * sampleRate) / 1_000_000) * numberOfChannels;
    const missing = Math.min(wanted, this.#fifo.length) - this.#held;
    const tolerated = this.#flows ? ((MAX_OFF_US * sampleRate) / 1_000_000) * numberOfChannels : 0;
    this.#flows = true;
    if (missing < -tolerated) this.#drop(-missing);
    if (missing > tolerated) {
      this.#fifo.copyWithin(missing, 0, this.#held);
      this.#fifo.fill(0, 0, missing);
      this.#held += missing;
    }
    return true;
  }

  #drop(length: number): void {
    this.#held -= length;
    this.#fifo.copyWithin(0, length, length + this.#held);
  }
}
