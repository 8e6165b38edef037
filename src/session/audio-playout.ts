import type { Writable } from 'node:stream';
import { isPlayoutSource, type Playout } from '../media/playout.js';

/** The audio of a publisher. */
export interface PlayedAudio {
  /** Media time in µs that has been sent. */
  playedUs(): number;
  /** Media time in µs that waits to be sent. */
  heldUs(): number;
  /** Drops what waits; settles when that is done. */
  clear(): Promise<void>;
}

/** Tells sources that are piped into a publisher how far they have been played, where they want to know it. */
export function tellPlayout(writable: Writable, audio: PlayedAudio): void {
  writable.on('pipe', (source: object) => {
    if (isPlayoutSource(source)) source.playedBy(new AudioPlayout(audio));
  });
  writable.on('unpipe', (source: object) => {
    if (isPlayoutSource(source)) source.playedBy(undefined);
  });
}

class AudioPlayout implements Playout {
  readonly #audio: PlayedAudio;
  /** What had been sent when the first that counts was sent. */
  #fromUs: number;

  constructor(audio: PlayedAudio) {
    this.#audio = audio;
    this.#fromUs = audio.playedUs() + audio.heldUs();
  }

  playedUs(): number {
    return Math.max(0, this.#audio.playedUs() - this.#fromUs);
  }

  async cut(): Promise<number> {
    await this.#audio.clear();
    const playedUs = this.playedUs();
    this.#fromUs = this.#audio.playedUs();
    return playedUs;
  }
}
