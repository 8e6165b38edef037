import { randomBytes } from 'node:crypto';
import type { Clock, ClockTimer } from '../media/clock.js';
import { InboundTrack } from './inbound-track.js';
import { PacketPort } from './packet-port.js';
import { readAudioLevel, readMid, readTransportSequence } from './rtp/header-extensions.js';
import { RtpPacket, isRtcp } from './rtp/packet.js';
import { parseRtcp } from './rtp/rtcp.js';
import { writeCompound, writeNack, writePli, writeReceiverReport } from './rtp/rtcp-writer.js';
import { TwccRecorder } from './rtp/twcc.js';
import { answerSubscriber } from './sdp/answer.js';
import { type ReceivedSection, negotiateReceived } from './sdp/negotiated.js';
import { parseSessionDescription, writeSessionDescription } from './sdp/session-description.js';
import type { SessionDescription } from './sdp/media-section.js';
import type { LiveKitSignal } from './signalling/livekit.js';
import type { Ticker, TickTask } from './ticker.js';
import { Transport } from './transport.js';

const REPORT_INTERVAL_MS = 500;
const REPLACEMENT_TIMEOUT_MS = 5000;
/** Transport-wide feedback goes out this often where it was negotiated. */
const TWCC_INTERVAL_MS = 50;
/** SSRCs that are remembered; a peer that makes up more is not followed. */
const MAX_SSRCS = 512;

export interface DownlinkOptions {
  readonly clock: Clock;
  /** A beat of a few milliseconds. */
  readonly ticker: Ticker;
  readonly signal: LiveKitSignal;
  readonly bindAddress: string | undefined;
  readonly onFault: (error: unknown) => void;
  /** The transport broke. */
  readonly onFailed: () => void;
}

interface Route {
  readonly track: InboundTrack;
  readonly section: ReceivedSection;
}

/** The subscribing side of a participant: one transport, described by the server's offers, and the tracks that come in on it. */
export class Downlink implements TickTask {
  readonly #options: DownlinkOptions;
  readonly #port: PacketPort;
  readonly #tracks = new Map<string, InboundTrack>();
  readonly #packet = new RtpPacket();
  readonly #ssrc = randomBytes(4).readUInt32BE() || 1;
  #sections = new Map<string, ReceivedSection>();
  readonly #routes = new Map<number, Route>();
  #transport: Transport | undefined;
  #remoteUfrag = '';
  #twcc: TwccRecorder | undefined;
  #twccId = 0;
  #nextTwccUs = 0;
  #version = 0;
  #negotiation: Promise<void> = Promise.resolve();
  #reportTimer: ClockTimer | undefined;
  #replacementTimer: ClockTimer | undefined;
  #closed = false;
  packetsDiscarded = 0;

  constructor(options: DownlinkOptions) {
    this.#options = options;
    this.#port = new PacketPort(options.clock, options.ticker);
  }

  get tracks(): IterableIterator<InboundTrack> {
    return this.#tracks.values();
  }

  /** The receiver of a track; made when it is asked for, whether or not the server sends it already. */
  track(trackSid: string, kind: 'audio' | 'video'): InboundTrack {
    let track = this.#tracks.get(trackSid);
    if (!track) {
      track = new InboundTrack({
        trackSid,
        kind,
        requestPackets: (ssrc, numbers) => {
          this.#port.sendControl(this.#compound(writeNack(this.#ssrc, ssrc, numbers)));
        },
        requestKeyFrame: (ssrc) => {
          this.#port.sendControl(this.#compound(writePli(this.#ssrc, ssrc)));
        },
        onError: this.#options.onFault,
      });
      this.#tracks.set(trackSid, track);
    }
    return track;
  }

