import { type JoinResponse, SignalResponse } from '@livekit/protocol';
import type { WebSocket } from 'ws';
import type { Clock } from '../../media/clock.js';
import { SluiceError } from '../../media/errors.js';
import { publicUrl } from '../../media/public-url.js';
import { leaveReason } from './leave-reason.js';

/** Version of LiveKit's signalling protocol that is spoken: two peer connections, answers with ids. */
const PROTOCOL_VERSION = 15;
export const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

export interface JoinOptions {
  readonly url: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** Waits for the join response; everything that comes after it goes to `later`. */
export function firstResponse(
  socket: WebSocket,
  options: JoinOptions,
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
          `the server at ${publicUrl(options.url)} did not answer within ${options.timeoutMs} ms`,
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
        fail(connectFailed(options.url, `it refused the participant: ${leaveReason(response.message.value.reason)}`));
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

/** Where a session is joined, or where a participant that lost its connection takes it up again. Errors: SLUICE_CONFIG_INVALID. */
export function rtcUrl(text: string, participantSid?: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    // What URL throws has the whole text in it.
    throw new SluiceError('SLUICE_CONFIG_INVALID', `"${publicUrl(text)}" is not a URL`, {
      mend: 'Give a URL such as ws://127.0.0.1:7880.',
    });
  }
  if (url.protocol === 'http:') url.protocol = 'ws:';
  if (url.protocol === 'https:') url.protocol = 'wss:';
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:') {
    throw new SluiceError('SLUICE_CONFIG_INVALID', `"${publicUrl(text)}" is not a URL of a session server`, {
      mend: 'Use ws: or wss:.',
    });
  }
  url.pathname = `${url.pathname.replace(/\/$/, '')}/rtc`;
  url.searchParams.set('protocol', String(PROTOCOL_VERSION));
  url.searchParams.set('auto_subscribe', '0');
  url.searchParams.set('sdk', 'node');
  if (participantSid !== undefined) {
    url.searchParams.set('reconnect', '1');
    url.searchParams.set('sid', participantSid);
  }
  return url.href;
}

function connectFailed(url: string, cause: unknown): SluiceError {
  const reason = cause instanceof Error ? cause.message || (cause as NodeJS.ErrnoException).code : String(cause);
  return new SluiceError('SLUICE_CONNECT_FAILED', `cannot join at ${publicUrl(url)}: ${reason ?? 'unknown reason'}`, {
    cause,
    mend: 'Check the URL, and that a server is running there (`sluice serve` starts one).',
  });
}

function refused(url: string, status: number, text: string): SluiceError {
  const detail = text === '' ? `HTTP ${status}` : text;
  if (status === 401) {
    return new SluiceError(
      'SLUICE_TOKEN_INVALID',
      `the server at ${publicUrl(url)} did not accept the token: ${detail}`,
      {
        mend: 'Sign a token with a key of that server (`sluice token`), or check that it is not past its time.',
      },
    );
  }
  if (status === 403)
    return new SluiceError(
      'SLUICE_PERMISSION_DENIED',
      `the token does not grant joining at ${publicUrl(url)}: ${detail}`,
    );
  return connectFailed(url, detail);
}
