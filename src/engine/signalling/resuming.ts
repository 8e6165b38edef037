import { SignalResponse } from '@livekit/protocol';
import type { WebSocket } from 'ws';
import type { Clock, ClockTimer } from '../../media/clock.js';
import { endByLeave, type Remedy, type SignalEnd } from './signal-end.js';

/** For so long a connection that broke is tried to be had again, from so many ms between two tries on. */
const TIMEOUT_MS = 8_000;
/** Where nobody listens any more the server is gone, and its sessions with it. */
const ABSENT_TIMEOUT_MS = 2_000;
/** Where no media comes either, and another server may have the session. */
const SUSPECT_TIMEOUT_MS = 1_500;
const INTERVAL_MS = 100;
const MAX_INTERVAL_MS = 1_000;
/** A server that does not answer a try for so long is tried anew. */
const ATTEMPT_MS = 3_000;
const SUSPECT_ATTEMPT_MS = 1_000;

export interface ResumptionOptions {
  readonly clock: Clock;
  /** Why the participant is away. */
  readonly reason: string;
  /** The participant may go to another server: one that seems to be dead is not waited for. */
  readonly mayMove: boolean;
  /** Media of the server still comes. */
  readonly mediaFlows: () => boolean;
  /** Opens a socket to come back on. */
  readonly open: () => WebSocket;
  /** What the server says on a socket on which the participant is back. */
  readonly onMessage: (socket: WebSocket, response: SignalResponse) => void;
  readonly onBack: (socket: WebSocket) => void;
  /** It was not taken back, or it is no use to go on trying. */
  readonly onOver: (end: SignalEnd) => void;
}

/** The tries of a participant without signalling to be again who it was; its media goes its own way meanwhile. */
export class Resumption {
  readonly #options: ResumptionOptions;
  readonly #sinceUs: number;
  #socket: WebSocket | undefined;
  #timer: ClockTimer | undefined;
  #over = false;

  constructor(options: ResumptionOptions) {
    this.#options = options;
    this.#sinceUs = options.clock.nowUs();
    void this.#try(INTERVAL_MS);
  }

  /** Tries no more. */
  cancel(): void {
    this.#over = true;
    this.#timer?.cancel();
    this.#socket?.terminate();
  }

  async #try(intervalMs: number): Promise<void> {
    const { clock, reason, open, onBack, onOver, onMessage } = this.#options;
    const socket = (this.#socket = open());
    const impatience = clock.after(this.#isSuspect ? SUSPECT_ATTEMPT_MS : ATTEMPT_MS, () => {
      socket.terminate();
    });
    const outcome = await resumeOn(socket, (response) => {
      onMessage(socket, response);
    });
    impatience.cancel();
    if (this.#over) return;
    if (outcome.type === 'resumed') {
      this.#over = true;
      onBack(socket);
    } else if (outcome.type === 'refused') {
      this.#over = true;
      const told = `${reason}, and did not take the participant back: ${outcome.reason}`;
      onOver({ reason: told, remedy: outcome.remedy });
    } else if (clock.nowUs() - this.#sinceUs + intervalMs * 1000 > this.#timeoutMs(outcome.absent) * 1000) {
      this.#over = true;
      onOver({ reason, remedy: 'elsewhere' });
    } else {
      this.#timer = clock.after(intervalMs, () => {
        void this.#try(Math.min(intervalMs * 2, MAX_INTERVAL_MS));
      });
    }
  }

  #timeoutMs(absent: boolean): number {
    if (absent) return this.#options.mayMove ? 0 : ABSENT_TIMEOUT_MS;
    return this.#isSuspect ? SUSPECT_TIMEOUT_MS : TIMEOUT_MS;
  }

  get #isSuspect(): boolean {
    return this.#options.mayMove && !this.#options.mediaFlows();
  }
}

/** How a try to come back ended: with the session, without it for now, or for good. */
type ResumeOutcome =
  | { readonly type: 'resumed' }
  /** `absent`: nobody listens there any more. */
  | { readonly type: 'unreachable'; readonly absent: boolean }
  | { readonly type: 'refused'; readonly reason: string; readonly remedy: Remedy };

/**
 * Waits for what a server first says on a socket on which a participant wants to be again who it was. What comes after the
 * answer goes to `later`. A socket that is of no use is cut.
 */
function resumeOn(socket: WebSocket, later: (response: SignalResponse) => void): Promise<ResumeOutcome> {
  return new Promise((resolve) => {
    let state: 'waiting' | 'resumed' | 'over' = 'waiting';
    const end = (outcome: ResumeOutcome): void => {
      if (state !== 'waiting') return;
      state = 'over';
      socket.terminate();
      resolve(outcome);
    };
    // An error is followed by the end of the socket.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      end({ type: 'unreachable', absent: error.code === 'ECONNREFUSED' });
    });
    socket.on('close', () => {
      end({ type: 'unreachable', absent: false });
    });
    socket.on('unexpected-response', (_request, { statusCode = 0 }) => {
      // What is wrong with the request is wrong the next time too; what is wrong with the server may pass.
      if (statusCode < 400 || statusCode >= 500) end({ type: 'unreachable', absent: false });
      else end({ type: 'refused', reason: `HTTP ${statusCode}`, remedy: 'anew' });
    });
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      const response = isBinary && state !== 'over' ? decode(data) : undefined;
      if (!response) return;
      const { message } = response;
      if (state === 'resumed') {
        later(response);
      } else if (message.case === 'reconnect') {
        state = 'resumed';
        resolve({ type: 'resumed' });
      } else if (message.case === 'leave') {
        end({ type: 'refused', ...endByLeave(message.value) });
      } else {
        end({ type: 'refused', reason: 'it did not know the participant', remedy: 'anew' });
      }
    });
  });
}

function decode(data: Buffer): SignalResponse | undefined {
  try {
    return SignalResponse.fromBinary(data);
  } catch {
    return undefined;
  }
}
