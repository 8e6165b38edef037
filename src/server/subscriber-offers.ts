import { SessionDescription } from '@livekit/protocol';
import { OFFERED_PAYLOAD_TYPES, type OfferedTrack, offerSubscriber } from '../engine/sdp/offer.js';
import type { SessionDescription as Description } from '../engine/sdp/media-section.js';
import { negotiateSent } from '../engine/sdp/negotiated.js';
import { parseSessionDescription, writeSessionDescription } from '../engine/sdp/session-description.js';
import { Transport, type TransportState } from '../engine/transport.js';
import type { ClockTimer } from '../media/clock.js';
import { SluiceError } from '../media/errors.js';
import type { ServerContext } from './context.js';
import type { Subscription, SubscriberNegotiation, SubscriberNegotiationEvents } from './subscriber-negotiation.js';

/** A client that does not answer an offer for this long is asked to come back. */
const ANSWER_TIMEOUT_MS = 15_000;
/** Most m-lines of an offer: what answers are read up to. */
const MAX_SECTIONS = 64;
/** Transports in a row that fail before the client is asked to come back. */
const MAX_FAILURES = 3;

export interface SubscriberOffersEvents extends SubscriberNegotiationEvents {
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
  subscription: Subscription | undefined;
  /** The client knows that nothing is sent in it. */
  free: boolean;
}

interface SentOffer {
  readonly description: Description;
  readonly message: SessionDescription;
  readonly transport: Transport;
}

/**
 * Agrees on what is sent over a transport of its own, on which the server offers, one offer at a time. It is made when there is
 * something to subscribe to; one that fails is replaced.
 */
export class SubscriberOffers implements SubscriberNegotiation {
  readonly #context: ServerContext;
  readonly #events: SubscriberOffersEvents;
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
  #repeated = false;
  /** When a packet last came, on the server's clock. */
  heardUs = -Infinity;

  constructor(context: ServerContext, events: SubscriberOffersEvents) {
    this.#context = context;
    this.#events = events;
  }

  get connected(): boolean {
    return this.state === 'connected';
  }

  /** State of the transport; `new` while there is none. */
  get state(): TransportState {
    return this.#transport?.state ?? 'new';
  }

  add(subscription: Subscription): boolean {
    const { kind } = subscription.track;
    const slot = this.#slots.find((one) => one.free && one.kind === kind);
    if (!slot && this.#slots.length >= MAX_SECTIONS) return false;
    const mid = slot?.mid ?? String(this.#slots.length);
    const offered = offeredTrack(mid, subscription);
    if (slot) Object.assign(slot, { offered, subscription, free: false });
    else this.#slots.push({ mid, kind, offered, subscription, free: false });
    this.#negotiate();
    return true;
  }

  remove(subscription: Subscription): void {
    const slot = this.#slots.find((one) => one.subscription === subscription);
    if (!slot) return;
    slot.subscription = undefined;
    slot.offered = { ...slot.offered, active: false };
    this.#negotiate();
  }

  send(packet: Buffer): boolean {
    return this.#transport?.send(packet) ?? false;
  }

  /** Sends the offer again that waits for an answer: the client may not have got it. */
  repeat(): void {
    if (!this.#inFlight) return;
    this.#repeated = true;
    this.#awaitAnswer();
    this.#events.onOffer(this.#inFlight.message);
  }

  /** Takes the answer to the offer in flight. Errors: SLUICE_SDP_INVALID, SLUICE_PROTOCOL. */
  accept(answer: SessionDescription): void {
    const offer = this.#inFlight;
    if (!offer) {
      // An offer that was repeated may be answered twice.
      if (this.#repeated) return;
      throw new SluiceError('SLUICE_PROTOCOL', 'an answer came that no offer waits for');
    }
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
      const { subscription } = slot;
      if (section.direction === 'inactive' && !subscription) slot.free = true;
      if (subscription && section.ssrcs[0]?.ssrc === subscription.down.ssrc) {
        this.#events.onAgreed(subscription, sections.get(slot.mid));
      }
    }
    if (this.connected) this.#events.onReady();
    if (this.#changed) this.#negotiate();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#answerTimer?.cancel();
    const transport = this.#transport;
    this.#transport = undefined;
    await transport?.close();
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
      transportCc: true,
      sessionVersion: ++this.#version,
    });
    const sdp = writeSessionDescription(description);
    const message = new SessionDescription({ type: 'offer', sdp, id: ++this.#offerId });
    this.#inFlight = { description, message, transport };
    this.#awaitAnswer();
    this.#events.onOffer(message);
  }

  #awaitAnswer(): void {
    this.#answerTimer?.cancel();
    this.#answerTimer = this.#context.clock.after(ANSWER_TIMEOUT_MS, () => {
      this.#events.onFailed();
    });
  }

  async #makeTransport(): Promise<void> {
    const { bindAddress, udpPort, clock, log } = this.#context;
    this.#making = true;
    try {
      const transport: Transport = await Transport.offer({
        name: `${this.#events.name}-sub`,
        ...(bindAddress !== undefined && { bindAddress }),
        udpPort,
        dataChannels: false,
        dtlsRole: 'active',
        onPacket: (packet) => {
          this.heardUs = clock.nowUs();
          this.#events.onPacket(packet);
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
      this.#events.onReady();
    }
    if (state !== 'failed' || this.#closed) return;
    this.#context.log.warn({ participant: this.#events.name }, 'the transport of a subscriber failed');
    if (++this.#failures >= MAX_FAILURES) {
      this.#events.onFailed();
      return;
    }
    const failed = this.#transport;
    this.#transport = undefined;
    this.#events.onLost();
    // Not from within a callback of the connection that is closed.
    setImmediate(() => {
      void failed?.close();
    });
    this.#negotiate();
  }
}

function offeredTrack(mid: string, { track, down }: Subscription): OfferedTrack {
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
