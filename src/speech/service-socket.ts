import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { newSocket } from './new-socket.js';
import { ServiceFailure, breakage, lateness, refusal } from './service-failure.js';

export interface SocketRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** How long the service may take to open it, in ms. */
  readonly timeoutMs: number;
  /** Ends the opening; what is open afterwards is the caller's. */
  readonly signal: AbortSignal;
  /** Is in the headers, and is kept out of errors. */
  readonly secret?: string | undefined;
}

/** The longest message that is taken, in bytes. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
/** Of what a service says about an error, in characters. */
const MAX_READ = 2000;

/**
 * Opens a socket to a service, once. It is paused until whoever asked for it listens to it. Errors: a ServiceFailure,
 * SLUICE_CONFIG_INVALID for a key that no request can have, the signal's reason; nothing is left then.
 */
export async function dialService(request: SocketRequest): Promise<WebSocket> {
  const { url, headers, timeoutMs, signal } = request;
  signal.throwIfAborted();
  const socket = newSocket(url, {
    headers,
    handshakeTimeout: timeoutMs,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
  });
  const stop = (): void => {
    socket.terminate();
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    await opened(socket, request);
    return socket;
  } catch (error) {
    await closeSocket(socket);
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Ends a socket at once; settles when nothing is left of it. */
export async function closeSocket(socket: WebSocket): Promise<void> {
  if (socket.readyState === WebSocket.CLOSED) return;
  const over = new Promise((resolve) => socket.once('close', resolve));
  if (socket.isPaused) socket.resume();
  socket.terminate();
  await over;
}

function opened(socket: WebSocket, request: SocketRequest): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('open', () => {
      socket.pause();
      resolve();
    });
    socket.once('unexpected-response', (_request, response) => {
      refused(response, request).then(reject, reject);
    });
    // It closes afterwards, which is what its owner listens to.
    socket.on('error', (error) => {
      const isLate = error.message.includes('timed out');
      reject(new ServiceFailure(isLate ? lateness(request.url, request.timeoutMs) : breakage(request, error)));
    });
  });
}

async function refused(response: IncomingMessage, request: SocketRequest): Promise<ServiceFailure> {
  const { statusCode: status = 0, statusMessage: statusText = '', headers } = response;
  const timer = setTimeout(() => response.destroy(), request.timeoutMs);
  let said = '';
  try {
    for await (const part of response.setEncoding('utf8')) {
      said += String(part);
      if (said.length > MAX_READ) break;
    }
  } catch {
    // What has come will do.
  } finally {
    clearTimeout(timer);
  }
  return refusal(request, { status, statusText, said, retryAfter: headers['retry-after'] ?? null });
}
