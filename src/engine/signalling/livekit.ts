import {
  type AddTrackRequest,
  DisconnectReason,
  type JoinResponse,
  LeaveRequest,
  LeaveRequest_Action,
  MuteTrackRequest,
  type ParticipantInfo,
  Ping,
  type RequestResponse,
  SessionDescription,
  SignalRequest,
  SignalResponse,
  SignalTarget,
  type SpeakerInfo,
  type SubscribedQualityUpdate,
  type TrackPublishedResponse,
  TrickleRequest,
  type UpdateParticipantMetadata,
  UpdateSubscription,
  UpdateTrackSettings,
  VideoQuality,
} from '@livekit/protocol';
import { WebSocket } from 'ws';
import type { Clock } from '../../media/clock.js';
import { SluiceError } from '../../media/errors.js';
import { Heartbeat } from './heartbeat.js';
import { MAX_MESSAGE_BYTES, firstResponse, rtcUrl } from './joining.js';
import type { VideoPreference } from '../video-preference.js';
import { Resumption } from './resuming.js';
import { endByLeave, type SignalEnd } from './signal-end.js';

/** Pings are sent at least this often, whatever the server asks for. */
const MAX_PING_INTERVAL_SECONDS = 60;
/** Longest wait for the handshake of a socket to come back on, in ms. */
const RESUME_HANDSHAKE_MS = 3_000;
/** Servers keep a limit until they are told another. */
const UNLIMITED_FPS = 1000;
/** Messages that wait meanwhile; those that `onResumed` makes good do not. */
const MAX_WAITING = 200;
const MADE_GOOD: ReadonlySet<RequestMessage['case']> = new Set([
  'offer',
  'answer',
  'trickle',
  'addTrack',
  'subscription',
  'pingReq',
  'updateMetadata',
]);

/** What the server tells. Called in the order in which it was said. */
export interface SignalHandlers {
  onOffer(sdp: string, id: number): void;
  onAnswer(sdp: string, id: number): void;
  /** `candidate` without `a=`. */
  onCandidate(target: 'publisher' | 'subscriber', candidate: string): void;
  /** Whom there is news of; with `complete`, everyone who is there. */
  onParticipants(participants: readonly ParticipantInfo[], complete: boolean): void;
  onTrackPublished(response: TrackPublishedResponse): void;
  /** The server ended a track of this participant. */
  onTrackUnpublished(trackSid: string): void;
  /** Somebody in charge of the session muted a track of this participant. */
  onTrackMuted(trackSid: string): void;
  onSpeakers(speakers: readonly SpeakerInfo[]): void;
  /** Which layers of a published track anybody takes. */
  onSubscribedQuality(update: SubscribedQualityUpdate): void;
  /** The answer to a request that has an id. */
  onRequestResponse(response: RequestResponse): void;
  /** The connection broke and is there again: what the server was asked, and may not have heard, is to be asked again. */
  onResumed(): void;
  /**
   * Over: the server said so, or the connection broke and could not be had again. Called once, and not after `close()`.
   */
  onEnd(end: SignalEnd): void;
}

export interface SignalOptions {
  /** ws:, wss:, http: or https: */
  readonly url: string;
  readonly token: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** The participant may go to another server: one that seems to be dead is not waited for. */
  readonly mayMove: boolean;
  /** Media of the server came a moment ago. */
  readonly mediaFlows: () => boolean;
  readonly handlers: SignalHandlers;
}

type RequestMessage = NonNullable<NonNullable<ConstructorParameters<typeof SignalRequest>[0]>['message']>;

/** LiveKit's signalling (protobuf over a WebSocket at `/rtc`), on the side of a participant. */
export class LiveKitSignal {
  readonly join: JoinResponse;
  readonly #options: SignalOptions;
  #socket: WebSocket;
  #token: string;
  /** While there is no connection. */
  #resumption: Resumption | undefined;
  #waiting: RequestMessage[] = [];
  /** The next update tells of everyone. */
  #updateIsComplete = false;
  readonly #heartbeat: Heartbeat;
  #over = false;

