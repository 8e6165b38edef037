import { mixInto } from '../../media/pcm.js';
import type { AudioFormat } from '../port.js';
import type { AudioFlow } from './audio-consumer.js';
import type { AudioReceiver } from './audio-receiver.js';

/** How much longer than a period of the mix a track is held back in it: as long as it waits for a packet that is late. */
const LATE_US = 10_000;
/** What waits at most, in seconds: the longest packet, and two of 20 ms. More can only be there after the machine slept. */
const MAX_HELD_SECONDS = 0.16;

/** One track on its way into a mix: holds what it plays until the beats of the mix take it. */
export class MixSource implements AudioFlow {
  readonly format: AudioFormat;
  readonly #receiver: AudioReceiver;
  readonly #periodLength: number;
  /**
   * How much later than by itself the track is heard: a period, so that one is there at each beat whatever the phase between the
   * beat and the track's packets, and the wait for late ones.
   */
  readonly #delayUs: number;
  /** Further than this from it the delay is set anew: the machine slept, and beats or packets were left out. */
  readonly #maxOffUs: number;
  readonly #fifo: Int16Array;
  #held = 0;
  #flows = false;

  /** `periodUs`: between two beats of the mix. */
  constructor(receiver: AudioReceiver, format: AudioFormat, periodUs: number) {
    this.format = format;
    this.#receiver = receiver;
    const { sampleRate, numberOfChannels } = format;
    this.#periodLength = ((sampleRate * periodUs) / 1_000_000) * numberOfChannels;
    this.#delayUs = periodUs + LATE_US;
    this.#maxOffUs = periodUs;
    this.#fifo = new Int16Array(Math.ceil(sampleRate * MAX_HELD_SECONDS) * numberOfChannels);
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
    const wantedUs = Math.max(0, this.#delayUs + untilUs - nowUs);
    const wanted = Math.round((wantedUs * sampleRate) / 1_000_000) * numberOfChannels;
    const missing = Math.min(wanted, this.#fifo.length) - this.#held;
    const tolerated = this.#flows ? ((this.#maxOffUs * sampleRate) / 1_000_000) * numberOfChannels : 0;
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
