import { SenderClock } from './sender-clock.js';

/** Hz of the RTP time of what is received. */
export const CLOCK_RATES = { audio: 48_000, video: 90_000 } as const;

/** How fast the offset may follow a sender whose clock runs slow: µs of offset per second of media. */
const LEAK_US_PER_SECOND = 500;
/** How fast time stamps are brought to where sender reports say they belong: µs per second of media. */
const SLEW_US_PER_SECOND = 4000;
/** An error beyond this is mended at once forwards, and by time that runs at half its pace backwards, in µs. */
const MAX_ERROR_US = 100_000;
/** Two reports that contradict each other by more: the sender's clock, or its count of media, was set anew. In µs. */
const MAX_REPORT_JUMP_US = 100_000;
/** What a report said holds for so long, in µs. */
const MAX_REPORT_AGE_US = 30_000_000;
/** Reports that put media further from where it arrives than this are not believed, in µs. */
const MAX_REPORT_ERROR_US = 3_000_000;
/** Media that comes so much later than expected is counted from somewhere else than before, in µs. */
const MAX_DELAY_US = 10_000_000;

/**
 * Maps the RTP time of one stream to this machine's clock: the moment at which a packet that met no delay would have
 * come. Until the sender has reported how its RTP time relates to its clock, that is judged by the stream's own packets;
 * from then on by those of all streams that share a SenderClock, so that they agree whatever the way of each. The change
 * is smooth. Pure.
 */
export class MediaTimeline {
  readonly #clockRate: number;
  readonly #sender: SenderClock;
  /** What is given out; NaN before the first packet. */
  #offsetUs = NaN;
  /** By the arrival of this stream's packets alone. */
  #arrivalOffsetUs = 0;
  #lastRtpTime = 0;
  #lastRtpUs = 0;
  /** The sender's clock minus RTP time, by its last report. */
  #reportOffsetUs: number | undefined;
  #reportedUs = 0;
  #generation = 0;
  #catchingUp = false;
  /** Came before any packet that it could be about. */
  #early: { readonly ntpUs: number; readonly rtpTimestamp: number; readonly arrivalUs: number } | undefined;

  /** `clockRate` of the payload in Hz. `sender`: shared by the streams of one participant. */
  constructor(clockRate: number, sender: SenderClock = new SenderClock()) {
    this.#clockRate = clockRate;
    this.#sender = sender;
  }

