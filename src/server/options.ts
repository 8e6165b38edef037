import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { z } from 'zod';
import { SluiceError } from '../media/errors.js';
import { isLoopback } from '../media/loopback.js';
import type { Keys } from './token.js';

/** The key and secret that sign tokens on loopback where no keys are configured, as LiveKit's `--dev` has. */
export const DEVELOPMENT_KEYS: Keys = { devkey: 'secret' };

const port = z.int().min(0).max(65535);

export const ServerOptionsSchema = z.strictObject({
  host: z.string().min(1).default('127.0.0.1').describe('Address or name to listen on, TCP and UDP.'),
  port: port.default(7880).describe('TCP port for HTTP and signalling; 0 takes a free one.'),
  udpPort: port.optional().describe('UDP port for media. Default: the number of the TCP port.'),
  keys: z
    .record(z.string().min(1), z.string().min(1))
    .default({})
    .describe('API keys and their secrets. May be empty on a loopback address only, where devkey/secret is used.'),
  logLevel: z
    .enum(['silent', 'error', 'warn', 'info', 'debug'])
    .default('warn')
    .describe('What the server writes to standard error, as lines of JSON.'),
});

/** How the embedded server is to run. Structured-clonable. */
export type ServerOptions = z.input<typeof ServerOptionsSchema>;

/** Options with every default filled in and the host resolved to an address. */
export interface ResolvedOptions {
  readonly host: string;
  /** The IP address that `host` stands for. */
  readonly address: string;
  readonly port: number;
  readonly udpPort: number | undefined;
  readonly keys: Keys;
  /** The development keys are in force. */
  readonly development: boolean;
  readonly logLevel: string;
}

/** Errors: SLUICE_CONFIG_INVALID, SLUICE_KEYS_REQUIRED. */
export async function resolveOptions(options: ServerOptions): Promise<ResolvedOptions> {
  const parsed = ServerOptionsSchema.safeParse(options);
  if (!parsed.success)
    throw new SluiceError('SLUICE_CONFIG_INVALID', `options of the server: ${z.prettifyError(parsed.error)}`);
  const { host, port: tcpPort, udpPort, keys, logLevel } = parsed.data;
  const address = await resolveHost(host);
  const development = Object.keys(keys).length === 0;
  if (development && !isLoopback(address)) {
    throw new SluiceError('SLUICE_KEYS_REQUIRED', `a server on ${host} can be reached by others and has no API keys`, {
      mend: 'Configure a key and a secret, or listen on 127.0.0.1.',
    });
  }
  return { host, address, port: tcpPort, udpPort, keys: development ? DEVELOPMENT_KEYS : keys, development, logLevel };
}

async function resolveHost(host: string): Promise<string> {
  if (isIP(host) !== 0) return host;
  try {
    return (await lookup(host, { order: 'ipv4first' })).address;
  } catch (cause) {
    throw new SluiceError('SLUICE_CONFIG_INVALID', `the host "${host}" is not known`, {
      cause,
      mend: 'Give an address of this machine.',
    });
  }
}
