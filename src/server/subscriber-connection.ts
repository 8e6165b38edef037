import { SessionDescription, type UpdateTrackSettings, VideoQuality } from '@livekit/protocol';
import { Transport, type TransportState } from '../engine/transport.js';
import { OFFERED_PAYLOAD_TYPES, type OfferedTrack, offerSubscriber } from '../engine/sdp/offer.js';
import type { SessionDescription as Description } from '../engine/sdp/media-section.js';
import { negotiateSent } from '../engine/sdp/negotiated.js';
import { parseSessionDescription, writeSessionDescription } from '../engine/sdp/session-description.js';
import { SluiceError } from '../media/errors.js';
import type { ClockTimer } from '../media/clock.js';
import type { ServerContext } from './context.js';
import { DownSender } from './forwarding/down-sender.js';
import { DownTrack } from './forwarding/down-track.js';
import type { ServerTrack } from './track.js';

/** A client that does not answer an offer for this long is asked to come back. */
const ANSWER_TIMEOUT_MS = 15_000;
/** Most m-lines of an offer: what answers are read up to. */
const MAX_SECTIONS = 64;
/** Transports in a row that fail before the client is asked to come back. */
const MAX_FAILURES = 3;

export interface SubscriberEvents {
  readonly name: string;
  onOffer(offer: SessionDescription): void;
  /** A candidate of this side, without `a=`; told after the answer was taken. */
  onCandidate(candidate: string): void;
  /** The connection cannot be kept: the client has to come back. */
  onFailed(): void;
}

/** One m-line. Once made it stays; it is used again only after the client has seen it inactive. */
interface Slot {
  readonly mid: string;
  readonly kind: 'audio' | 'video';
  offered: OfferedTrack;
  down: DownTrack | undefined;
  track: ServerTrack | undefined;
  /** The client knows that nothing is sent in it. */
  free: boolean;
}

interface SentOffer {
  readonly description: Description;
  readonly transport: Transport;
}

/**
 * The connection on which a participant receives: the server offers, one offer at a time. Made when there is something to
 * subscribe to; a transport that fails is replaced.
 */
export class SubscriberConnection {
  readonly #context: ServerContext;
  readonly #events: SubscriberEvents;
  readonly #sender: DownSender;
  readonly #slots: Slot[] = [];
  #transport: Transport | undefined;
  /** The client's description was given to the transport: this is done once, later answers change media only. */
  #accepted = false;
  #making = false;
  #inFlight: SentOffer | undefined;
  #changed = false;
  #closed = false;
  #failures = 0;
  #version = 0;
  #offerId = 0;
  #answerTimer: ClockTimer | undefined;

