import { SessionDescription } from '@livekit/protocol';
import { isRtcp } from '../engine/rtp/packet.js';
import { answerPublisher } from '../engine/sdp/answer.js';
import {
  type MediaSection,
  type SessionDescription as Description,
  retransmittedBy,
} from '../engine/sdp/media-section.js';
import { type ReceivedSection, negotiateReceived } from '../engine/sdp/negotiated.js';
import type { OpusFormat } from '../engine/sdp/opus-format.js';
import { parseSessionDescription, writeSessionDescription } from '../engine/sdp/session-description.js';
import { Transport, type TransportDataChannel, type TransportState } from '../engine/transport.js';
import type { Delivery } from './connection-quality.js';
import type { ServerContext } from './context.js';
import type { MediaCounters } from './counters.js';
import { MAX_DATA_PACKET_BYTES } from './data-channels.js';
import { UpReceiver } from './forwarding/up-receiver.js';
import { UpTrack } from './forwarding/up-track.js';
import type { SubscriberAnswers } from './subscriber-answers.js';
import { withTrackIds } from './track-ids.js';
import type { ServerTrack } from './track.js';

export interface PublisherEvents {
  readonly name: string;
  onAnswer(answer: SessionDescription): void;
  /** A track that was announced has media now. The answer has been sent. */
  onTrackBound(track: ServerTrack): void;
  /** A track is not published any more. */
  onTrackUnbound(track: ServerTrack): void;
  onAudioLevel(level: number): void;
  /** The highest layer that anybody takes of a track has changed; -1 for none. */
  onWantedRank?(track: ServerTrack, rank: number): void;
  /** A data channel that the client opened. */
  onDataChannel(channel: TransportDataChannel): void;
  /** The connection cannot be kept: the client has to come back. */
  onFailed(): void;
  /** There when the client has no other connection: what it receives is described in the answers, and sent on this transport. */
  readonly answers?: SubscriberAnswers | undefined;
  /** Takes the RTCP that is about what the client receives. */
  onControl?(packet: Buffer): void;
}

/** The connection on which a participant publishes: the client offers, as often as it likes, on one transport. */
export class PublisherConnection {
  readonly #context: ServerContext;
  readonly #events: PublisherEvents;
  readonly #receiver: UpReceiver;
  readonly #tracks = new Map<string, ServerTrack>();
  readonly #byMid = new Map<string, ServerTrack>();
  #transport: Transport | undefined;
  #hasDataChannels = false;
  #remote: Description | undefined;
  #offers: Promise<void> = Promise.resolve();
  #closed = false;
  #version = 0;
  /** When a packet, and when one of media, last came, on the server's clock. */
  heardUs = -Infinity;
  mediaUs = -Infinity;

