import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { WebSocketServer } from 'ws';
import type { Clock } from '../../media/clock.js';
import { SluiceError } from '../../media/errors.js';
import { CLOSED, Line, MAX_MESSAGE_BYTES } from './line.js';

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** Who connects has to show it, as `authorization: Bearer …` or as `?token=…` of the address. */
  readonly token?: string;
}

/** A place where peers connect, one at a time: others are turned away while there is one (close code 1013). */
export interface Listening {
  readonly line: Line;
  readonly port: number;
  /** Frees it; when all who asked for it have, nobody is listened to any more. */
  release(): Promise<void>;
}

/** By address: nodes of one address share what they listen at, so that one can read a peer and another one write to it. */
const open = new Map<
  string,
  {
    readonly listening: Promise<Omit<Listening, 'release'> & { close(): Promise<void> }>;
    readonly token: string | undefined;
    users: number;
  }
>();

/**
 * Listens for peers, or shares with who does at that address. Port 0 is a free one. Errors: SLUICE_ADDRESS_IN_USE, SLUICE_CONFIG_INVALID
 * (it is shared, and not the token).
 */
export async function listen(options: ListenOptions, clock: Clock): Promise<Listening> {
  const { host, port, path } = options;
  const address = `${host}:${port}${path}`;
  const { token } = options;
  const entry = open.get(address) ?? { listening: start(options, clock), token, users: 0 };
  if (entry.token !== token) {
    throw new SluiceError(
      'SLUICE_CONFIG_INVALID',
      `another node listens on ${host}:${port} with another token, or without`,
      {
        mend: 'Give the nodes that share an address the same token.',
      },
    );
  }
  if (port !== 0) open.set(address, entry);
  entry.users++;
  const forget = (): boolean => {
    if (--entry.users > 0) return false;
    if (open.get(address) === entry) open.delete(address);
    return true;
  };
  try {
    const listening = await entry.listening;
    return {
      line: listening.line,
      port: listening.port,
      release: async () => {
        if (forget()) await listening.close();
      },
    };
  } catch (error) {
    forget();
    throw error;
  }
}

async function start({ host, port, path, token }: ListenOptions, clock: Clock) {
  const server = new WebSocketServer({
    host,
    port,
    path,
    maxPayload: MAX_MESSAGE_BYTES,
    verifyClient: ({ req }: { readonly req: IncomingMessage }) => token === undefined || shows(req, token),
  });
  try {
    await once(server, 'listening');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SluiceError('SLUICE_ADDRESS_IN_USE', `cannot listen on ${host}:${port}: ${reason}`, {
      cause,
      mend: 'Choose another port, or end the program that has it.',
    });
  }
  const line = new Line(clock);
  server.on('connection', (socket) => {
    if (line.isTaken) {
      socket.on('error', () => undefined);
      socket.close(CLOSED.busy, 'one peer at a time');
    } else line.take(socket);
  });
  return {
    line,
    port: (server.address() as { readonly port: number }).port,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      await line.close(CLOSED.leaving);
      for (const socket of server.clients) socket.terminate();
      await closed;
    },
  };
}

/** Compared in the same time whatever it is. Services that call may be told an address, and no headers. */
function shows({ headers, url = '' }: IncomingMessage, token: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const query = url.indexOf('?');
  const shown = new URLSearchParams(query < 0 ? '' : url.slice(query)).get('token') ?? headers.authorization?.slice(7);
  return timingSafeEqual(digest(shown ?? ''), digest(token));
}
