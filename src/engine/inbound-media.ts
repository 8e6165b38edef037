import { randomBytes } from 'node:crypto';
import type { Clock, ClockTimer } from '../media/clock.js';
import { DownlinkFeedback } from './downlink-feedback.js';
import { GivingWay } from './giving-way.js';
import { InboundRoutes, type Route } from './inbound-routes.js';
import { InboundTrack } from './inbound-track.js';
import { readTransportSequence } from './rtp/header-extensions.js';
import { RtpPacket, isRtcp } from './rtp/packet.js';
import { parseRtcp } from './rtp/rtcp.js';
import type { ReceivedSection } from './sdp/negotiated.js';
import { SenderClock } from './sender-clock.js';

/** What is due is looked for at least so far apart, in µs: nearer than this gains nothing. */
const BEAT_US = 5000;
/** A timer that is later was kept by a busy thread, in µs. */
const BUSY_US = 20_000;

export interface InboundMediaOptions {
  readonly clock: Clock;
  /** Sends one RTCP packet to the sender. */
  readonly send: (packet: Buffer) => void;
  /** The way to the sender and back in µs as others measured it; 0 while it is not known. */
  readonly roundTripUs: () => number;
  readonly onError: (error: unknown) => void;
}

/**
 * The tracks that come in on one transport: which packet belongs to which, what their sender is told, and when audio is
 * played. It has timers only while media comes that needs them.
 */
export class InboundMedia {
  readonly #options: InboundMediaOptions;
  readonly #tracks = new Map<string, InboundTrack>();
  readonly #routes = new InboundRoutes(this.#tracks);
  /** The clock of each participant whose tracks are received. */
  readonly #senders = new Map<string, SenderClock>();
  readonly #packet = new RtpPacket();
  readonly #feedback: DownlinkFeedback;
  /** Id of the header extension; 0 where it was not negotiated. */
  #twccId = 0;
  #timer: ClockTimer | undefined;
  /** When the timer comes. */
  #timerUs = 0;
  readonly #way = new GivingWay();
  #closed = false;
  #packetsDiscarded = 0;
  readonly #beat = (): void => {
    this.#timer = undefined;
    const nowUs = this.#options.clock.nowUs();
    if (this.#way.givesWay(nowUs - this.#timerUs > BUSY_US)) {
      this.#wakeIn(0, nowUs);
      return;
    }
    for (const track of this.#tracks.values()) track.audio?.tick(nowUs);
    this.#feedback.poll(nowUs);
    this.#schedule(nowUs);
  };

