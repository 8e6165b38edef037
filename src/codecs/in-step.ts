import type { Clock, ClockTimer } from '../media/clock.js';

/** How far one track may be ahead of another, in µs of media. */
const MAX_AHEAD_US = 1_000_000;
/** Tracks further apart than this have nothing to do with each other, in µs of media. */
const UNRELATED_US = 60_000_000;
/** A track that nothing came from for so long is not waited for, in µs of the clock. */
const STALLED_US = 1_000_000;

interface Progress {
  mediaUs: number;
  /** When it last came, by the clock. */
  seenUs: number;
  /** Lets its writer go on; set while that is held back. */
  release: (() => void) | undefined;
}

/**
 * Keeps the tracks of a file in step where they come as fast as they can: who is ahead is held back for who is behind,
 * as long as that one is coming. Tracks that come in real time are never held back.
 */
export class InStep<Track> {
  readonly #clock: Clock;
  readonly #tracks = new Map<Track, Progress>();
  #timer: ClockTimer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A track has come to this time; its first call begins it. */
  note(track: Track, mediaUs: number): void {
    const seenUs = this.#clock.nowUs();
    const progress = this.#tracks.get(track);
    if (progress) {
      progress.mediaUs = Math.max(progress.mediaUs, mediaUs);
      progress.seenUs = seenUs;
    } else this.#tracks.set(track, { mediaUs, seenUs, release: undefined });
    this.#check();
  }

  /** A promise where the writer of a track has to wait. */
  hold(track: Track): Promise<void> | undefined {
    const progress = this.#tracks.get(track);
    if (!progress || !this.#isAhead(progress)) return undefined;
    return new Promise((resolve) => {
      progress.release = resolve;
      this.#watch();
    });
  }

  /** Nothing more comes from a track. */
  end(track: Track): void {
    this.#tracks.get(track)?.release?.();
    this.#tracks.delete(track);
    this.#check();
  }

  /** Holds nobody back any longer. */
  close(): void {
    for (const track of [...this.#tracks.keys()]) this.end(track);
    this.#timer?.cancel();
  }

  #isAhead(progress: Progress): boolean {
    const nowUs = this.#clock.nowUs();
    for (const other of this.#tracks.values()) {
      const aheadUs = progress.mediaUs - other.mediaUs;
      if (aheadUs > MAX_AHEAD_US && aheadUs < UNRELATED_US && nowUs - other.seenUs < STALLED_US) return true;
    }
    return false;
  }

  #check(): void {
    for (const progress of this.#tracks.values()) {
      if (!progress.release || this.#isAhead(progress)) continue;
      progress.release();
      progress.release = undefined;
    }
  }

  /** Looks again later, in case that the one behind stalls. */
  #watch(): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.after(STALLED_US / 1000, () => {
      this.#check();
      for (const { release } of this.#tracks.values()) if (release) this.#watch();
    });
  }
}
