import { SluiceError } from '../../media/errors.js';
import { publicUrl } from '../../media/public-url.js';
import { newSocket } from '../new-socket.js';
import { type Line, MAX_MESSAGE_BYTES } from './line.js';

export interface DialOptions {
  readonly url: string;
  /** May hold secrets: never shown. */
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * Connects a line to a peer. Errors: SLUICE_PEER_LOST, SLUICE_CONFIG_INVALID for an address or headers that no request can have, and the
 * signal's reason.
 */
export async function dial(line: Line, { url, headers, timeoutMs, signal }: DialOptions): Promise<void> {
  signal.throwIfAborted();
  const socket = newSocket(url, {
    headers,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    handshakeTimeout: timeoutMs,
  });
  const giveUp = (): void => {
    socket.terminate();
  };
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject).once('open', () => {
        // What comes with the answer is not to be missed.
        line.take(socket);
        socket.off('error', reject);
        resolve();
      });
    });
  } catch (cause) {
    signal.throwIfAborted();
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SluiceError('SLUICE_PEER_LOST', `cannot connect to ${publicUrl(url)}: ${reason}`, {
      mend: 'Check the address, and that the peer is there.',
      retryable: true,
    });
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}
