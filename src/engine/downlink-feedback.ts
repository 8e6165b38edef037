import type { Clock, ClockTimer } from '../media/clock.js';
import type { InboundTrack } from './inbound-track.js';
import { compactNtpOf, ntpUsFromUnixUs } from './rtp/ntp.js';
import type { ExtendedReport, ReportBlock } from './rtp/rtcp.js';
import { writeCompound, writeNack, writePli, writeReceiverReport, writeReferenceTime } from './rtp/rtcp-writer.js';
import { TwccRecorder } from './rtp/twcc.js';

const REPORT_INTERVAL_MS = 500;
/** Transport-wide feedback goes out this often while packets come that it is about. */
const TWCC_INTERVAL_MS = 50;
/** A report holds at most so many blocks (RFC 3550, 6.4.2). */
const MAX_BLOCKS = 31;
/** An answer to a time older than this is about something else, in µs. */
const MAX_ROUND_TRIP_US = 10_000_000;

const NTP_OFFSET_US = ntpUsFromUnixUs(0);

export interface DownlinkFeedbackOptions {
  readonly clock: Clock;
  /** The reporter's own. */
  readonly ssrc: number;
  readonly tracks: () => Iterable<InboundTrack>;
  readonly send: (packet: Buffer) => void;
}

/**
 * What the receiver of one transport tells its sender: reports, transport-wide feedback, requests. Its timers run only while
 * media comes. Asks for the round trip as receivers can (RFC 3611, 4.4); a sender that does not know that leaves it unknown.
 */
export class DownlinkFeedback {
  /** The way to the sender and back; undefined before the first answer. */
  roundTripUs: number | undefined;
  readonly #options: DownlinkFeedbackOptions;
  #twcc: TwccRecorder | undefined;
  #twccSsrc = 0;
  #twccTimer: ClockTimer | undefined;
  #reportTimer: ClockTimer | undefined;
  #mediaCame = false;
  readonly #sendTwcc = (): void => {
    this.#twccTimer = undefined;
    for (const packet of this.#twcc?.build(this.#twccSsrc) ?? []) this.#options.send(packet);
  };
  readonly #sendReports = (): void => {
    this.#reportTimer = undefined;
    this.#report();
    if (this.#mediaCame) this.#scheduleReports();
    this.#mediaCame = false;
  };

  constructor(options: DownlinkFeedbackOptions) {
    this.#options = options;
  }

  /** Notes a packet with a transport-wide sequence number: feedback about it will go out. */
  record(transportSequence: number, ssrc: number, nowUs: number): void {
    this.#twcc ??= new TwccRecorder(this.#options.ssrc);
    this.#twcc.record(transportSequence, nowUs);
    this.#twccSsrc = ssrc;
    this.#twccTimer ??= this.#options.clock.after(TWCC_INTERVAL_MS, this.#sendTwcc);
  }

  /** Media comes: reports about it will go out. */
  expectReports(): void {
    this.#mediaCame = true;
    if (!this.#reportTimer) this.#scheduleReports();
  }

  requestPackets(ssrc: number, sequenceNumbers: readonly number[]): void {
    this.#options.send(this.#compound(writeNack(this.#options.ssrc, ssrc, sequenceNumbers)));
  }

  requestKeyFrame(ssrc: number): void {
    this.#options.send(this.#compound(writePli(this.#options.ssrc, ssrc)));
  }

  /** Takes the answer to what was asked with the reports. */
  receiveExtended({ dlrr }: ExtendedReport, nowUs: number): void {
    for (const { ssrc, lastRr, delaySinceLastRr } of dlrr) {
      if (ssrc !== this.#options.ssrc || lastRr === 0) continue;
      const roundTripUs = (((compactNtpOf(nowUs + NTP_OFFSET_US) - lastRr - delaySinceLastRr) | 0) * 1e6) / 65536;
      // Rounding on both sides can make a very short way negative.
      if (Math.abs(roundTripUs) < MAX_ROUND_TRIP_US) this.roundTripUs = Math.max(0, roundTripUs);
    }
  }

  /** There is a new transport: what was noted of the one before means nothing to it. */
  restart(): void {
    this.close();
    this.#twcc = undefined;
  }

  close(): void {
    this.#twccTimer?.cancel();
    this.#reportTimer?.cancel();
    this.#twccTimer = this.#reportTimer = undefined;
  }

  #scheduleReports(): void {
    this.#reportTimer = this.#options.clock.after(REPORT_INTERVAL_MS, this.#sendReports);
  }

  #report(): void {
    const nowUs = this.#options.clock.nowUs();
    const { ssrc, send } = this.#options;
    const blocks: ReportBlock[] = [];
    for (const { statistics } of this.#options.tracks()) if (statistics) blocks.push(statistics.reportBlock(nowUs));
    if (blocks.length === 0) return;
    const reference = writeReferenceTime(ssrc, nowUs + NTP_OFFSET_US);
    for (let i = 0; i < blocks.length; i += MAX_BLOCKS) {
      const report = writeReceiverReport(ssrc, blocks.slice(i, i + MAX_BLOCKS));
      send(i === 0 ? writeCompound([report, reference]) : report);
    }
  }

  /** Feedback goes in a compound that begins with a report (RFC 3550 section 6.1). */
  #compound(feedback: Buffer): Buffer {
    return writeCompound([writeReceiverReport(this.#options.ssrc), feedback]);
  }
}
