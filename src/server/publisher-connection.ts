import { SessionDescription } from '@livekit/protocol';
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
import type { ServerContext } from './context.js';
import { UpReceiver } from './forwarding/up-receiver.js';
import { UpTrack } from './forwarding/up-track.js';
import type { ServerTrack } from './track.js';

/** Data channels beyond this many are not listened to. */
const MAX_DATA_CHANNELS = 8;

export interface PublisherEvents {
  readonly name: string;
  onAnswer(answer: SessionDescription): void;
  /** A track that was announced has media now. The answer has been sent. */
  onTrackBound(track: ServerTrack): void;
  /** A track is not published any more. */
  onTrackUnbound(track: ServerTrack): void;
  onAudioLevel(level: number): void;
  onData(label: string, data: Buffer): void;
  /** The connection cannot be kept: the client has to come back. */
  onFailed(): void;
}

/** The connection on which a participant publishes: the client offers, as often as it likes, on one transport. */
export class PublisherConnection {
  readonly #context: ServerContext;
  readonly #events: PublisherEvents;
  readonly #receiver: UpReceiver;
  readonly #tracks = new Map<string, ServerTrack>();
  readonly #byMid = new Map<string, ServerTrack>();
  readonly #channels = new Map<string, TransportDataChannel>();
  #transport: Transport | undefined;
  #hasDataChannels = false;
  #remote: Description | undefined;
  #offers: Promise<void> = Promise.resolve();
  #closed = false;
  #version = 0;

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

  /** Answers an offer, after those before it. Errors: SLUICE_SDP_INVALID and those of Transport. */
  async answer(offer: SessionDescription): Promise<void> {
    const answered = this.#offers.then(() => this.#answer(offer));
    this.#offers = answered.catch(() => undefined);
    await answered;
  }

  /** Sends a message on a data channel; false when the client has none of this name. */
  sendData(label: string, data: Buffer): boolean {
    return this.#channels.get(label)?.send(data) ?? false;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#context.ticker.remove(this.#receiver);
    this.#channels.clear();
    const transport = this.#transport;
    this.#transport = undefined;
    await transport?.close();
  }

  async #answer(offer: SessionDescription): Promise<void> {
    if (this.#closed) return;
    const remote = this.#withPreferredCodecs(parseSessionDescription(offer.sdp));
    if (this.#remote && !sameTransport(this.#remote, remote)) {
      // A new start of ICE, which the transport below cannot do.
      this.#events.onFailed();
      return;
    }
    const transport = this.#transport ?? (await this.#makeTransport(remote));
    if (!transport) return;
    this.#remote = remote;
    const answer = answerPublisher(remote, {
      transport: transport.local,
      // The native library takes data channels with the first description only.
      dataChannel: this.#hasDataChannels,
      opus: (section) => this.#opusFormat(section),
      sessionVersion: ++this.#version,
    });
    this.#events.onAnswer(
      new SessionDescription({ type: 'answer', sdp: writeSessionDescription(answer), id: offer.id }),
    );
    this.#bind(negotiateReceived(remote, answer));
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
        this.#receiver.receive(packet, clock.nowUs());
      },
      onState: (state) => {
        this.#onState(state);
      },
      onDataChannel: (channel) => {
        this.#adopt(channel);
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
    if (state !== 'failed' || this.#closed) return;
    this.#context.log.warn({ participant: this.#events.name }, 'the transport of a publisher failed');
    // Not from within a callback of the connection that will be closed.
    setImmediate(() => {
      if (!this.#closed) this.#events.onFailed();
    });
  }

  #adopt(channel: TransportDataChannel): void {
    if (this.#channels.size >= MAX_DATA_CHANNELS) return;
    this.#channels.set(channel.label, channel);
    channel.onMessage = (data) => {
      this.#events.onData(channel.label, data);
    };
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
      track.info.mid = mid;
      track.info.mimeType = mimeTypeOf(section);
      this.#byMid.set(mid, track);
      bound.push(track);
    }
    const media = [...this.#byMid].flatMap(([mid, { media }]) => (media ? [[mid, media] as const] : []));
    this.#receiver.setTracks(new Map(media));
    for (const track of unbound) this.#events.onTrackUnbound(track);
    for (const track of bound) this.#events.onTrackBound(track);
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

function sameTransport(a: Description, b: Description): boolean {
  return (
    a.transport.iceUfrag === b.transport.iceUfrag && a.transport.fingerprint.value === b.transport.fingerprint.value
  );
}

function mimeTypeOf(section: ReceivedSection): string {
  const codec = section.codecs.values().next().value;
  if (codec?.name === 'opus') return 'audio/opus';
  return codec?.name === 'h264' ? 'video/H264' : 'video/VP8';
}
