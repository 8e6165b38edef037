import { TrackSource, type UpdateTrackSettings, VideoQuality } from '@livekit/protocol';
import type { SentSection } from '../engine/sdp/negotiated.js';
import type { Delivery } from './connection-quality.js';
import type { ServerContext } from './context.js';
import type { MediaCounters } from './counters.js';
import { DownSender } from './forwarding/down-sender.js';
import { DownTrack } from './forwarding/down-track.js';
import { EVERYTHING, type LayerWish } from './forwarding/layer-choice.js';
import type { Subscription, SubscriberNegotiation, SubscriberNegotiationEvents } from './subscriber-negotiation.js';
import type { ServerTrack } from './track.js';

export interface SubscriberOptions {
  readonly name: string;
  /** Makes the way on which it is agreed what is sent, and sent: by offers of the server, or in answers to the client's. */
  negotiate(events: SubscriberNegotiationEvents): SubscriberNegotiation;
  /** A client has answered whether it takes a track. */
  onAgreed(track: ServerTrack, accepted: boolean): void;
  /** The connection does not bear even the lowest layer of a track any more, or it does again. */
  onPaused?(track: ServerTrack, paused: boolean): void;
}

/**
 * What a participant receives: one DownTrack for each track, sent by one DownSender. How the client is told of them, and the
 * transport they take, is the negotiation's.
 */
export class SubscriberConnection {
  readonly #context: ServerContext;
  readonly #options: SubscriberOptions;
  readonly #sender: DownSender;
  readonly #negotiation: SubscriberNegotiation;
  readonly #subscriptions = new Map<string, Subscription>();
  #closed = false;

  constructor(context: ServerContext, options: SubscriberOptions) {
    this.#context = context;
    this.#options = options;
    this.#sender = new DownSender({
      send: (packet) => this.#negotiation.send(packet),
      ntpUs: (nowUs) => context.ntpUs(nowUs),
      fanOut: context.fanOut,
      onPaused: (down, paused) => {
        this.#onPaused(down, paused);
      },
    });
    this.#negotiation = options.negotiate({
      onPacket: (packet) => {
        this.#sender.receive(packet, context.clock.nowUs());
      },
      onAgreed: (subscription, section) => {
        this.#onAgreed(subscription, section);
      },
      onReady: () => {
        this.#sender.begin(context.clock.nowUs());
      },
      onLost: () => {
        this.#sender.clear();
      },
    });
  }

  get count(): number {
    return this.#subscriptions.size;
  }

  get counters(): Partial<MediaCounters> {
    return this.#sender.counters;
  }

  /** How what the client is sent gets through. */
  get delivery(): Delivery {
    return this.#sender.delivery;
  }

  has(trackSid: string): boolean {
    return this.#subscriptions.has(trackSid);
  }

  /** Subscribes to a track. Nothing happens when it is subscribed to, or has no media. */
  add(track: ServerTrack): void {
    const { media } = track;
    const codec = media?.section.codecs.values().next().value;
    if (this.#closed || !media || !codec || this.#subscriptions.has(track.sid)) return;
    const down = new DownTrack(media, codec.clockRate, this.#sender);
    down.wish = { ...EVERYTHING, priority: defaultPriority(track) };
    const subscription = { track, down };
    if (!this.#negotiation.add(subscription)) {
      down.close();
      this.#context.log.warn({ participant: this.#options.name }, 'a subscriber has no room for another track');
      return;
    }
    this.#subscriptions.set(track.sid, subscription);
    this.#sender.add(down, track.ownerSid);
    this.#context.ticker.add(this.#sender);
  }

  remove(trackSid: string): void {
    const subscription = this.#subscriptions.get(trackSid);
    if (!subscription) return;
    this.#subscriptions.delete(trackSid);
    this.#sender.remove(subscription.down);
    subscription.down.close();
    this.#negotiation.remove(subscription);
  }

  /** Pauses a track, or limits its simulcast layer. */
  applySettings(trackSid: string, settings: UpdateTrackSettings): void {
    const subscription = this.#subscriptions.get(trackSid);
    if (!subscription) return;
    const { down, track } = subscription;
    this.#sender.wish(down, wishFor(track, settings));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#context.ticker.remove(this.#sender);
    this.#sender.close();
    for (const { down } of this.#subscriptions.values()) down.close();
    this.#subscriptions.clear();
    await this.#negotiation.close();
  }

  #onAgreed(subscription: Subscription, section: SentSection | undefined): void {
    const { track, down } = subscription;
    if (this.#subscriptions.get(track.sid) !== subscription) return;
    this.#sender.agree(down, section, this.#context.clock.nowUs());
    this.#options.onAgreed(track, section?.accepted === true);
  }

  #onPaused(down: DownTrack, paused: boolean): void {
    for (const subscription of this.#subscriptions.values()) {
      if (subscription.down === down) this.#options.onPaused?.(subscription.track, paused);
    }
  }
}

/** Subscribers give 1 to the most important track, 2 to the next, and 0 to those that do not matter. */
const LEAST_PRIORITY = 1000;

function wishFor(track: ServerTrack, settings: UpdateTrackSettings): LayerWish {
  const { disabled, fps: maxFps, priority } = settings;
  return {
    disabled,
    maxRank: wantedRank(track, settings),
    maxFps,
    priority: priority === 0 ? defaultPriority(track) : LEAST_PRIORITY - Math.min(priority, LEAST_PRIORITY - 2),
  };
}

/** A shared screen is what people look at. */
function defaultPriority(track: ServerTrack): number {
  return track.info.source === TrackSource.SCREEN_SHARE ? 1 : 0;
}

/** The rank of the layer that a client asks for, by its size where it gives one. */
function wantedRank(track: ServerTrack, { width, height, quality }: UpdateTrackSettings): number {
  if (width === 0 || height === 0) return quality === VideoQuality.OFF ? 0 : quality;
  const layers = [...track.info.layers].sort((a, b) => a.quality - b.quality);
  const fitting = layers.find((layer) => layer.width >= width && layer.height >= height);
  return fitting?.quality ?? VideoQuality.HIGH;
}
