import { isIPv6 } from 'node:net';
import { startService } from '../engine/thread.js';
import { SluiceError } from '../media/errors.js';
import type { ServerOptions } from './options.js';
import type { ServerInfo } from './service.js';
import type { ServerStats } from './stats.js';
import type { TokenOptions } from './token.js';

export type { ServerStats } from './stats.js';
export type { ServerOptions } from './options.js';
export type { TokenOptions } from './token.js';

/** A session server inside this process. */
export interface EmbeddedServer {
  /** For clients: `ws://host:port`. */
  readonly url: string;
  /** The page to join with: `http://host:port`. */
  readonly httpUrl: string;
  readonly host: string;
  readonly port: number;
  /** Tokens are signed with the development keys. */
  readonly development: boolean;
  /** What the server has and has counted since it started. Errors: SLUICE_STATE_INVALID (closed), SLUICE_ENGINE_FAILED. */
  stats(): Promise<ServerStats>;
  /**
   * Ends it without loss: nobody is let in any more, health is told as `draining` (HTTP 503), and every client is asked to join
   * elsewhere (`leave` with the action RECONNECT). Resolves when all have gone, or at the deadline, and it is closed; `close()` ends
   * it at once. Errors: SLUICE_CONFIG_INVALID.
   */
  drain(options?: DrainOptions): Promise<void>;
  /** Sends everyone away and frees the ports. Idempotent. */
  close(): Promise<void>;
}

export interface DrainOptions {
  /** Longest wait for clients to go, in ms, 0 to 3600000. Default 10000. */
  readonly deadlineMs?: number;
}

const DRAIN_DEADLINE_MS = 10_000;
const MAX_DRAIN_DEADLINE_MS = 3_600_000;

/**
 * Starts the embedded session server in the media thread. It speaks the LiveKit protocol and keeps the process alive until closed.
 * Errors: SLUICE_CONFIG_INVALID, SLUICE_KEYS_REQUIRED, SLUICE_ADDRESS_IN_USE, SLUICE_ENGINE_FAILED.
 */
export async function startServer(options: ServerOptions = {}): Promise<EmbeddedServer> {
  const service = await startService(new URL('./service.js', import.meta.url), options);
  const { host, port, development } = service.info as ServerInfo;
  const authority = `${reachable(host)}:${port}`;
  return {
    url: `ws://${authority}`,
    httpUrl: `http://${authority}`,
    host,
    port,
    development,
    stats: async () => (await service.stats()) as ServerStats,
    drain: async ({ deadlineMs = DRAIN_DEADLINE_MS } = {}) => {
      if (!(deadlineMs >= 0 && deadlineMs <= MAX_DRAIN_DEADLINE_MS))
        throw new SluiceError('SLUICE_CONFIG_INVALID', `deadlineMs: ${deadlineMs} is not from 0 to 3600000`);
      await service.drain(deadlineMs);
    },
    close: () => service.close(),
  };
}

/** Signs a LiveKit access token (JWT, HS256) that lets `identity` join `sessionId`. Errors: SLUICE_CONFIG_INVALID. */
export async function createToken(options: TokenOptions): Promise<string> {
  // What signs is loaded by those who sign.
  const token = await import('./token.js');
  return await token.createToken(options);
}

/** A host for a URL on this machine: an address that stands for all cannot be connected to. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return isIPv6(host) ? `[${host}]` : host;
}
