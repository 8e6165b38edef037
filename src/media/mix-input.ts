import { Writable } from 'node:stream';
import type { AudioData } from './audio-data.js';
import type { Clock } from './clock.js';
import { SluiceError } from './errors.js';
import { isSilent } from './pcm.js';

/** An input that nothing has come from for so long begins anew, in µs. */
const IDLE_US = 200_000;
/** How much later than it should be an input may be played at least, in µs. */
const LEAST_LATE_US = 40_000;

export interface MixInputOptions {
  readonly sampleRate: number;
  readonly numberOfChannels: number;
  /** Whether the mix goes by the clock: then an input is heard `latencyMs` after it has begun. */
  readonly live: boolean;
  readonly latencyMs: number;
  /** Media comes in by the clock: it is never held back, and what is too old is dropped. */
  readonly pushed: boolean;
  /** How much may wait where it is held back, in ms. */
  readonly queueMs: number;
  readonly clock: Clock;
  /** The branch that it belongs to. */
  readonly branch: string | undefined;
  /** By how much the mix is behind the clock, in µs: so much more may wait, since it will be taken at once. */
  readonly behindUs: () => number;
  /** Something came, or it has ended. */
  readonly changed: () => void;
  /** A chunk was too old to be heard. */
  readonly dropped: () => void;
}

/**
 * One input of a mix: keeps what came until it is taken, a period at a time. Errors: SLUICE_FORMAT_MISMATCH for audio of
 * another format.
 */
export class MixInput extends Writable {
  readonly branch: string | undefined;
  readonly #options: MixInputOptions;
  /** Samples a µs, of all channels. */
  readonly #samplesPerUs: number;
  readonly #queue: Int16Array[] = [];
  #held = 0;
  /** When the first that waits is heard, by the clock; undefined while nothing has come for long. */
  #heardFromUs: number | undefined;
  #emptySinceUs = 0;
  #period = new Int16Array(0);
  #waiting: ((error?: Error | null) => void) | undefined;

  constructor(options: MixInputOptions) {
    super({ objectMode: true, highWaterMark: 2 });
    this.branch = options.branch;
    this.#options = options;
    this.#samplesPerUs = (options.sampleRate * options.numberOfChannels) / 1_000_000;
    this.once('close', options.changed);
  }

  /** Whether `samples` can be taken without a gap, or nothing more comes. */
  isReady(samples: number): boolean {
    return this.#held >= samples || this.#isEnded;
  }

  /** Live: whether it flows, is heard at `nowUs` and has less than `samples`. */
  isAwaited(samples: number, nowUs: number): boolean {
    return this.#held < samples && this.#heardFromUs !== undefined && nowUs >= this.#heardFromUs && !this.#isEnded;
  }

  /** Whether nothing is left and nothing more comes. */
  get isOver(): boolean {
    return this.#held === 0 && this.#isEnded;
  }

  /**
   * Takes the oldest samples, `samples` of them, with silence where there are not so many; undefined where there is nothing
   * but silence. They are good until the next call. `nowUs`: when they are heard.
   */
  take(samples: number, nowUs: number): Int16Array | undefined {
    if (this.#held === 0) {
      if (nowUs - this.#emptySinceUs > IDLE_US) this.#heardFromUs = undefined;
      return undefined;
    }
    if (this.#options.live && nowUs < (this.#heardFromUs ?? 0)) return undefined;
    const period = this.#shift(samples);
    if (this.#held === 0) this.#emptySinceUs = nowUs;
    if (this.#waiting && !this.#isFull) this.#release();
    return isSilent(period) ? undefined : period;
  }

  override _write(audio: AudioData, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const { sampleRate, numberOfChannels, clock, latencyMs, pushed } = this.#options;
    if (audio.sampleRate !== sampleRate || audio.numberOfChannels !== numberOfChannels) {
      done(mismatch(audio, sampleRate, numberOfChannels));
      return;
    }
    this.#heardFromUs ??= clock.nowUs() + latencyMs * 1000;
    if (pushed) this.#dropOld();
    this.#queue.push(audio.data);
    this.#held += audio.data.length;
    if (pushed || !this.#isFull) done();
    else this.#waiting = done;
    this.#options.changed();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.writableFinished) {
      this.#queue.length = 0;
      this.#held = 0;
    }
    done(error);
  }

  get #isEnded(): boolean {
    return this.writableFinished || this.destroyed;
  }

  get #isFull(): boolean {
    return this.#held >= this.#options.queueMs * 1000 * this.#samplesPerUs;
  }

  /** Comes back to the delay that was asked for where there is much more. */
  #dropOld(): void {
    const latencyUs = this.#options.latencyMs * 1000;
    const most = (latencyUs + mostLateUs(this.#options.latencyMs)) * this.#samplesPerUs;
    if (this.#held <= most) return;
    const behind = this.#options.behindUs() * this.#samplesPerUs;
    if (this.#held <= most + behind) return;
    while (this.#held > latencyUs * this.#samplesPerUs + behind) {
      this.#held -= this.#queue.shift()?.length ?? 0;
      this.#options.dropped();
    }
  }

  #shift(samples: number): Int16Array {
    const first = this.#queue[0];
    if (first?.length === samples) {
      this.#queue.shift();
      this.#held -= samples;
      return first;
    }
    if (this.#period.length !== samples) this.#period = new Int16Array(samples);
    const period = this.#period;
    let at = 0;
    for (let chunk = this.#queue[0]; chunk && at < samples; chunk = this.#queue[0]) {
      const part = chunk.subarray(0, samples - at);
      period.set(part, at);
      at += part.length;
      if (part.length === chunk.length) this.#queue.shift();
      else this.#queue[0] = chunk.subarray(part.length);
    }
    period.fill(0, at);
    this.#held -= at;
    return period;
  }

  #release(): void {
    const done = this.#waiting;
    this.#waiting = undefined;
    done?.();
  }
}

/** How much later than it should be an input is played at most, in µs. */
export function mostLateUs(latencyMs: number): number {
  return Math.max(latencyMs * 1000, LEAST_LATE_US);
}

function mismatch(audio: AudioData, sampleRate: number, numberOfChannels: number): SluiceError {
  return new SluiceError('SLUICE_FORMAT_MISMATCH', 'the mixer takes audio of one format', {
    found: `${audio.sampleRate} Hz and ${audio.numberOfChannels} channel(s)`,
    expected: `${sampleRate} Hz and ${numberOfChannels} channel(s)`,
    mend: 'Put a resampler in front of it, or set its sampleRate and channels.',
  });
}
