import type { ClockPoint, UpStream } from './up-stream.js';

/** Sender reports that put a picture further than this from when it came are not believed. */
const MAX_DEVIATION_S = 1;

/** Gives the packets of changing sources timestamps on one time line, so that pictures of two layers keep their distance. */
export class TimestampMap {
  /** From the source's timestamps to those that are sent. */
  offset = 0;
  #stream: UpStream | undefined;
  /** A moment on the time line that is sent, by the first sender report: changes of the source do not add up. */
  #anchor: ClockPoint | undefined;
  #lastOut = 0;
  #lastOutUs = 0;

  /** Lets `stream` take over with a packet of `timestamp`, which comes after everything that was sent. */
  switchTo(stream: UpStream, timestamp: number, nowUs: number): void {
    const old = this.#stream;
    this.#stream = stream;
    if (!old || old === stream) return;
    const { clockRate } = stream.codec;
    if (!this.#anchor && old.clockPoint) {
      const { ntpUs, rtpTimestamp } = old.clockPoint;
      this.#anchor = { ntpUs, rtpTimestamp: rtpTimestamp + this.offset };
    }
    const elapsed = ((nowUs - this.#lastOutUs) * clockRate) / 1e6;
    const aligned = this.#aligned(stream, timestamp);
    let ahead = aligned === undefined ? Math.round(elapsed) : Math.round(aligned - this.#lastOut) | 0;
    if (Math.abs(ahead - elapsed) > MAX_DEVIATION_S * clockRate) ahead = Math.round(elapsed);
    this.offset = (this.#lastOut + Math.max(1, ahead) - timestamp) | 0;
  }

  map(timestamp: number, nowUs: number): number {
    const out = (timestamp + this.offset) >>> 0;
    if (((out - this.#lastOut) | 0) > 0) {
      this.#lastOut = out;
      this.#lastOutUs = nowUs;
    }
    return out;
  }

  /** Where a timestamp lies on the time line that is sent, by sender reports. */
  #aligned({ clockPoint, codec }: UpStream, timestamp: number): number | undefined {
    if (!clockPoint || !this.#anchor) return undefined;
    const ntpUs = clockPoint.ntpUs + (((timestamp - clockPoint.rtpTimestamp) | 0) * 1e6) / codec.clockRate;
    return this.#anchor.rtpTimestamp + ((ntpUs - this.#anchor.ntpUs) * codec.clockRate) / 1e6;
  }
}
