import type {
  JoinResponse,
  ParticipantInfo,
  RequestResponse,
  SpeakerInfo,
  SubscribedQualityUpdate,
  TrackPublishedResponse,
} from '@livekit/protocol';
import type { Clock, ClockTimer } from '../media/clock.js';
import { SluiceError } from '../media/errors.js';
import { isLoopback } from '../media/loopback.js';
import { Downlink } from './downlink.js';
import type { InboundMedia } from './inbound-media.js';
import { MediaWatch } from './media-watch.js';
import { LiveKitSignal } from './signalling/livekit.js';
import type { SignalEnd } from './signalling/signal-end.js';
import type { Ticker } from './ticker.js';
import { Uplink } from './uplink.js';

/** What comes from the server besides media, in the order in which it came. */
export interface LinkHandlers {
  /** Whom there is news of; with `complete`, everyone who is there. */
  onParticipants(participants: readonly ParticipantInfo[], complete: boolean): void;
  /** The server ended a track of this participant. */
  onTrackUnpublished(trackSid: string): void;
  /** Somebody in charge of the session muted a track of this participant. */
  onTrackMuted(trackSid: string): void;
  onSpeakers(speakers: readonly SpeakerInfo[]): void;
  /** The answer to a request that has an id. */
  onRequestResponse(response: RequestResponse): void;
  /** A data packet, over a reliable channel. */
  onData(packet: Buffer): void;
  /** Signalling broke and is back. */
  onResumed(): void;
  /** Over. Called once, and not after `close()`. */
  onEnd(end: SignalEnd): void;
}

export interface LinkOptions {
  /** ws:, wss:, http: or https: */
  readonly url: string;
  readonly token: string;
  readonly timeoutMs: number;
  /** Another server may have the session: one that seems to be dead is not waited for. */
  readonly mayMove: boolean;
  readonly clock: Clock;
  /** A few milliseconds. */
  readonly ticker: Ticker;
  /** Where what is received goes; it outlives the link. */
  readonly media: InboundMedia;
  readonly onFault: (error: unknown) => void;
}

type Task = (link: ServerLink, handlers: LinkHandlers) => void;

/** What the server says of a participant that has joined. */
export type JoinedAs = JoinResponse & Required<Pick<JoinResponse, 'room' | 'participant'>>;

/** How long the server has to say why it closed the media, in ms. */
const LAST_WORD_MS = 250;
/** A server that sends no media any more has so long to answer a ping, in ms. */
const ASK_TIMEOUT_MS = 1_500;

/** One stay at one server: signalling, and a transport for each way. */
export class ServerLink {
  readonly join: JoinedAs;
  readonly signal: LiveKitSignal;
  readonly uplink: Uplink;
  readonly downlink: Downlink;
  readonly #options: LinkOptions;
  readonly #watch: MediaWatch;
  #handlers: LinkHandlers | undefined;
  /** What the server says before anybody listens. */
  #early: Task[] = [];
  #failing: ClockTimer | undefined;
  #ended: SignalEnd | undefined;
  #over = false;