  private constructor(socket: WebSocket, options: SignalOptions, join: JoinResponse) {
    this.#socket = socket;
    this.#options = options;
    this.#token = options.token;
    this.join = join;
    this.#heartbeat = new Heartbeat({
      clock: options.clock,
      intervalMs: Math.min(Math.max(1, join.pingInterval || 5), MAX_PING_INTERVAL_SECONDS) * 1000,
      timeoutMs: Math.max(2, join.pingTimeout || 15) * 1000,
      ping: (nowMs, rttMs) => {
        const ping = new Ping({ timestamp: BigInt(Math.round(nowMs)), rtt: BigInt(Math.round(rttMs)) });
        this.#send({ case: 'pingReq', value: ping });
      },
      onSilent: () => {
        this.presumeDead();
      },
    });
  }

  /**
   * Joins a session. Errors: SLUICE_CONNECT_FAILED, SLUICE_CONNECT_TIMEOUT, SLUICE_TOKEN_INVALID, SLUICE_PERMISSION_DENIED,
   * SLUICE_CONFIG_INVALID (not a URL).
   */
  static async connect(options: SignalOptions): Promise<LiveKitSignal> {
    if (/[^\x21-\x7e]/.test(options.token)) {
      throw new SluiceError('SLUICE_TOKEN_INVALID', 'the token has characters in it that no token has', {
        mend: 'Check that it is passed on whole and without white space.',
      });
    }
    const socket = openSocket(rtcUrl(options.url), options.token, options.timeoutMs);
    // Messages that follow the join in the same read must not be lost while the caller wakes up.
    const early: SignalResponse[] = [];
    let deliver = (response: SignalResponse): void => {
      early.push(response);
    };
    const join = await firstResponse(socket, options, (response) => {
      deliver(response);
    });
    const signal = new LiveKitSignal(socket, options, join);
    deliver = (response) => {
      signal.#receive(response);
    };
    signal.#watch(socket);
    queueMicrotask(() => {
      for (const response of early) signal.#receive(response);
    });
    signal.#heartbeat.start();
    return signal;
  }

  /** Round trip of the last ping, in ms. */
  get rttMs(): number | undefined {
    return this.#heartbeat.rttMs;
  }

  /** The newest token: servers renew them. */
  get token(): string {
    return this.#token;
  }

  /** There is a doubt whether the server is there: tells whether it says anything within `timeoutMs`. Not while it is away. */
  ask(timeoutMs: number, tell: (answered: boolean) => void): void {
    if (!this.#over && !this.#resumption) this.#heartbeat.ask(timeoutMs, tell);
  }

  /** The server seems to be dead. When its media has ended too, and another may have the session, it is not asked to take the participant back. */
  presumeDead(): void {
    const reason = 'the server did not answer any more';
    if (this.#options.mayMove && !this.#options.mediaFlows()) this.#end({ reason, remedy: 'elsewhere' });
    else this.#lose(reason);
  }

  sendOffer(sdp: string, id: number): void {
    this.#send({ case: 'offer', value: new SessionDescription({ type: 'offer', sdp, id }) });
  }

  sendAnswer(sdp: string, id: number): void {
    this.#send({ case: 'answer', value: new SessionDescription({ type: 'answer', sdp, id }) });
  }

  /** `candidate` without `a=`. */
  sendCandidate(target: 'publisher' | 'subscriber', candidate: string): void {
    this.#send({
      case: 'trickle',
      value: new TrickleRequest({
        candidateInit: JSON.stringify({ candidate, sdpMid: '0', sdpMLineIndex: 0 }),
        target: target === 'publisher' ? SignalTarget.PUBLISHER : SignalTarget.SUBSCRIBER,
      }),
    });
  }

  addTrack(request: AddTrackRequest): void {
    this.#send({ case: 'addTrack', value: request });
  }

  muteTrack(sid: string, muted: boolean): void {
    this.#send({ case: 'mute', value: new MuteTrackRequest({ sid, muted }) });
  }

  updateMetadata(request: UpdateParticipantMetadata): void {
    this.#send({ case: 'updateMetadata', value: request });
  }

  updateSubscription(trackSids: string[], subscribe: boolean): void {
    this.#send({ case: 'subscription', value: new UpdateSubscription({ trackSids, subscribe }) });
  }

  /** Says how good the pictures of a track need to be at most; `layer` is the one that is wanted, where that is known. */
  updateTrackSettings(trackSid: string, preference: VideoPreference, layer?: VideoQuality): void {
    const { fps = UNLIMITED_FPS } = preference;
    // A size, where one is named, rules over the quality.
    const { width = 0, height = 0 } = layer === undefined ? preference : {};
    const quality = layer ?? VideoQuality.HIGH;
    this.#send({
      case: 'trackSetting',
      value: new UpdateTrackSettings({ trackSids: [trackSid], quality, width, height, fps }),
    });
  }

  /** Says goodbye and closes. Idempotent. */
  close(): void {
    if (this.#over) return;
    this.#send({ case: 'leave', value: new LeaveRequest({ reason: DisconnectReason.CLIENT_INITIATED }) });
    this.#finish();
  }

  /** Closes without a word: who joins again takes the place of who it was, and the others need not notice. Idempotent. */
  abandon(): void {
    if (this.#over) return;
    this.#finish();
    this.#socket.terminate();
  }

  #send(message: RequestMessage): void {
    if (!this.#resumption && this.#socket.readyState === WebSocket.OPEN)
      this.#socket.send(new SignalRequest({ message: message as never }).toBinary());
    else if (!MADE_GOOD.has(message.case) && this.#waiting.length < MAX_WAITING) this.#waiting.push(message);
  }

  #receive(response: SignalResponse): void {
    if (this.#over) return;
    this.#heartbeat.heard();
    const { handlers } = this.#options;
    const { message } = response;
    switch (message.case) {
      case 'offer':
        handlers.onOffer(message.value.sdp, message.value.id);
        break;
      case 'answer':
        handlers.onAnswer(message.value.sdp, message.value.id);
        break;
      case 'trickle': {
        const candidate = readCandidate(message.value.candidateInit);
        const target = message.value.target === SignalTarget.PUBLISHER ? 'publisher' : 'subscriber';
        if (candidate !== undefined) handlers.onCandidate(target, candidate);
        break;
      }
      case 'update':
        this.#onUpdate(message.value.participants);
        break;
      case 'refreshToken':
        this.#token = message.value;
        break;
      case 'trackPublished':
        handlers.onTrackPublished(message.value);
        break;
      case 'trackUnpublished':
        handlers.onTrackUnpublished(message.value.trackSid);
        break;
      case 'mute':
        if (message.value.muted) handlers.onTrackMuted(message.value.sid);
        break;
      case 'speakersChanged':
        handlers.onSpeakers(message.value.speakers);
        break;
      case 'subscribedQualityUpdate':
        handlers.onSubscribedQuality(message.value);
        break;
      case 'requestResponse':
        handlers.onRequestResponse(message.value);
        break;
      case 'pongResp':
        this.#heartbeat.answered(Number(message.value.lastPingTimestamp));
        break;
      case 'leave':
        if (message.value.action === LeaveRequest_Action.RESUME) this.#lose('the server asked to come back');
        else this.#end(endByLeave(message.value));
        break;
      default:
    }
  }

  #onUpdate(participants: readonly ParticipantInfo[]): void {
    const self = this.join.participant?.sid;
    const complete = this.#updateIsComplete && participants.some(({ sid }) => sid === self);
    if (complete) this.#updateIsComplete = false;
    this.#options.handlers.onParticipants(participants, complete);
  }

  /** Follows a socket until it is lost. */
  #watch(socket: WebSocket): void {
    socket.on('close', () => {
      if (socket === this.#socket) this.#lose('the server closed the signalling connection');
    });
  }

  /** The connection broke. The media goes its own way meanwhile: it is tried to be had again before the stay is given up. */
  #lose(reason: string): void {
    if (this.#over || this.#resumption) return;
    const { clock, url, mayMove, mediaFlows } = this.#options;
    this.#heartbeat.stop();
    discard(this.#socket);
    this.#resumption = new Resumption({
      clock,
      reason,
      mayMove,
      mediaFlows,
      open: () => {
        const address = rtcUrl(url, this.join.participant?.sid ?? '');
        return (this.#socket = openSocket(address, this.#token, RESUME_HANDSHAKE_MS));
      },
      onMessage: (socket, response) => {
        if (socket === this.#socket) this.#receive(response);
      },
      onBack: (socket) => {
        this.#onResumed(socket);
      },
      onOver: (end) => {
        this.#end(end);
      },
    });
  }

  #onResumed(socket: WebSocket): void {
    this.#resumption = undefined;
    this.#updateIsComplete = true;
    this.#watch(socket);
    this.#heartbeat.start();
    for (const message of this.#waiting.splice(0)) this.#send(message);
    this.#options.handlers.onResumed();
  }

  #end(end: SignalEnd): void {
    if (this.#over) return;
    this.#finish();
    this.#options.handlers.onEnd(end);
  }

  #finish(): void {
    this.#over = true;
    this.#heartbeat.stop();
    this.#resumption?.cancel();
    const socket = this.#socket;
    socket.on('error', () => undefined);
    socket.close();
    // A server that does not answer the closing handshake must not keep the socket.
    const timer = this.#options.clock.after(1000, () => {
      socket.terminate();
    });
    socket.once('close', () => {
      timer.cancel();
    });
  }
}

function openSocket(url: string, token: string, timeoutMs: number): WebSocket {
  return new WebSocket(url, {
    headers: { authorization: `Bearer ${token}` },
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    handshakeTimeout: timeoutMs,
  });
}

/** Lets a socket go that is of no use any more. */
function discard(socket: WebSocket): void {
  socket.on('error', () => undefined);
  socket.terminate();
}

function readCandidate(json: string): string | undefined {
  try {
    const init = JSON.parse(json) as { candidate?: unknown };
    return typeof init.candidate === 'string' && init.candidate !== '' ? init.candidate.replace(/^a=/, '') : undefined;
  } catch {
    return undefined;
  }
}
