import {
  type AddTrackRequest,
  DisconnectReason,
  type JoinResponse,
  LeaveRequest,
  type ParticipantInfo,
  Ping,
  SessionDescription,
  SignalRequest,
  SignalResponse,
  SignalTarget,
  type SpeakerInfo,
  type TrackPublishedResponse,
  TrickleRequest,
  UpdateSubscription,
} from '@livekit/protocol';
import { WebSocket } from 'ws';
import type { Clock, ClockTimer } from '../../media/clock.js';
import { SluiceError } from '../../media/errors.js';

/** Version of LiveKit's signalling protocol that is spoken: two peer connections, answers with ids. */
const PROTOCOL_VERSION = 15;
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
/** Pings are sent at least this often, whatever the server asks for. */
const MAX_PING_INTERVAL_SECONDS = 60;

/** What the server tells. Called in the order in which it was said. */
export interface SignalHandlers {
  onOffer(sdp: string, id: number): void;
  onAnswer(sdp: string, id: number): void;
  /** `candidate` without `a=`. */
  onCandidate(target: 'publisher' | 'subscriber', candidate: string): void;
  onParticipants(participants: readonly ParticipantInfo[]): void;
  onTrackPublished(response: TrackPublishedResponse): void;
  onSpeakers(speakers: readonly SpeakerInfo[]): void;
  /** Over: the server said so, the socket closed, or it was silent for too long. Called once, and not after `close()`. */
  onEnd(error: SluiceError): void;
}

export interface SignalOptions {
  /** ws:, wss:, http: or https: */
  readonly url: string;
  readonly token: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly handlers: SignalHandlers;
}

type RequestMessage = NonNullable<ConstructorParameters<typeof SignalRequest>[0]>['message'];

/** LiveKit's signalling (protobuf over a WebSocket at `/rtc`), on the side of a participant. */
export class LiveKitSignal {
  readonly join: JoinResponse;
  readonly #socket: WebSocket;
  readonly #options: SignalOptions;
  #lastHeardUs: number;
  #pingTimer: ClockTimer | undefined;
  #rttMs: number | undefined;
  #over = false;

  private constructor(socket: WebSocket, options: SignalOptions, join: JoinResponse) {
    this.#socket = socket;
    this.#options = options;
    this.join = join;
    this.#lastHeardUs = options.clock.nowUs();
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
    const socket = new WebSocket(rtcUrl(options.url), {
      headers: { authorization: `Bearer ${options.token}` },
      maxPayload: MAX_MESSAGE_BYTES,
      perMessageDeflate: false,
      handshakeTimeout: options.timeoutMs,
    });
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
    socket.on('close', () => {
      signal.#end('the server closed the signalling connection');
    });
    queueMicrotask(() => {
      for (const response of early) signal.#receive(response);
    });
    signal.#schedulePing();
    return signal;
  }

  /** Round trip of the last ping, in ms. */
  get rttMs(): number | undefined {
    return this.#rttMs;
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

  updateSubscription(trackSids: string[], subscribe: boolean): void {
    this.#send({ case: 'subscription', value: new UpdateSubscription({ trackSids, subscribe }) });
  }

  /** Says goodbye and closes. Idempotent. */
  close(): void {
    if (this.#over) return;
    this.#send({ case: 'leave', value: new LeaveRequest({ reason: DisconnectReason.CLIENT_INITIATED }) });
    this.#finish();
  }

  #send(message: RequestMessage): void {
    if (this.#socket.readyState === WebSocket.OPEN)
      this.#socket.send(new SignalRequest({ message: message as never }).toBinary());
  }

  #receive(response: SignalResponse): void {
    if (this.#over) return;
    this.#lastHeardUs = this.#options.clock.nowUs();
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
        handlers.onParticipants(message.value.participants);
        break;
      case 'trackPublished':
        handlers.onTrackPublished(message.value);
        break;
      case 'speakersChanged':
        handlers.onSpeakers(message.value.speakers);
        break;
      case 'pongResp':
        this.#rttMs = this.#options.clock.nowUs() / 1000 - Number(message.value.lastPingTimestamp);
        break;
      case 'leave':
        this.#end(`the server ended the session (reason ${message.value.reason})`);
        break;
      default:
    }
  }

  #schedulePing(): void {
    const intervalMs = Math.min(Math.max(1, this.join.pingInterval || 5), MAX_PING_INTERVAL_SECONDS) * 1000;
    const timeoutMs = Math.max(2, this.join.pingTimeout || 15) * 1000;
    this.#pingTimer = this.#options.clock.after(intervalMs, () => {
      const nowUs = this.#options.clock.nowUs();
      if (nowUs - this.#lastHeardUs > timeoutMs * 1000) {
        this.#end('the server did not answer any more');
        return;
      }
      const timestamp = BigInt(Math.round(nowUs / 1000));
      this.#send({ case: 'pingReq', value: new Ping({ timestamp, rtt: BigInt(Math.round(this.#rttMs ?? 0)) }) });
      this.#schedulePing();
    });
  }

  #end(reason: string): void {
    if (this.#over) return;
    this.#finish();
    this.#options.handlers.onEnd(new SluiceError('SLUICE_SESSION_LOST', reason));
  }

  #finish(): void {
    this.#over = true;
    this.#pingTimer?.cancel();
    this.#socket.on('error', () => undefined);
    this.#socket.close();
    // A server that does not answer the closing handshake must not keep the socket.
    const timer = this.#options.clock.after(1000, () => {
      this.#socket.terminate();
    });
    this.#socket.once('close', () => {
      timer.cancel();
    });
  }
}