  constructor(context: ServerContext, events: PublisherEvents) {
    this.#context = context;
    this.#events = events;
    this.#receiver = new UpReceiver({
      sendRtcp: (packet) => {
        this.#transport?.send(packet);
      },
      onAudioLevel: (level) => {
        events.onAudioLevel(level);
      },
      ntpUs: (nowUs) => context.ntpUs(nowUs),
    });
  }

  get counters(): Partial<MediaCounters> {
    const { received, discarded, nackCount, pliCount } = this.#receiver;
    return { packetsReceived: received, packetsDiscarded: discarded, nacksSent: nackCount, plisSent: pliCount };
  }

  /** How what the client sends gets through. */
  get delivery(): Delivery {
    return this.#receiver.delivery;
  }

  /** The client has something to send, and is not silent on purpose. */
  get isSending(): boolean {
    for (const { media, info } of this.#tracks.values()) if (media && !info.muted) return true;
    return false;
  }

  /** Everything announced, with media or not. */
  tracks(): Iterable<ServerTrack> {
    return this.#tracks.values();
  }

  get trackCount(): number {
    return this.#tracks.size;
  }

  track(sid: string): ServerTrack | undefined {
    return this.#tracks.get(sid);
  }

  /** The track that was announced under the client's own id: one that waits for its media, before one that has it. */
  announced(cid: string): ServerTrack | undefined {
    let found: ServerTrack | undefined;
    for (const track of this.#tracks.values()) if (track.cid === cid && (!found || !track.media)) found = track;
    return found;
  }

  announce(track: ServerTrack): void {
    this.#tracks.set(track.sid, track);
  }

  /** Ends a track that its participant may not publish any more; what still comes of it is dropped. */
  withdraw(trackSid: string): void {
    const track = this.#tracks.get(trackSid);
    if (!track) return;
    this.#tracks.delete(trackSid);
    for (const [mid, one] of this.#byMid) if (one === track) this.#byMid.delete(mid);
    const bound = track.media !== undefined;
    track.media = undefined;
    this.#receive();
    if (bound) this.#events.onTrackUnbound(track);
  }

  /** Answers an offer, after those before it. Errors: SLUICE_SDP_INVALID and those of Transport. */
  async answer(offer: SessionDescription): Promise<void> {
    const answered = this.#offers.then(() => this.#answer(offer));
    this.#offers = answered.catch(() => undefined);
    await answered;
  }

  get state(): TransportState {
    return this.#transport?.state ?? 'new';
  }

  /** Sends an RTP or RTCP packet to the client; false when it could not be sent. */
  send(packet: Buffer): boolean {
    return this.#transport?.send(packet) ?? false;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#context.ticker.remove(this.#receiver);
    const transport = this.#transport;
    this.#transport = undefined;
    await transport?.close();
  }

  async #answer(offer: SessionDescription): Promise<void> {
    if (this.#closed) return;
    const remote = this.#withPreferredCodecs(parseSessionDescription(offer.sdp));
    if (this.#remote && !this.#continues(this.#remote, remote)) {
      this.#events.onFailed();
      return;
    }
    const transport = this.#transport ?? (await this.#makeTransport(remote));
    if (!transport) return;
    this.#remote = remote;
    const received = answerPublisher(remote, {
      transport: transport.local,
      // The native library takes data channels with the first description only.
      dataChannel: this.#hasDataChannels,
      opus: (section) => this.#opusFormat(section),
      sessionVersion: ++this.#version,
    });
    const { answers } = this.#events;
    const answer = answers?.fill(remote, received) ?? received;
    const message = new SessionDescription({ type: 'answer', sdp: writeSessionDescription(answer), id: offer.id });
    this.#events.onAnswer(answers ? withTrackIds(message, answers.trackIds()) : message);
    this.#bind(negotiateReceived(remote, answer));
    answers?.agree(remote, answer);
  }

  /**
   * Whether an offer is for the connection that is there. A client that starts ICE anew, as all do when their signalling comes
   * back, stays on the way it has, for which the native library keeps the old names; one whose way is gone has to come back.
   */
  #continues(before: Description, offer: Description): boolean {
    const [old, remote] = [before.transport, offer.transport];
    if (old.fingerprint.value !== remote.fingerprint.value) return false;
    return old.iceUfrag === remote.iceUfrag || this.state === 'connected';
  }

  async #makeTransport(remote: Description): Promise<Transport | undefined> {
    const { bindAddress, udpPort, clock, log, ticker } = this.#context;
    this.#hasDataChannels = remote.transport.dataChannel !== undefined;
    const transport: Transport = await Transport.answer(remote.transport, {
      name: `${this.#events.name}-pub`,
      ...(bindAddress !== undefined && { bindAddress }),
      udpPort,
      dataChannels: this.#hasDataChannels,
      dtlsRole: 'active',
      onPacket: (packet) => {
        const nowUs = clock.nowUs();
        this.heardUs = nowUs;
        if (!isRtcp(packet)) this.mediaUs = nowUs;
        else this.#events.onControl?.(packet);
        this.#receiver.receive(packet, nowUs);
      },
      onState: (state) => {
        this.#onState(state);
      },
      maxMessageBytes: MAX_DATA_PACKET_BYTES,
      onDataChannel: (channel) => {
        this.#events.onDataChannel(channel);
      },
      onFault: (error) => {
        log.error({ err: error }, 'a callback of a publisher failed');
      },
    });
    if (this.#closed) {
      await transport.close();
      return undefined;
    }
    this.#transport = transport;
    ticker.add(this.#receiver);
    return transport;
  }

  #onState(state: TransportState): void {
    if (state === 'connected') this.#events.answers?.onConnected();
    if (state !== 'failed' || this.#closed) return;
    this.#context.log.warn({ participant: this.#events.name }, 'the transport of a publisher failed');
    // Not from within a callback of the connection that will be closed.
    setImmediate(() => {
      if (!this.#closed) this.#events.onFailed();
    });
  }

  #bind(sections: ReadonlyMap<string, ReceivedSection>): void {
    const bound: ServerTrack[] = [];
    const unbound: ServerTrack[] = [];
    for (const [mid, track] of this.#byMid) {
      const section = sections.get(mid);
      const other = section?.msid && this.announced(section.msid.trackId);
      if (section?.active && (!other || other === track)) continue;
      this.#byMid.delete(mid);
      this.#tracks.delete(track.sid);
      track.media = undefined;
      unbound.push(track);
    }
    for (const [mid, section] of sections) {
      const track = this.#byMid.get(mid) ?? this.#announcedFor(section);
      if (!section.active || !track) continue;
      if (track.media) {
        track.media.section = section;
        continue;
      }
      track.media = new UpTrack(section);
      track.media.onWantedRank = (rank) => {
        this.#events.onWantedRank?.(track, rank);
      };
      track.info.mid = mid;
      track.info.mimeType = mimeTypeOf(section);
      this.#byMid.set(mid, track);
      bound.push(track);
    }
    this.#receive();
    for (const track of unbound) this.#events.onTrackUnbound(track);
    for (const track of bound) this.#events.onTrackBound(track);
  }

  #receive(): void {
    const media = [...this.#byMid].flatMap(([mid, { media }]) => (media ? [[mid, media] as const] : []));
    this.#receiver.setTracks(new Map(media));
  }

  #announcedFor(section: ReceivedSection): ServerTrack | undefined {
    const track = section.msid && this.announced(section.msid.trackId);
    return track?.kind === section.kind && section.codecs.size > 0 ? track : undefined;
  }

  /** Clients leave it to the answer that a track is sent in the codec that was announced for it. */
  #withPreferredCodecs(offer: Description): Description {
    const sections = offer.sections.map((section) => {
      const name = (section.msid && this.announced(section.msid.trackId))?.codec ?? '';
      const preferred = section.codecs.filter((codec) => codec.name === name);
      if (preferred.length === 0) return section;
      const payloadTypes = new Set(preferred.map((codec) => codec.payloadType));
      const rtx = section.codecs.filter((codec) => payloadTypes.has(retransmittedBy(codec) ?? -1));
      return { ...section, codecs: [...preferred, ...rtx] };
    });
    return { ...offer, sections };
  }

  #opusFormat(section: MediaSection): OpusFormat {
    const track = section.msid && this.announced(section.msid.trackId);
    return track ? { stereo: track.info.stereo, dtx: !track.info.disableDtx } : {};
  }
}

function mimeTypeOf(section: ReceivedSection): string {
  const codec = section.codecs.values().next().value;
  if (codec?.name === 'opus') return 'audio/opus';
  return codec?.name === 'h264' ? 'video/H264' : 'video/VP8';
}