  /** Lets a track go that has left the session. */
  forget(trackSid: string): void {
    this.#tracks.get(trackSid)?.close();
    this.#tracks.delete(trackSid);
    for (const [ssrc, route] of this.#routes) if (route.track.trackSid === trackSid) this.#routes.delete(ssrc);
  }

  /** Answers an offer of the server; offers are taken one after another. */
  onOffer(sdp: string, id: number): void {
    this.#negotiation = this.#negotiation.then(() => this.#answer(sdp, id)).catch(this.#options.onFault);
  }

  /** Takes a candidate of the server, after the offers that came before it. */
  onCandidate(candidate: string): void {
    this.#negotiation = this.#negotiation.then(() => {
      this.#transport?.addRemoteCandidate(candidate);
    });
  }

  /** A beat: what is missing is asked for, feedback goes out. */
  tick(nowUs: number): void {
    for (const track of this.#tracks.values()) track.video?.tick(nowUs, 0);
    if (this.#twcc && nowUs >= this.#nextTwccUs) {
      this.#nextTwccUs = nowUs + TWCC_INTERVAL_MS * 1000;
      for (const packet of this.#twcc.build(0)) this.#port.sendControl(packet);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const track of this.#tracks.values()) track.close();
    this.#tracks.clear();
    this.#routes.clear();
    // A transport that is being made is there after this.
    await this.#negotiation;
    this.#reportTimer?.cancel();
    this.#replacementTimer?.cancel();
    this.#options.ticker.remove(this);
    this.#port.close();
    await this.#transport?.close();
  }

  async #answer(sdp: string, id: number): Promise<void> {
    if (this.#closed) return;
    const offer = parseSessionDescription(sdp);
    const transport = await this.#transportFor(offer);
    const answer = answerSubscriber(offer, {
      transport: transport.local,
      dataChannel: true,
      transportCc: true,
      sessionVersion: ++this.#version,
    });
    this.#sections = negotiateReceived(offer, answer);
    this.#routes.clear();
    this.#learnTwcc();
    this.#options.signal.sendAnswer(writeSessionDescription(answer), id);
  }

  /** The transport of an offer: the one that is there, or a new one when the server describes another. */
  async #transportFor(offer: SessionDescription): Promise<Transport> {
    const remote = offer.transport;
    if (this.#transport && remote.iceUfrag === this.#remoteUfrag) return this.#transport;
    this.#replacementTimer?.cancel();
    await this.#transport?.close();
    this.#remoteUfrag = remote.iceUfrag;
    this.#transport = await Transport.answer(remote, {
      name: 'subscriber',
      dataChannels: remote.dataChannel !== undefined,
      // The server is active wherever it leaves the choice: two libraries that wait for each other lose a second.
      dtlsRole: remote.setup === 'passive' ? 'active' : 'passive',
      ...(this.#options.bindAddress !== undefined && { bindAddress: this.#options.bindAddress }),
      onPacket: (packet) => {
        this.#receive(packet);
      },
      onState: (state) => {
        if (state === 'failed') this.#awaitReplacement();
      },
      onFault: this.#options.onFault,
    });
    this.#port.attach(this.#transport);
    this.#options.ticker.add(this);
    this.#reportTimer?.cancel();
    this.#scheduleReports();
    return this.#transport;
  }

  /** A server offers a new transport for one that broke; when it does not, the session is lost. */
  #awaitReplacement(): void {
    this.#replacementTimer?.cancel();
    this.#replacementTimer = this.#options.clock.after(REPLACEMENT_TIMEOUT_MS, () => {
      this.#options.onFailed();
    });
  }

  #learnTwcc(): void {
    for (const section of this.#sections.values()) {
      const id = section.extensions.transportSequence;
      if (id === undefined) continue;
      this.#twccId = id;
      this.#twcc ??= new TwccRecorder(this.#ssrc);
    }
  }

  #receive(buffer: Buffer): void {
    if (isRtcp(buffer)) {
      this.#receiveControl(buffer);
      return;
    }
    const packet = this.#packet;
    if (!packet.parse(buffer)) {
      this.packetsDiscarded++;
      return;
    }
    const nowUs = this.#options.clock.nowUs();
    if (this.#twcc) {
      const sequence = readTransportSequence(packet, this.#twccId);
      if (sequence !== -1) this.#twcc.record(sequence, nowUs);
    }
    const route = this.#routes.get(packet.ssrc) ?? this.#learnRoute(packet);
    if (!route) {
      this.packetsDiscarded++;
      return;
    }
    this.#deliver(route, packet, nowUs);
  }

  #deliver({ track, section }: Route, packet: RtpPacket, nowUs: number): void {
    const codec = section.codecs.get(packet.payloadType);
    if (codec) {
      const levelId = section.extensions.audioLevel;
      track.receive(packet, codec, levelId === undefined ? -1 : readAudioLevel(packet, levelId), nowUs);
      return;
    }
    const repeated = section.rtx.get(packet.payloadType);
    const original = repeated === undefined ? undefined : section.codecs.get(repeated);
    if (original) track.receiveRtx(packet, original, nowUs);
    else this.packetsDiscarded++;
  }

  /** The track of an SSRC that is new: by the mid on its packets, else by what the offer says. */
  #learnRoute(packet: RtpPacket): Route | undefined {
    for (const section of this.#sections.values()) {
      const midId = section.extensions.mid;
      const mid = midId === undefined ? undefined : readMid(packet, midId);
      const named = section.ssrcs.includes(packet.ssrc) || section.rtxSsrcs.has(packet.ssrc);
      if (mid === undefined ? !named : mid !== section.mid) continue;
      const trackSid = section.msid?.trackId;
      const track = trackSid === undefined ? undefined : this.#tracks.get(trackSid);
      if (!track || this.#routes.size >= MAX_SSRCS) return undefined;
      const route = { track, section };
      this.#routes.set(packet.ssrc, route);
      return route;
    }
    return undefined;
  }

  #receiveControl(buffer: Buffer): void {
    const nowUs = this.#options.clock.nowUs();
    for (const report of parseRtcp(buffer)) {
      if (report.type !== 'sr') continue;
      const track = this.#routes.get(report.ssrc)?.track;
      if (track?.ssrc === report.ssrc)
        track.statistics?.receiveSenderReport(report.ntpSeconds, report.ntpFraction, nowUs);
    }
  }

  #scheduleReports(): void {
    this.#reportTimer = this.#options.clock.after(REPORT_INTERVAL_MS, () => {
      const nowUs = this.#options.clock.nowUs();
      const blocks = [...this.#tracks.values()].flatMap((track) =>
        track.statistics ? [track.statistics.reportBlock(nowUs)] : [],
      );
      // A report holds at most 31 blocks (RFC 3550 section 6.4.2).
      for (let i = 0; i < blocks.length; i += 31)
        this.#port.sendControl(writeReceiverReport(this.#ssrc, blocks.slice(i, i + 31)));
      this.#scheduleReports();
    });
  }

  /** Feedback goes in a compound that begins with a report (RFC 3550 section 6.1). */
  #compound(feedback: Buffer): Buffer {
    return writeCompound([writeReceiverReport(this.#ssrc), feedback]);
  }
}
