import { audioData, type AudioData } from '../../../media/audio-data.js';
import type { Clock } from '../../../media/clock.js';
import type * as api from './connector-api.js';

/** A time line further behind the clock than this begins anew: nothing came for a while. In µs. */
const MAX_BEHIND_US = 100_000;

/** Makes periods of one length of what a callback is given, whose memory may be used again. Time stamps are of the clock given. */
export class ReceivedAudio {
  readonly #clock: Clock;
  readonly #give: (audio: AudioData) => void;
  readonly #periodUs: number;
  #period: Int16Array | undefined;
  #filled = 0;
  #format = '';
  #endUs: number | undefined;

  constructor(clock: Clock, periodMs: number, give: (audio: AudioData) => void) {
    this.#clock = clock;
    this.#periodUs = periodMs * 1000;
    this.#give = give;
  }

  take({ data, sampleRate, numberOfChannels, numberOfFrames }: api.AudioData): void {
    const format = `${sampleRate} ${numberOfChannels}`;
    if (format !== this.#format) {
      this.#format = format;
      this.#period = undefined;
    }
    const samples = samplesOf(data, numberOfFrames * numberOfChannels);
    const length = ((sampleRate * this.#periodUs) / 1_000_000) * numberOfChannels;
    for (let at = 0; at < samples.length;) {
      if (!this.#period) {
        this.#period = new Int16Array(length);
        this.#filled = 0;
      }
      const part = samples.subarray(at, at + length - this.#filled);
      this.#period.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === length) this.#flush(this.#period, sampleRate, numberOfChannels);
    }
  }

  #flush(period: Int16Array, sampleRate: number, numberOfChannels: number): void {
    this.#period = undefined;
    const nowUs = this.#clock.nowUs() - this.#periodUs;
    const beginUs = this.#endUs === undefined || nowUs - this.#endUs > MAX_BEHIND_US ? nowUs : this.#endUs;
    this.#endUs = beginUs + this.#periodUs;
    this.#give(audioData(period, sampleRate, numberOfChannels, Math.round(beginUs)));
  }
}

function samplesOf(data: Buffer, length: number): Int16Array {
  if (data.byteOffset % 2 === 0) return new Int16Array(data.buffer, data.byteOffset, length);
  return new Int16Array(new Uint8Array(data.subarray(0, length * 2)).buffer);
}
