import type { AudioFormat } from '../engine/port.js';
import type { AudioData } from '../media/audio-data.js';
import { AudioRing, audioRingMemory } from '../media/audio-ring.js';
import { throwLater } from '../media/errors.js';

/** What is asked for at a time has room: a few periods of 20 ms. In seconds. */
const WAITING_SECONDS = 0.1;

/** Decoded audio as it comes from the media thread, by a ring in shared memory. */
export class AudioInlet {
  readonly memory: SharedArrayBuffer;
  readonly #ring: AudioRing;
  readonly #format: AudioFormat;
  readonly #onValue: (value: AudioData) => void;
  readonly #wake: () => void;
  #begun = false;
  #closed = false;

  /** `wake`: the media thread has to look how much was asked for. */
  constructor(format: AudioFormat, onValue: (value: AudioData) => void, wake: () => void) {
    const { sampleRate, numberOfChannels } = format;
    this.memory = audioRingMemory(sampleRate * WAITING_SECONDS * numberOfChannels);
    this.#ring = new AudioRing(this.memory);
    this.#format = format;
    this.#onValue = onValue;
    this.#wake = wake;
  }

  /** Lets that many more values come. */
  credit(values: number): void {
    const isAwaited = this.#ring.ask(values);
    if (this.#begun && !isAwaited) return;
    this.#begun = true;
    this.#wake();
  }

  /** Gives on what has come. */
  drain(): void {
    const { sampleRate, numberOfChannels } = this.#format;
    this.#ring.look();
    while (!this.#closed) {
      const value = this.#ring.read(sampleRate, numberOfChannels);
      if (!value) return;
      try {
        this.#onValue(value);
      } catch (error) {
        // It has had its value; the others are not to wait for the next.
        throwLater(error);
      }
    }
  }

  close(): void {
    this.#closed = true;
  }
}
