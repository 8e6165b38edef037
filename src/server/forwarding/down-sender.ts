import { absSendTime } from '../../engine/rtp/header-extensions.js';
import { write24 } from '../../engine/rtp/bytes.js';
import { Pacer, type PacerPriority } from '../../engine/rtp/pacer.js';
import { isRtcp } from '../../engine/rtp/packet.js';
import { type RtcpReport, parseRtcp } from '../../engine/rtp/rtcp.js';
import { OFFERED_EXTENSION_IDS } from '../../engine/sdp/extensions.js';
import type { DownTrack } from './down-track.js';

const REPORT_INTERVAL_US = 1_000_000;
const LAYER_INTERVAL_US = 200_000;
/** Bursts of key frames for a slow link wait at most so long. */
const MAX_WAIT_MS = 500;

/** First bytes of an abs-send-time extension of three bytes, under the id of our offers. */
const SEND_TIME_HEAD = (OFFERED_EXTENSION_IDS.absSendTime << 4) | 2;

export interface DownSenderOptions {
  /** Sends one packet; false when it could not be sent. */
  send(packet: Buffer): boolean;
  /** The server's NTP time of a moment of its clock. */
  ntpUs(nowUs: number): number;
}

/** The media that goes to one subscriber: paces it, hands the subscriber's feedback to its tracks, sends sender reports. */
export class DownSender {
  readonly #options: DownSenderOptions;
  readonly #pacer = new Pacer<Buffer>({ maxWaitMs: MAX_WAIT_MS });
  readonly #bySsrc = new Map<number, DownTrack>();
  /** CNAME of each track: tracks of one publisher share it. */
  readonly #tracks = new Map<DownTrack, string>();
  #nowUs = 0;
  #nextReportUs = 0;
  #nextLayerUs = 0;
  readonly #transmit = (packet: Buffer): void => {
    // Every packet of a HeaderTemplate with send time has it as its first extension.
    if (packet[16] === SEND_TIME_HEAD && packet[0]! & 0x10) write24(packet, 17, absSendTime(this.#nowUs));
    this.#options.send(packet);
  };

  constructor(options: DownSenderOptions) {
    this.#options = options;
  }

  add(track: DownTrack, cname: string): void {
    this.#tracks.set(track, cname);
    this.#bySsrc.set(track.ssrc, track);
  }

  remove(track: DownTrack): void {
    this.#tracks.delete(track);
    this.#bySsrc.delete(track.ssrc);
  }

  /** Takes a packet of a track; it leaves at once where the pace allows. */
  enqueue(packet: Buffer, priority: PacerPriority, nowUs: number): void {
    this.#nowUs = nowUs;
    this.#pacer.enqueue(packet, priority, nowUs);
    this.#pacer.poll(nowUs, this.#transmit);
  }

  /** Takes a packet of the subscriber, which is RTCP. */
  receive(buffer: Uint8Array, nowUs: number): void {
    if (!isRtcp(buffer)) return;
    for (const report of parseRtcp(buffer)) this.#onReport(report, nowUs);
  }

  /** Sends what waits and is due. To be called every few milliseconds. */
  tick(nowUs: number): void {
    this.#nowUs = nowUs;
    this.#pacer.poll(nowUs, this.#transmit);
    if (nowUs >= this.#nextLayerUs) {
      this.#nextLayerUs = nowUs + LAYER_INTERVAL_US;
      for (const track of this.#tracks.keys()) track.choose(nowUs);
    }
    if (nowUs < this.#nextReportUs) return;
    this.#nextReportUs = nowUs + REPORT_INTERVAL_US;
    const ntpUs = this.#options.ntpUs(nowUs);
    for (const [track, cname] of this.#tracks) {
      const report = track.report(cname, ntpUs);
      if (report) this.#options.send(report);
    }
  }

  /** Forgets what waits: the way it should have taken is gone. */
  clear(): void {
    this.#pacer.clear();
  }

  #onReport(report: RtcpReport, nowUs: number): void {
    switch (report.type) {
      case 'rr':
      case 'sr': {
        const ntpUs = this.#options.ntpUs(nowUs);
        for (const block of report.blocks) this.#bySsrc.get(block.ssrc)?.onReportBlock(block, ntpUs);
        return;
      }
      case 'nack':
        this.#bySsrc.get(report.mediaSsrc)?.onNack(report.sequenceNumbers, nowUs);
        return;
      case 'pli':
        this.#bySsrc.get(report.mediaSsrc)?.requestKeyFrame();
        return;
      case 'fir':
        for (const { ssrc } of report.entries) this.#bySsrc.get(ssrc)?.requestKeyFrame();
        return;
      default:
    }
  }
}