  constructor(context: ServerContext, events: SubscriberEvents) {
    this.#context = context;
    this.#events = events;
    this.#sender = new DownSender({
      send: (packet) => this.#transport?.send(packet) ?? false,
      ntpUs: (nowUs) => context.ntpUs(nowUs),
    });
  }

  /** Subscribes to a track. Nothing happens when it is subscribed to, or has no media. */
  add(track: ServerTrack): void {
    const { media } = track;
    const codec = media?.section.codecs.values().next().value;
    if (this.#closed || !media || !codec || this.#slotOf(track.sid)) return;
    const slot = this.#slots.find((one) => one.free && one.kind === track.kind);
    if (!slot && this.#slots.length >= MAX_SECTIONS) {
      this.#context.log.warn({ participant: this.#events.name }, 'a subscriber has no room for another track');
      return;
    }
    const down = new DownTrack(media, codec.clockRate, (packet, priority) => {
      this.#sender.enqueue(packet, priority, this.#context.clock.nowUs());
    });
    const mid = slot?.mid ?? String(this.#slots.length);
    const offered = offeredTrack(mid, track, down);
    if (slot) Object.assign(slot, { offered, down, track, free: false });
    else this.#slots.push({ mid, kind: track.kind, offered, down, track, free: false });
    this.#sender.add(down, track.ownerSid);
    this.#negotiate();
  }

  remove(trackSid: string): void {
    const slot = this.#slotOf(trackSid);
    if (!slot?.down) return;
    this.#sender.remove(slot.down);
    slot.down.close();
    slot.down = slot.track = undefined;
    slot.offered = { ...slot.offered, active: false };
    this.#negotiate();
  }

  /** Pauses a track, or limits its simulcast layer. */
  applySettings(trackSid: string, settings: UpdateTrackSettings): void {
    const slot = this.#slotOf(trackSid);
    if (!slot?.down || !slot.track) return;
    slot.down.paused = settings.disabled;
    slot.down.maxRank = wantedRank(slot.track, settings);
  }

  /** Takes the answer to the offer in flight. Errors: SLUICE_SDP_INVALID, SLUICE_PROTOCOL. */
  accept(answer: SessionDescription): void {
    const offer = this.#inFlight;
    if (!offer) throw new SluiceError('SLUICE_PROTOCOL', 'an answer came that no offer waits for');
    this.#inFlight = undefined;
    this.#answerTimer?.cancel();
    const description = parseSessionDescription(answer.sdp);
    const sections = negotiateSent(offer.description, description);
    if (offer.transport === this.#transport && !this.#accepted) {
      this.#accepted = true;
      // Only the client knows how to reach the other: it is learned from its checks. A server that connects first loses a
      // second, since its ClientHello comes before the other side listens.
      offer.transport.accept({ ...description.transport, candidates: [] });
      for (const candidate of offer.transport.local.candidates) this.#events.onCandidate(candidate);
    }
    for (const section of offer.description.sections) {
      const slot = this.#slots.find((one) => one.mid === section.mid);
      if (!slot) continue;
      if (section.direction === 'inactive' && !slot.track) slot.free = true;
      if (slot.down && section.ssrcs[0]?.ssrc === slot.down.ssrc) slot.down.agree(sections.get(slot.mid));
    }
    this.#startVideo();
    if (this.#changed) this.#negotiate();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#answerTimer?.cancel();
    this.#context.ticker.remove(this.#sender);
    for (const { down } of this.#slots) down?.close();
    const transport = this.#transport;
    this.#transport = undefined;
    await transport?.close();
  }

  #slotOf(trackSid: string): Slot | undefined {
    return this.#slots.find((slot) => slot.track?.sid === trackSid);
  }

  /** Sends an offer, now or when the one before was answered. */
  #negotiate(): void {
    this.#changed = true;
    if (this.#closed || this.#inFlight || this.#making) return;
    const transport = this.#transport;
    if (!transport) {
      void this.#makeTransport();
      return;
    }
    this.#changed = false;
    const description = offerSubscriber({
      // A client that knew them before its answer was taken could connect too early for the native library (transport.ts).
      transport: this.#accepted ? transport.local : { ...transport.local, candidates: [] },
      sections: this.#slots.map((slot) => slot.offered),
      sessionVersion: ++this.#version,
    });
    this.#inFlight = { description, transport };
    this.#answerTimer = this.#context.clock.after(ANSWER_TIMEOUT_MS, () => {
      this.#events.onFailed();
    });
    const sdp = writeSessionDescription(description);
    this.#events.onOffer(new SessionDescription({ type: 'offer', sdp, id: ++this.#offerId }));
  }

  async #makeTransport(): Promise<void> {
    const { bindAddress, udpPort, clock, log, ticker } = this.#context;
    this.#making = true;
    try {
      const transport: Transport = await Transport.offer({
        name: `${this.#events.name}-sub`,
        ...(bindAddress !== undefined && { bindAddress }),
        udpPort,
        dataChannels: false,
        dtlsRole: 'active',
        onPacket: (packet) => {
          this.#sender.receive(packet, clock.nowUs());
        },
        onState: (state) => {
          if (transport === this.#transport) this.#onState(state);
        },
        onFault: (error) => {
          log.error({ err: error }, 'a callback of a subscriber failed');
        },
      });
      this.#making = false;
      if (this.#closed) {
        await transport.close();
        return;
      }
      this.#transport = transport;
      this.#accepted = false;
      ticker.add(this.#sender);
      this.#negotiate();
    } catch (error) {
      this.#making = false;
      log.error({ err: error }, 'a transport could not be made');
      if (!this.#closed) this.#events.onFailed();
    }
  }

  #onState(state: TransportState): void {
    if (state === 'connected') {
      this.#failures = 0;
      this.#startVideo();
    }
    if (state !== 'failed' || this.#closed) return;
    this.#context.log.warn({ participant: this.#events.name }, 'the transport of a subscriber failed');
    if (++this.#failures >= MAX_FAILURES) {
      this.#events.onFailed();
      return;
    }
    const failed = this.#transport;
    this.#transport = undefined;
    this.#sender.clear();
    // Not from within a callback of the connection that is closed.
    setImmediate(() => {
      void failed?.close();
    });
    this.#negotiate();
  }

  #startVideo(): void {
    if (this.#transport?.state !== 'connected') return;
    for (const { down } of this.#slots) down?.requestKeyFrame();
  }
}

function offeredTrack(mid: string, track: ServerTrack, down: DownTrack): OfferedTrack {
  const codec = down.track.section.codecs.values().next().value;
  const { vp8, vp8Rtx, h264, h264Rtx, opus } = OFFERED_PAYLOAD_TYPES;
  const name = codec?.name ?? 'opus';
  const { ssrc, rtxSsrc } = down;
  const profileLevelId = codec?.fmtp['profile-level-id'];
  return {
    mid,
    kind: track.kind,
    codec: name,
    ssrc,
    ...(name === 'opus'
      ? { payloadType: opus, opus: { stereo: track.info.stereo, dtx: !track.info.disableDtx } }
      : { payloadType: name === 'vp8' ? vp8 : h264, rtxPayloadType: name === 'vp8' ? vp8Rtx : h264Rtx, rtxSsrc }),
    ...(name === 'h264' && profileLevelId !== undefined && { profileLevelId }),
    // The track in the stream's name: a re-used m-line is then seen as a new stream.
    streamId: `${track.ownerSid}|${track.sid}`,
    trackId: track.sid,
    cname: track.ownerSid,
    active: true,
  };
}

/** The rank of the layer that a client asks for, by its size where it gives one. */
function wantedRank(track: ServerTrack, { width, height, quality }: UpdateTrackSettings): number {
  if (width === 0 || height === 0) return quality === VideoQuality.OFF ? 0 : quality;
  const layers = [...track.info.layers].sort((a, b) => a.quality - b.quality);
  const fitting = layers.find((layer) => layer.width >= width && layer.height >= height);
  return fitting?.quality ?? VideoQuality.HIGH;
}
