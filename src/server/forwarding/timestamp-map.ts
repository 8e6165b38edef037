import type { UpStream } from './up-stream.js';

/** Gives the packets of changing sources timestamps on one time line, so that pictures of two layers keep their distance. */
export class TimestampMap {
  /** From the source's timestamps to those that are sent. */
  offset = 0;
  #stream: UpStream | undefined;
  #lastOut = 0;
  #lastOutUs = 0;

  /** Lets `stream` take over with a packet of `timestamp`, which comes after everything that was sent. */
  switchTo(stream: UpStream, timestamp: number, nowUs: number): void {
    const old = this.#stream;
    this.#stream = stream;
    if (!old || old === stream) return;
    const { clockRate } = stream.codec;
    const out = this.#aligned(old, stream, timestamp) ?? this.#lastOut + ((nowUs - this.#lastOutUs) * clockRate) / 1e6;
    const ahead = Math.round(out - this.#lastOut) | 0;
    this.offset = (this.#lastOut + Math.max(1, ahead) - timestamp) | 0;
  }

  map(timestamp: number, nowUs: number): number {
    const out = (timestamp + this.offset) >>> 0;
    if ((out - this.#lastOut) | 0) {
      this.#lastOut = out;
      this.#lastOutUs = nowUs;
    }
    return out;
  }

  /** Where the new stream's timestamp lies on the old one's time line, by the sender reports of both. */
  #aligned(old: UpStream, stream: UpStream, timestamp: number): number | undefined {
    const [from, to] = [stream.clockPoint, old.clockPoint];
    if (!from || !to) return undefined;
    const { clockRate } = stream.codec;
    const ntpUs = from.ntpUs + (((timestamp - from.rtpTimestamp) | 0) * 1e6) / clockRate;
    return to.rtpTimestamp + ((ntpUs - to.ntpUs) * clockRate) / 1e6 + this.offset;
  }
}
