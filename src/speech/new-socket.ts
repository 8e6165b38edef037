import { type ClientOptions, WebSocket } from 'ws';
import { SluiceError } from '../media/errors.js';
import { publicUrl } from '../media/public-url.js';

/** A socket that begins to connect. Errors: SLUICE_CONFIG_INVALID for an address or headers that no request can have. */
export function newSocket(url: string, options: ClientOptions): WebSocket {
  try {
    return new WebSocket(url, options);
  } catch {
    // What it says of them may hold what is secret.
    throw new SluiceError('SLUICE_CONFIG_INVALID', `nobody can be asked at ${publicUrl(url)} as it was told`, {
      expected: 'an address without a #, and keys and headers of printable letters in one line',
      mend: 'Look for a line break or a stray letter in the key.',
      retryable: false,
    });
  }
}
