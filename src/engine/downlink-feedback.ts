import type { InboundTrack } from './inbound-track.js';
import { compactNtpOf, ntpUsFromUnixUs } from './rtp/ntp.js';
import type { ExtendedReport, ReportBlock } from './rtp/rtcp.js';
import { writeCompound, writeNack, writePli, writeReceiverReport, writeReferenceTime } from './rtp/rtcp-writer.js';
import { TwccRecorder } from './rtp/twcc.js';

const REPORT_INTERVAL_US = 500_000;
/** Transport-wide feedback goes out this often while packets come that it is about. */
const TWCC_INTERVAL_US = 50_000;
/** It goes with the next packet that comes; when none comes for so long, without one: each timer wakes the thread. */
const TWCC_GRACE_US = 50_000;
/** A report holds at most so many blocks (RFC 3550, 6.4.2). */
const MAX_BLOCKS = 31;
/** An answer to a time older than this is about something else, in µs. */
const MAX_ROUND_TRIP_US = 10_000_000;

const NTP_OFFSET_US = ntpUsFromUnixUs(0);

export interface DownlinkFeedbackOptions {
  /** The reporter's own. */
  readonly ssrc: number;
  readonly tracks: () => Iterable<InboundTrack>;
  readonly send: (packet: Buffer) => void;
}

/**
 * What the receiver of one transport tells its sender: reports, transport-wide feedback, requests. Something is due only while
 * media comes. Asks for the round trip as receivers can (RFC 3611, 4.4); a sender that does not know that leaves it unknown.
 */
export class DownlinkFeedback {
  /** The way to the sender and back; undefined before the first answer. */
  roundTripUs: number | undefined;
  readonly #options: DownlinkFeedbackOptions;
  #twcc: TwccRecorder | undefined;
  #twccSsrc = 0;
  /** When they are to be sent; Infinity while there is nothing to tell. */
  #twccUs = Infinity;
  #reportUs = Infinity;
  #mediaCame = false;

  constructor(options: DownlinkFeedbackOptions) {
    this.#options = options;
  }

  /** When `poll` is to be called if no packet comes before, in µs; Infinity for never. */
  get dueUs(): number {
    return Math.min(this.#twccUs + TWCC_GRACE_US, this.#reportUs);
  }

  /** Sends what is due. To be called with each packet, once it was noted. */
  poll(nowUs: number): void {
    if (nowUs >= this.#twccUs) {
      this.#twccUs = Infinity;
      for (const packet of this.#twcc?.build(this.#twccSsrc) ?? []) this.#options.send(packet);
    }
    if (nowUs < this.#reportUs) return;
    this.#report(nowUs);
    this.#reportUs = this.#mediaCame ? nowUs + REPORT_INTERVAL_US : Infinity;
    this.#mediaCame = false;
  }

  /** Notes a packet with a transport-wide sequence number: feedback about it will go out. */
  record(transportSequence: number, ssrc: number, nowUs: number): void {
    this.#twcc ??= new TwccRecorder(this.#options.ssrc);
    this.#twcc.record(transportSequence, nowUs);
    this.#twccSsrc = ssrc;
    if (this.#twccUs === Infinity) this.#twccUs = nowUs + TWCC_INTERVAL_US;
  }

  /** Media comes: reports about it will go out. */
  expectReports(nowUs: number): void {
    this.#mediaCame = true;
    if (this.#reportUs === Infinity) this.#reportUs = nowUs + REPORT_INTERVAL_US;
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
    this.#twccUs = this.#reportUs = Infinity;
  }

  #report(nowUs: number): void {
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
