import { SignalResponse } from '@livekit/protocol';
import type { WebSocket } from 'ws';
import { leaveReason } from './leave-reason.js';

/** How a try to come back ended: with the session, without it for now, or for good. */
export type ResumeOutcome =
  | { readonly type: 'resumed' }
  /** `absent`: nobody listens there any more. */
  | { readonly type: 'unreachable'; readonly reason: string; readonly absent?: boolean }
  | { readonly type: 'refused'; readonly reason: string };

/**
 * Waits for what a server first says on a socket on which a participant wants to be again who it was. What comes after the
 * answer goes to `later`. A socket that is of no use is cut.
 */
export function resumeOn(socket: WebSocket, later: (response: SignalResponse) => void): Promise<ResumeOutcome> {
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
      end({ type: 'unreachable', reason: error.message, absent: error.code === 'ECONNREFUSED' });
    });
    socket.on('close', () => {
      end({ type: 'unreachable', reason: 'the server closed the connection' });
    });
    socket.on('unexpected-response', (_request, { statusCode = 0 }) => {
      // What is wrong with the request is wrong the next time too; what is wrong with the server may pass.
      const type = statusCode >= 400 && statusCode < 500 ? 'refused' : 'unreachable';
      end({ type, reason: `HTTP ${statusCode}` });
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
      } else {
        const reason = message.case === 'leave' ? leaveReason(message.value.reason) : 'it did not know the participant';
        end({ type: 'refused', reason });
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
