import type { AudioFormat } from '../engine/port.js';
import type { AudioData } from '../media/audio-data.js';
import { AudioRing, audioRingMemory } from '../media/audio-ring.js';
import { systemClock } from '../media/clock.js';

/** Audio that may be written without waking the media thread, in seconds; what is more goes by messages. */
const WRITING_SECONDS = 0.5;

/** Raw audio on its way to the media thread, by a ring in shared memory, with the moment at which it was written. */
export class AudioOutlet {
  readonly memory: SharedArrayBuffer;
  readonly #ring: AudioRing;
  /** Posts about audio, 32 bits. */
  #posts = 0;

  constructor({ sampleRate, numberOfChannels }: AudioFormat) {
    this.memory = audioRingMemory(sampleRate * WRITING_SECONDS * numberOfChannels);
    this.#ring = new AudioRing(this.memory);
  }

  /** Copies it in; false where there is no room for it. Wakes nobody: the media thread looks for it when it sends the next packet. */
  write({ data, timestamp }: AudioData): boolean {
    return this.#ring.write(data, timestamp, systemClock.nowUs(), this.#posts);
  }

  /** A post about audio is sent now: what was written before it is taken before it. */
  notePost(): void {
    this.#posts = (this.#posts + 1) | 0;
  }
}