/** Waits for the join response; everything that comes after it goes to `later`. */
function firstResponse(
  socket: WebSocket,
  options: SignalOptions,
  later: (response: SignalResponse) => void,
): Promise<JoinResponse> {
  return new Promise((resolve, reject) => {
    let joined = false;
    const fail = (error: SluiceError): void => {
      if (joined) return;
      joined = true;
      timer.cancel();
      socket.on('error', () => undefined);
      socket.terminate();
      reject(error);
    };
    const timer = options.clock.after(options.timeoutMs, () => {
      fail(
        new SluiceError(
          'SLUICE_CONNECT_TIMEOUT',
          `the server at ${options.url} did not answer within ${options.timeoutMs} ms`,
        ),
      );
    });
    socket.on('error', (cause) => {
      fail(connectFailed(options.url, cause));
    });
    socket.on('close', () => {
      fail(connectFailed(options.url, 'it closed the connection'));
    });
    socket.on('unexpected-response', (_request, response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        if (text.length < 1000) text += chunk;
      });
      response.on('end', () => {
        fail(refused(options.url, response.statusCode ?? 0, text.trim()));
      });
    });
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      const response = isBinary ? decode(data) : undefined;
      if (!response) return;
      if (joined) {
        later(response);
      } else if (response.message.case === 'join') {
        joined = true;
        timer.cancel();
        resolve(response.message.value);
      } else if (response.message.case === 'leave') {
        fail(connectFailed(options.url, `it refused the participant (reason ${response.message.value.reason})`));
      }
    });
  });
}

function decode(data: Buffer): SignalResponse | undefined {
  try {
    return SignalResponse.fromBinary(data);
  } catch {
    // What cannot be read is as if it had not been said: a later version may say more than we know.
    return undefined;
  }
}

function rtcUrl(text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch (cause) {
    throw new SluiceError('SLUICE_CONFIG_INVALID', `"${text}" is not a URL`, {
      cause,
      mend: 'Give a URL such as ws://127.0.0.1:7880.',
    });
  }
  if (url.protocol === 'http:') url.protocol = 'ws:';
  if (url.protocol === 'https:') url.protocol = 'wss:';
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:') {
    throw new SluiceError('SLUICE_CONFIG_INVALID', `"${text}" is not a URL of a session server`, {
      mend: 'Use ws: or wss:.',
    });
  }
  url.pathname = `${url.pathname.replace(/\/$/, '')}/rtc`;
  url.searchParams.set('protocol', String(PROTOCOL_VERSION));
  url.searchParams.set('auto_subscribe', '0');
  url.searchParams.set('sdk', 'node');
  return url.href;
}

function connectFailed(url: string, cause: unknown): SluiceError {
  const reason = cause instanceof Error ? cause.message || (cause as NodeJS.ErrnoException).code : String(cause);
  return new SluiceError('SLUICE_CONNECT_FAILED', `cannot join at ${url}: ${reason ?? 'unknown reason'}`, {
    cause,
    mend: 'Check the URL, and that a server is running there (`sluice serve` starts one).',
  });
}

function refused(url: string, status: number, text: string): SluiceError {
  const detail = text === '' ? `HTTP ${status}` : text;
  if (status === 401) {
    return new SluiceError('SLUICE_TOKEN_INVALID', `the server at ${url} did not accept the token: ${detail}`, {
      mend: 'Sign a token with a key of that server (`sluice token`), or check that it is not past its time.',
    });
  }
  if (status === 403)
    return new SluiceError('SLUICE_PERMISSION_DENIED', `the token does not grant joining at ${url}: ${detail}`);
  return connectFailed(url, detail);
}

function readCandidate(json: string): string | undefined {
  try {
    const init = JSON.parse(json) as { candidate?: unknown };
    return typeof init.candidate === 'string' && init.candidate !== '' ? init.candidate.replace(/^a=/, '') : undefined;
  } catch {
    return undefined;
  }
}
