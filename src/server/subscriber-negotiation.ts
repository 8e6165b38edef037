import type { SentSection } from '../engine/sdp/negotiated.js';
import type { DownTrack } from './forwarding/down-track.js';
import type { ServerTrack } from './track.js';

/** One track on its way to one participant. */
export interface Subscription {
  readonly track: ServerTrack;
  readonly down: DownTrack;
}

export interface SubscriberNegotiationEvents {
  /** A packet of the client, on the way that media is sent on. */
  onPacket(packet: Buffer): void;
  /** The client takes a track as described, or does not (any more). */
  onAgreed(subscription: Subscription, section: SentSection | undefined): void;
  /** Media gets through from now on, or more of it is agreed on: video has to begin. */
  onReady(): void;
  /** The way is gone, and with it what was under way. */
  onLost(): void;
}

/** How it is agreed with a client what is sent to it, and the way it is sent on. */
export interface SubscriberNegotiation {
  /** Media gets through. */
  readonly connected: boolean;
  /** Has a track agreed on; false when there is no room for another one. */
  add(subscription: Subscription): boolean;
  remove(subscription: Subscription): void;
  /** Sends one RTP or RTCP packet; false when it could not be sent. */
  send(packet: Buffer): boolean;
  close(): Promise<void>;
}