  private constructor(options: LinkOptions, signal: LiveKitSignal, join: JoinedAs) {
    this.#options = options;
    this.signal = signal;
    this.join = join;
    const { clock, ticker, media, onFault } = options;
    const common = {
      clock,
      ticker,
      signal,
      bindAddress: isLoopback(new URL(options.url).hostname) ? '127.0.0.1' : undefined,
      onFault,
      onFailed: () => {
        this.fail();
      },
      onData: (packet: Buffer) => {
        this.#hear((_, handlers) => {
          handlers.onData(packet);
        });
      },
    };
    this.uplink = new Uplink(common);
    this.downlink = new Downlink({
      ...common,
      media,
      onRestarted: () => {
        this.#end({ reason: 'the server began the media connection anew', remedy: 'anew' });
      },
    });
    this.#watch = new MediaWatch({
      clock,
      counts: () => ({
        sent: this.uplink.sender.packetsSent,
        answered: this.uplink.received,
        received: this.downlink.received,
      }),
      // A network that is gone for a while is waited for, unless there is somewhere else to go.
      onSilent: () => {
        if (options.mayMove) this.#suspect(() => undefined);
      },
      onUnanswered: () => {
        this.#suspect(() => {
          this.#end({ reason: 'what was sent did not arrive at the server any more', remedy: 'anew' });
        });
      },
    });
  }

  /** Joins a session. Errors: those of LiveKitSignal.connect, SLUICE_PROTOCOL. */
  static async join(options: LinkOptions): Promise<ServerLink> {
    const early: Task[] = [];
    const made: { link?: ServerLink } = {};
    const hear =
      <A extends unknown[]>(task: (to: ServerLink, handlers: LinkHandlers, ...a: A) => void) =>
      (...a: A): void => {
        const later: Task = (to, handlers) => {
          task(to, handlers, ...a);
        };
        if (made.link) made.link.#hear(later);
        else early.push(later);
      };
    const signal = await LiveKitSignal.connect({
      ...options,
      mediaFlows: () => made.link !== undefined && made.link.#watch.flows,
      handlers: {
        onOffer: hear((to, _, sdp: string, id: number) => {
          to.downlink.onOffer(sdp, id);
        }),
        onAnswer: hear((to, _, sdp: string, id: number) => {
          to.uplink.onAnswer(sdp, id);
        }),
        onCandidate: hear((to, _, target: 'publisher' | 'subscriber', candidate: string) => {
          (target === 'publisher' ? to.uplink : to.downlink).onCandidate(candidate);
        }),
        onParticipants: hear((_, handlers, participants: readonly ParticipantInfo[], complete: boolean) => {
          handlers.onParticipants(participants, complete);
        }),
        onTrackPublished: hear((to, _, response: TrackPublishedResponse) => {
          to.uplink.onTrackPublished(response);
        }),
        onTrackUnpublished: hear((_, handlers, trackSid: string) => {
          handlers.onTrackUnpublished(trackSid);
        }),
        onTrackMuted: hear((_, handlers, trackSid: string) => {
          handlers.onTrackMuted(trackSid);
        }),
        onSubscribedQuality: hear((to, _, update: SubscribedQualityUpdate) => {
          to.uplink.onSubscribedQuality(update);
        }),
        onSpeakers: hear((_, handlers, speakers: readonly SpeakerInfo[]) => {
          handlers.onSpeakers(speakers);
        }),
        onRequestResponse: hear((_, handlers, response: RequestResponse) => {
          handlers.onRequestResponse(response);
        }),
        onResumed: hear((to, handlers) => {
          to.uplink.resume();
          handlers.onResumed();
        }),
        onEnd: hear((to, _, end: SignalEnd) => {
          to.#end(end);
        }),
      },
    });
    const { join } = signal;
    if (!isComplete(join)) {
      signal.close();
      throw new SluiceError('SLUICE_PROTOCOL', 'the server joined nobody to nothing');
    }
    const link = (made.link = new ServerLink(options, signal, join));
    link.#early = early;
    return link;
  }

  /** What the server says, also what it has said already, is told from now on. */
  listen(handlers: LinkHandlers): void {
    const ended = this.#ended;
    this.#handlers = handlers;
    for (const task of this.#early.splice(0)) this.#hear(task);
    if (ended) handlers.onEnd(ended);
  }

  /**
   * Resolves when data of the server gets through.
   * Errors: SLUICE_SUBSCRIBE_FAILED, SLUICE_PUBLISH_FAILED, SLUICE_SESSION_CLOSED (the link was closed).
   */
  openData(): Promise<void> {
    // It comes over the connection that the server calls the primary one. That of what is published may have to be made.
    return (this.join.subscriberPrimary ? this.downlink : this.uplink).openData();
  }

  /** Media does not get through. A server that ends the session closes the media as well: what it says of it may come a moment later. */
  fail(): void {
    if (this.#over) return;
    this.#failing ??= this.#options.clock.after(LAST_WORD_MS, () => {
      this.#end({ reason: 'the media connection to the server broke', remedy: 'anew' });
    });
  }

  /** Leaves. Idempotent. */
  async close(): Promise<void> {
    // The goodbye ends the tracks: closing the uplink after it spares an offer for each.
    this.signal.close();
    await this.abandon();
  }

  /** Closes without a goodbye: another link follows. Idempotent. */
  async abandon(): Promise<void> {
    this.#finish();
    this.signal.abandon();
    await this.uplink.close();
    await this.downlink.close();
  }

  /** Media does not come as it should: looks whether the server is there at all. */
  #suspect(ifThere: () => void): void {
    this.signal.ask(ASK_TIMEOUT_MS, (answered) => {
      if (answered) ifThere();
      else if (this.#options.mayMove) this.signal.presumeDead();
    });
  }

  #hear(task: Task): void {
    if (!this.#handlers) this.#early.push(task);
    else if (!this.#over) task(this, this.#handlers);
  }

  #end(end: SignalEnd): void {
    if (this.#over) return;
    this.#finish();
    this.#ended = end;
    this.#handlers?.onEnd(end);
  }

  #finish(): void {
    this.#over = true;
    this.#failing?.cancel();
    this.#watch.close();
  }
}

function isComplete(join: JoinResponse): join is JoinedAs {
  return join.room !== undefined && join.participant !== undefined;
}
