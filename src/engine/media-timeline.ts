/** How fast the offset may follow a sender whose clock runs slow: µs of offset per second of media. */
const LEAK_US_PER_SECOND = 200;

/**
 * Maps the RTP time of one stream to this machine's clock: the moment at which a packet that met no delay would have
 * come. Streams of one sender so share a time line, whatever their jitter.
 */
export class MediaTimeline {
  readonly #clockRate: number;
  #offsetUs: number | undefined;
  #lastRtpUs = 0;

  /** `clockRate` of the payload in Hz. */
  constructor(clockRate: number) {
    this.#clockRate = clockRate;
  }

  /** Notes the arrival of a packet; `rtpTime` is unwrapped. */
  observe(rtpTime: number, arrivalUs: number): void {
    const rtpUs = (rtpTime * 1_000_000) / this.#clockRate;
    const offsetUs = arrivalUs - rtpUs;
    if (this.#offsetUs === undefined || offsetUs < this.#offsetUs) {
      this.#offsetUs = offsetUs;
    } else {
      const passedUs = Math.max(0, rtpUs - this.#lastRtpUs);
      this.#offsetUs = Math.min(offsetUs, this.#offsetUs + (passedUs * LEAK_US_PER_SECOND) / 1_000_000);
    }
    this.#lastRtpUs = Math.max(this.#lastRtpUs, rtpUs);
  }

  /** The local time of an RTP time, in µs. Only after `observe`. */
  timestampUs(rtpTime: number): number {
    return (rtpTime * 1_000_000) / this.#clockRate + (this.#offsetUs ?? 0);
  }

  reset(): void {
    this.#offsetUs = undefined;
    this.#lastRtpUs = 0;
  }
}