  /** Notes the arrival of a packet; `rtpTime` is unwrapped. */
  observe(rtpTime: number, arrivalUs: number): void {
    const rtpUs = this.#toUs(rtpTime);
    const offsetUs = arrivalUs - rtpUs;
    if (this.#isKnown && offsetUs - this.#arrivalOffsetUs > MAX_DELAY_US) this.reset();
    if (!this.#isKnown) this.#begin(rtpTime, offsetUs, arrivalUs);
    const passedUs = Math.max(0, rtpUs - this.#lastRtpUs);
    this.#arrivalOffsetUs = Math.min(offsetUs, this.#arrivalOffsetUs + (passedUs * LEAK_US_PER_SECOND) / 1_000_000);
    this.#lastRtpUs = Math.max(this.#lastRtpUs, rtpUs);
    this.#lastRtpTime = rtpTime;
    if (this.#reportOffsetUs === undefined) this.#offsetUs = this.#arrivalOffsetUs;
    else this.#approach(this.#target(rtpUs, arrivalUs, this.#reportOffsetUs), passedUs);
  }

  /**
   * Takes a sender report: its moment in µs since 1900 (ntp.ts) and as RTP time, 32 bits. It may come before the first
   * packet.
   */
  receiveSenderReport(ntpUs: number, rtpTimestamp: number, arrivalUs: number): void {
    // 0 stands for no clock at all (RFC 3550, 6.4.1).
    if (ntpUs === 0) return;
    if (!this.#isKnown) {
      this.#early = { ntpUs, rtpTimestamp, arrivalUs };
      return;
    }
    const rtpTime = this.#lastRtpTime + ((rtpTimestamp - this.#lastRtpTime) | 0);
    const reportOffsetUs = ntpUs - this.#toUs(rtpTime);
    const jumpUs = Math.abs(reportOffsetUs - (this.#reportOffsetUs ?? reportOffsetUs));
    if (jumpUs > MAX_REPORT_JUMP_US && this.#generation === this.#sender.generation) this.#sender.restart();
    this.#reportOffsetUs = reportOffsetUs;
    this.#reportedUs = arrivalUs;
    this.#generation = this.#sender.generation;
  }

  /** The local time of an RTP time, in µs. Only after `observe`. Of packets in order it never goes back once there was a sender report. */
  timestampUs(rtpTime: number): number {
    return this.#toUs(rtpTime) + this.#offsetUs;
  }

  /** How much later than the fastest packets of its own stream something came, in µs. Only after `observe`. */
  latenessUs(rtpTime: number, arrivalUs: number): number {
    return arrivalUs - this.#toUs(rtpTime) - this.#arrivalOffsetUs;
  }

  /** Forgets the stream, but not its sender's clock. */
  reset(): void {
    this.#offsetUs = NaN;
    this.#reportOffsetUs = undefined;
    this.#arrivalOffsetUs = this.#lastRtpTime = this.#lastRtpUs = 0;
    this.#catchingUp = false;
    this.#early = undefined;
  }

  get #isKnown(): boolean {
    return !Number.isNaN(this.#offsetUs);
  }

  #begin(rtpTime: number, offsetUs: number, arrivalUs: number): void {
    this.#offsetUs = this.#arrivalOffsetUs = offsetUs;
    this.#lastRtpTime = rtpTime;
    this.#lastRtpUs = this.#toUs(rtpTime);
    const early = this.#early;
    this.#early = undefined;
    if (!early || arrivalUs - early.arrivalUs > MAX_REPORT_AGE_US) return;
    this.receiveSenderReport(early.ntpUs, early.rtpTimestamp, early.arrivalUs);
    if (this.#reportOffsetUs !== undefined)
      this.#offsetUs = this.#target(this.#lastRtpUs, arrivalUs, this.#reportOffsetUs);
  }

  #toUs(rtpTime: number): number {
    return (rtpTime * 1_000_000) / this.#clockRate;
  }

  /** Where the offset belongs. */
  #target(rtpUs: number, arrivalUs: number, reportOffsetUs: number): number {
    // The sender's clock was set anew: all is kept as it is until the next report of this stream.
    if (this.#generation !== this.#sender.generation) return this.#offsetUs;
    if (arrivalUs - this.#reportedUs > MAX_REPORT_AGE_US) return this.#arrivalOffsetUs;
    const expectedUs = (this.#sender.offsetUs ?? arrivalUs - rtpUs - reportOffsetUs) + reportOffsetUs;
    if (Math.abs(expectedUs - this.#arrivalOffsetUs) > MAX_REPORT_ERROR_US) return this.#arrivalOffsetUs;
    this.#sender.observe(rtpUs + reportOffsetUs, arrivalUs);
    return (this.#sender.offsetUs ?? 0) + reportOffsetUs;
  }

  #approach(targetUs: number, passedUs: number): void {
    const errorUs = targetUs - this.#offsetUs;
    if (errorUs > MAX_ERROR_US) {
      this.#offsetUs = targetUs;
      return;
    }
    if (errorUs < -MAX_ERROR_US) this.#catchingUp = true;
    else if (errorUs > -1000) this.#catchingUp = false;
    const mostUs = this.#catchingUp ? passedUs / 2 : (passedUs * SLEW_US_PER_SECOND) / 1_000_000;
    this.#offsetUs += Math.max(-mostUs, Math.min(mostUs, errorUs));
  }
}