  constructor(options: InboundMediaOptions) {
    this.#options = options;
    this.#feedback = new DownlinkFeedback({
      ssrc: randomBytes(4).readUInt32BE() || 1,
      tracks: () => this.#tracks.values(),
      send: options.send,
    });
  }

  get tracks(): IterableIterator<InboundTrack> {
    return this.#tracks.values();
  }

  /** Packets that belong to no track, or to another stream than its track's. */
  get packetsDiscarded(): number {
    let strays = 0;
    for (const track of this.#tracks.values()) strays += track.strays;
    return this.#packetsDiscarded + strays;
  }

  /** The way to the sender and back, in µs; 0 while it is not known. */
  get roundTripUs(): number {
    return this.#feedback.roundTripUs ?? this.#options.roundTripUs();
  }

  /** The receiver of a track; made when it is asked for, whether or not it is sent already. Those of one participant share a time line. */
  track(trackSid: string, kind: 'audio' | 'video', participantSid: string): InboundTrack {
    let track = this.#tracks.get(trackSid);
    if (!track) {
      track = new InboundTrack({
        trackSid,
        kind,
        participantSid,
        clock: this.#options.clock,
        sender: this.#senderClock(participantSid),
        roundTripUs: () => this.roundTripUs,
        requestPackets: (ssrc, numbers) => {
          this.#feedback.requestPackets(ssrc, numbers);
        },
        requestKeyFrame: (ssrc) => {
          this.#feedback.requestKeyFrame(ssrc);
        },
        onError: this.#options.onError,
      });
      this.#tracks.set(trackSid, track);
    }
    return track;
  }

  /** Lets a track go that has left the session. */
  forget(trackSid: string): void {
    const track = this.#tracks.get(trackSid);
    if (!track) return;
    this.#packetsDiscarded += track.strays;
    track.close();
    this.#tracks.delete(trackSid);
    this.#routes.forget(track);
    for (const other of this.#tracks.values()) if (other.participantSid === track.participantSid) return;
    this.#senders.delete(track.participantSid);
  }

  /** A track goes on under another name: its sender is at another server now, and so is its receiver. Those who read it see a gap. */
  rename(from: string, to: string): void {
    const track = this.#tracks.get(from);
    if (!track || from === to) return;
    this.forget(to);
    this.#tracks.delete(from);
    this.#routes.forget(track);
    track.trackSid = to;
    this.#tracks.set(to, track);
    // The other server has a clock of its own.
    this.#senders.get(track.participantSid)?.restart();
  }

  /** Takes what was negotiated. */
  setSections(sections: Iterable<ReceivedSection>): void {
    const list = [...sections];
    this.#routes.setSections(list);
    for (const { extensions } of list) this.#twccId = extensions.transportSequence ?? this.#twccId;
  }

  /** There is a new transport. */
  restart(): void {
    this.#feedback.restart();
    this.#twccId = 0;
  }

  /** Takes one RTP or RTCP packet; its memory is kept and changed. */
  receive(buffer: Uint8Array): void {
    if (this.#closed) return;
    const nowUs = this.#options.clock.nowUs();
    if (isRtcp(buffer)) {
      this.#receiveControl(buffer, nowUs);
      return;
    }
    const packet = this.#packet;
    if (!packet.parse(buffer)) {
      this.#packetsDiscarded++;
      return;
    }
    if (this.#twccId !== 0) {
      const sequence = readTransportSequence(packet, this.#twccId);
      if (sequence !== -1) this.#feedback.record(sequence, packet.ssrc, nowUs);
    }
    const route = this.#routes.of(packet);
    if (route) this.#deliver(route, packet, nowUs);
    else this.#packetsDiscarded++;
    this.#feedback.poll(nowUs);
    if (!this.#timer) this.#schedule(nowUs);
    else if (route) this.#bringForward(route.track, nowUs);
  }

  close(): void {
    this.#closed = true;
    for (const track of this.#tracks.values()) track.close();
    this.#tracks.clear();
    this.#routes.setSections([]);
    this.#senders.clear();
    this.#timer?.cancel();
    this.#feedback.close();
  }

  #deliver({ track, section }: Route, packet: RtpPacket, nowUs: number): void {
    this.#feedback.expectReports(nowUs);
    const codec = section.codecs.get(packet.payloadType);
    if (codec) {
      track.receive(packet, codec, section.ssrcs, nowUs);
    } else {
      const repeated = section.rtx.get(packet.payloadType);
      const original = repeated === undefined ? undefined : section.codecs.get(repeated);
      if (original) track.receiveRtx(packet, original, section.rtxSsrcs, nowUs);
      else this.#packetsDiscarded++;
    }
  }

  /** Audio and feedback have to be looked after when something is due, whether a packet comes or not. */
  #schedule(nowUs: number): void {
    let { dueUs } = this.#feedback;
    for (const { audio } of this.#tracks.values()) if (audio && audio.dueUs < dueUs) dueUs = audio.dueUs;
    if (dueUs !== Infinity) this.#wakeIn(Math.max(BEAT_US, dueUs - nowUs), nowUs);
  }

  /** What came just now may be due before what was waited for. */
  #bringForward({ audio }: InboundTrack, nowUs: number): void {
    if (!audio) return;
    const waitUs = Math.max(BEAT_US, audio.dueUs - nowUs);
    if (nowUs + waitUs >= this.#timerUs) return;
    this.#timer?.cancel();
    this.#wakeIn(waitUs, nowUs);
  }

  #wakeIn(waitUs: number, nowUs: number): void {
    // Rounded down it would come too early, and wake the thread for nothing.
    const waitMs = Math.ceil(waitUs / 1000);
    this.#timerUs = nowUs + waitMs * 1000;
    this.#timer = this.#options.clock.after(waitMs, this.#beat);
  }

  #receiveControl(buffer: Uint8Array, nowUs: number): void {
    for (const report of parseRtcp(buffer)) {
      if (report.type === 'sr') this.#routes.get(report.ssrc)?.track.receiveSenderReport(report, nowUs);
      else if (report.type === 'xr') this.#feedback.receiveExtended(report, nowUs);
    }
  }

  #senderClock(participantSid: string): SenderClock {
    let clock = this.#senders.get(participantSid);
    if (!clock) this.#senders.set(participantSid, (clock = new SenderClock()));
    return clock;
  }
}
