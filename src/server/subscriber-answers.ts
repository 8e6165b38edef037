import { type MediaSection, type SessionDescription, receives, sends } from '../engine/sdp/media-section.js';
import { negotiateSent } from '../engine/sdp/negotiated.js';
import type { ClockTimer } from '../media/clock.js';
import type { ServerContext } from './context.js';
import { sendingSection } from './sending-section.js';
import type { Subscription, SubscriberNegotiation, SubscriberNegotiationEvents } from './subscriber-negotiation.js';

/** A client that does not offer what it was asked for is asked to come back after so long. */
const OFFER_TIMEOUT_MS = 15_000;
/** Tracks that are sent or wait: with the client's own sections they stay below what descriptions are read up to. */
const MAX_SUBSCRIPTIONS = 48;
/** A client may take in its answer after the first packets: video begins again so much later, in ms. */
const SETTLE_MS = 400;

export interface SubscriberAnswersOptions extends SubscriberNegotiationEvents {
  /** Asks the client for an offer, with so many m-lines more to receive in. */
  onSectionsRequired(audios: number, videos: number): void;
  /** The connection cannot be kept: the client has to come back. */
  onFailed(): void;
  /** Sends on the client's connection; false when that could not be done. */
  send(packet: Buffer): boolean;
  isConnected(): boolean;
}

/** An m-line in which the client wants to receive. It is used again only after the client has seen it inactive. */
interface Slot {
  readonly mid: string;
  readonly kind: 'audio' | 'video';
  subscription: Subscription | undefined;
  /** The client knows that nothing is sent in it. */
  free: boolean;
}

/**
 * Agrees on what is sent within answers to the client's offers, on the one connection that it has: a track takes an m-line that
 * the client offers to receive in, and the client is asked for an offer when there is something to tell or no m-line is left.
 */
export class SubscriberAnswers implements SubscriberNegotiation {
  readonly #context: ServerContext;
  readonly #options: SubscriberAnswersOptions;
  readonly #slots = new Map<string, Slot>();
  readonly #waiting = new Set<Subscription>();
  /** Not before the first offer: the client makes that by itself. */
  #offered = false;
  #asked = false;
  #changed = false;
  #closed = false;
  #offerTimer: ClockTimer | undefined;
  #settleTimer: ClockTimer | undefined;

  constructor(context: ServerContext, options: SubscriberAnswersOptions) {
    this.#context = context;
    this.#options = options;
  }

  get connected(): boolean {
    return this.#options.isConnected();
  }

  add(subscription: Subscription): boolean {
    let used = this.#waiting.size;
    for (const slot of this.#slots.values()) if (slot.subscription) used++;
    if (used >= MAX_SUBSCRIPTIONS) return false;
    this.#waiting.add(subscription);
    this.#negotiate();
    return true;
  }

  remove(subscription: Subscription): void {
    if (this.#waiting.delete(subscription)) return;
    for (const slot of this.#slots.values()) {
      if (slot.subscription !== subscription) continue;
      slot.subscription = undefined;
      this.#negotiate();
    }
  }

  send(packet: Buffer): boolean {
    return this.#options.send(packet);
  }

  /** Writes into the answer to an offer what is sent; `agree` is to be called when the answer is on its way. */
  fill(offer: SessionDescription, answer: SessionDescription): SessionDescription {
    this.#takeOffer(offer);
    const sections = answer.sections.map((section, index) => {
      const offered = offer.sections[index];
      const slot = this.#slots.get(section.mid);
      if (!offered || !slot) return section;
      slot.subscription ??= slot.free ? this.#nextFor(offered) : undefined;
      slot.free = !slot.subscription;
      return (slot.subscription && sendingSection(offered, slot.subscription)) ?? section;
    });
    return { ...answer, sections };
  }

  /** The tracks that are sent, by mid. */
  trackIds(): Map<string, string> {
    const ids = new Map<string, string>();
    for (const { mid, subscription } of this.#slots.values()) if (subscription) ids.set(mid, subscription.track.sid);
    return ids;
  }

  /** Begins to send what the answer says. */
  agree(offer: SessionDescription, answer: SessionDescription): void {
    const sections = negotiateSent(answer, offer);
    for (const { mid, subscription } of this.#slots.values()) {
      if (subscription) this.#options.onAgreed(subscription, sections.get(mid));
    }
    this.#begin();
    this.#settleTimer?.cancel();
    this.#settleTimer = this.#context.clock.after(SETTLE_MS, () => {
      this.#begin();
    });
    if (this.#changed || this.#waiting.size > 0) this.#negotiate();
  }

  /** Media gets through on the connection. */
  onConnected(): void {
    this.#begin();
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#offerTimer?.cancel();
    this.#settleTimer?.cancel();
    this.#waiting.clear();
    return Promise.resolve();
  }

  #begin(): void {
    if (this.connected) this.#options.onReady();
  }

  #takeOffer(offer: SessionDescription): void {
    this.#offered = true;
    this.#asked = this.#changed = false;
    this.#offerTimer?.cancel();
    const offered = new Map(offer.sections.map((section) => [section.mid, section]));
    for (const [mid, slot] of this.#slots) {
      const section = offered.get(mid);
      if (section && takesTracks(section)) continue;
      // The client uses the m-line otherwise: what it carried needs another one.
      this.#slots.delete(mid);
      if (slot.subscription) this.#waiting.add(slot.subscription);
    }
    for (const [mid, section] of offered) {
      if (section.kind === 'application' || !takesTracks(section) || this.#slots.has(mid)) continue;
      this.#slots.set(mid, { mid, kind: section.kind, subscription: undefined, free: true });
    }
  }

  /** The next track for an m-line. One that the client cannot take in any is given up. */
  #nextFor(offered: MediaSection): Subscription | undefined {
    for (const subscription of this.#waiting) {
      if (subscription.track.kind !== offered.kind) continue;
      this.#waiting.delete(subscription);
      if (sendingSection(offered, subscription)) return subscription;
      this.#options.onAgreed(subscription, undefined);
    }
    return undefined;
  }

  /** Asks for an offer, now or when the one that was asked for was answered. */
  #negotiate(): void {
    this.#changed = true;
    if (this.#closed || !this.#offered || this.#asked) return;
    this.#asked = true;
    this.#changed = false;
    this.#offerTimer = this.#context.clock.after(OFFER_TIMEOUT_MS, () => {
      this.#options.onFailed();
    });
    this.#options.onSectionsRequired(this.#missing('audio'), this.#missing('video'));
  }

  #missing(kind: 'audio' | 'video'): number {
    let count = 0;
    for (const { track } of this.#waiting) if (track.kind === kind) count++;
    for (const slot of this.#slots.values()) if (slot.kind === kind && slot.free) count--;
    return Math.max(0, count);
  }
}

/** An m-line that is there to receive in, and for nothing else. */
function takesTracks(section: MediaSection): boolean {
  return receives(section) && !sends(section);
}
