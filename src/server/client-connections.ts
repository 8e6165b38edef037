import { type SessionDescription, SignalTarget, TrickleRequest, MediaSectionsRequirement } from '@livekit/protocol';
import { QualityMeter } from './connection-quality.js';
import type { ServerContext } from './context.js';
import { type MediaCounters, addMedia, createMediaCounters } from './counters.js';
import { PublisherConnection, type PublisherEvents } from './publisher-connection.js';
import { streamState, subscribedQuality } from './quality-messages.js';
import type { Response } from './signal-socket.js';
import { SubscriberAnswers } from './subscriber-answers.js';
import { SubscriberConnection, type SubscriberOptions } from './subscriber-connection.js';
import type { SubscriberNegotiation, SubscriberNegotiationEvents } from './subscriber-negotiation.js';
import { SubscriberOffers } from './subscriber-offers.js';

/** A client that was sending when it was last heard, and then nothing for so long, is gone. */
const SILENCE_US = 5_000_000;
/** Reports of media come every few seconds: a client that was heard, and then nothing for so long, is out of reach. */
const LOST_AFTER_US = 10_000_000;
/** Media is a stream: without a packet for so long it had ended before. */
const FLOWING_US = 1_000_000;

export interface ClientConnectionsOptions extends Omit<PublisherEvents, 'onAnswer' | 'answers' | 'onControl'> {
  /** One connection for both ways. */
  readonly single: boolean;
  readonly onAgreed: SubscriberOptions['onAgreed'];
  readonly send: (message: Response) => void;
}

/** The media connections of one participant: one to publish and one to subscribe on, or one for both. */
export class ClientConnections {
  readonly publisher: PublisherConnection;
  readonly subscriber: SubscriberConnection;
  readonly #context: ServerContext;
  readonly #options: ClientConnectionsOptions;
  #closed = false;
  readonly #up = new QualityMeter();
  readonly #down = new QualityMeter();
  #offers: SubscriberOffers | undefined;
  #answers: SubscriberAnswers | undefined;
  #onControl: ((packet: Buffer) => void) | undefined;

  constructor(context: ServerContext, options: ClientConnectionsOptions) {
    const { name, onAgreed, send } = options;
    this.#context = context;
    this.#options = options;
    const negotiate = (events: SubscriberNegotiationEvents): SubscriberNegotiation =>
      options.single ? this.#answerOnly(events) : this.#offerBeside(events);
    this.subscriber = new SubscriberConnection(context, {
      name,
      negotiate,
      onAgreed,
      onPaused: (track, paused) => {
        send(streamState(track, paused));
      },
    });
    this.publisher = new PublisherConnection(context, {
      ...options,
      onAnswer: (answer) => {
        send({ case: 'answer', value: answer });
      },
      onWantedRank: (track, rank) => {
        send(subscribedQuality(track, rank));
      },
      answers: this.#answers,
      ...(this.#onControl && { onControl: this.#onControl }),
    });
  }

  /** How the connections are, 0 to 100, by what got through since the last call. To be called every few seconds. */
  measureQuality(nowUs: number): number {
    const { publisher, subscriber } = this;
    // All that comes from a client of one connection comes on that.
    const heardUs = this.#offers?.heardUs ?? publisher.heardUs;
    const down = subscriber.delivery;
    this.#up.update(publisher.delivery, publisher.isSending && isSilent(publisher.heardUs, nowUs));
    this.#down.update(down, down.packets > 0 && isSilent(heardUs, nowUs));
    return Math.min(this.#up.score, this.#down.score);
  }

  /** Takes the client's answer to an offer of this side. Errors: SLUICE_SDP_INVALID, SLUICE_PROTOCOL. */
  accept(answer: SessionDescription): void {
    this.#offers?.accept(answer);
  }

  /** The client is back: what was asked of it before, and may not have been heard, is asked again. */
  resume(): void {
    this.#offers?.repeat();
  }

  /** The client can go on with the media connections that it has. One to receive on is replaced when it fails. */
  get usable(): boolean {
    return this.publisher.state === 'connected' || this.publisher.state === 'new';
  }

  /** Whether a client without signalling, lost at `lostUs`, seems to be there still. */
  seemsAlive(lostUs: number, nowUs: number): boolean {
    const { mediaUs, heardUs } = this.publisher;
    const wasFlowing = mediaUs > lostUs - FLOWING_US;
    return this.usable && !(wasFlowing && nowUs - Math.max(heardUs, this.#offers?.heardUs ?? 0) > SILENCE_US);
  }

  /** What was counted since the beginning; once closed, it is in the counters of the server. */
  get counters(): MediaCounters {
    const sum = createMediaCounters();
    if (this.#closed) return sum;
    addMedia(sum, this.publisher.counters);
    addMedia(sum, this.subscriber.counters);
    return sum;
  }

  async close(): Promise<void> {
    addMedia(this.#context.counters.media, this.counters);
    this.#closed = true;
    await Promise.all([this.publisher.close(), this.subscriber.close()]);
  }

  #offerBeside(events: SubscriberNegotiationEvents): SubscriberNegotiation {
    const { name, send } = this.#options;
    this.#offers = new SubscriberOffers(this.#context, {
      ...events,
      name,
      onOffer: (offer) => {
        send({ case: 'offer', value: offer });
      },
      onCandidate: (candidate) => {
        const candidateInit = JSON.stringify({ candidate, sdpMid: '0', sdpMLineIndex: 0 });
        send({ case: 'trickle', value: new TrickleRequest({ candidateInit, target: SignalTarget.SUBSCRIBER }) });
      },
      onFailed: () => {
        this.#options.onFailed();
      },
    });
    return this.#offers;
  }

  #answerOnly(events: SubscriberNegotiationEvents): SubscriberNegotiation {
    const { send } = this.#options;
    this.#onControl = (packet) => {
      events.onPacket(packet);
    };
    this.#answers = new SubscriberAnswers(this.#context, {
      ...events,
      send: (packet) => this.publisher.send(packet),
      isConnected: () => this.publisher.state === 'connected',
      onSectionsRequired: (numAudios, numVideos) => {
        const value = new MediaSectionsRequirement({ numAudios, numVideos });
        send({ case: 'mediaSectionsRequirement', value });
      },
      onFailed: () => {
        this.#options.onFailed();
      },
    });
    return this.#answers;
  }
}

function isSilent(heardUs: number, nowUs: number): boolean {
  return heardUs > -Infinity && nowUs - heardUs > LOST_AFTER_US;
}
