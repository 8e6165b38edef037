import { useEmbeddedServer, type EmbeddedUse } from './embedded.js';
import { SluiceError } from './media/errors.js';
import { isLoopback } from './media/loopback.js';
import { publicUrl } from './media/public-url.js';
import { isServerUrl } from './media/server-url.js';
import type { Driver } from './session/driver.js';
import { webrtcDriver } from './session/drivers/webrtc.js';
import { openSession } from './session/open-session.js';
import type { Session } from './session/session.js';
import type { SessionSettings } from './session/settings.js';

/** What stands for the embedded server where a URL is expected: `embedded`, or `embedded:<port>`. */
const EMBEDDED = /^embedded(?::(\d{1,5}))?$/;
const DEFAULT_NAME = 'sluice';

export interface ConnectOptions {
  /**
   * Address of a LiveKit server (`ws:`, `wss:`, `http:`, `https:`), `embedded`, or `embedded:<port>`. Several, as a list or with
   * commas between them, are servers that have the same sessions: the first that lets in is joined, and with
   * `settings.enableMigration` the session goes from one to another. Default: SLUICE_URL, else `embedded`.
   */
  readonly url?: string | readonly string[];
  /** Session to join. Default: SLUICE_SESSION_ID. Needed where no token is given. */
  readonly sessionId?: string;
  /**
   * Access token; it, or the one that the server has renewed it with, is used again where the session joins again. Default:
   * SLUICE_TOKEN, else one is signed with `apiKey` and `apiSecret`.
   */
  readonly token?: string;
  /** Name that other participants see. Default `sluice`. */
  readonly name?: string;
  /** Unique in the session. Default: the name and something random. */
  readonly identity?: string;
  /** Connection data that other participants see: the metadata of the token. */
  readonly data?: string;
  /** What others see it as: only an `agent` is believed about others, as in captions of what they say. Default `standard`. */
  readonly kind?: 'standard' | 'agent';
  /** Default: SLUICE_API_KEY, and `devkey` on this machine. */
  readonly apiKey?: string;
  /** Default: SLUICE_API_SECRET, and `secret` on this machine. */
  readonly apiSecret?: string;
  readonly settings?: SessionSettings;
  /** Gives up joining, or leaves, when it is aborted. */
  readonly signal?: AbortSignal;
  /** Longest time that joining may take, in ms. Default 15000. */
  readonly timeoutMs?: number;
  /**
   * Backend. Default: `webrtcDriver()`, for the embedded server and LiveKit servers. `vonageDriver()` needs a token and a
   * sessionId, and no url.
   */
  readonly driver?: Driver;
}

/**
 * Joins a session and resolves when it can be used. Without a URL it uses the embedded server, which is started in
 * this process if none answers on 127.0.0.1:7880, and closed with the last session that uses it.
 *
 * Errors: SLUICE_CONFIG_INVALID, SLUICE_TOKEN_MISSING, SLUICE_TOKEN_INVALID, SLUICE_TOKEN_EXPIRED,
 * SLUICE_PERMISSION_DENIED, SLUICE_CONNECT_FAILED, SLUICE_CONNECT_TIMEOUT, SLUICE_ADDRESS_IN_USE; the signal's reason
 * when it is aborted first.
 */
export async function connect(options: ConnectOptions = {}): Promise<Session> {
  const { signal, settings, timeoutMs, driver = webrtcDriver() } = options;
  signal?.throwIfAborted();
  const sessionId = options.sessionId ?? process.env['SLUICE_SESSION_ID'];
  const common = {
    ...(sessionId !== undefined && { sessionId }),
    ...(settings && { settings }),
    ...(signal && { signal }),
    ...(timeoutMs !== undefined && { timeoutMs }),
  };
  if (driver.usesUrl === false) return await openSession(driver, { ...common, url: '', token: tokenGiven(options) });
  const [url = '', ...fallbackUrls] = urlsOf(options.url ?? (process.env['SLUICE_URL'] || 'embedded'));
  const embedded = fallbackUrls.length === 0 ? EMBEDDED.exec(url) : null;
  const server = embedded
    ? await useEmbeddedServer(embedded[1] === undefined ? undefined : Number(embedded[1]))
    : undefined;
  try {
    const addresses = [server?.url ?? url, ...fallbackUrls].map(checkUrl);
    const token = await tokenFor(options, sessionId, addresses, server);
    const [first = '', ...others] = addresses.map(({ href }) => href);
    const release = server && { onLeft: () => server.release() };
    return await openSession(driver, { ...common, url: first, fallbackUrls: others, token, ...release });
  } catch (error) {
    await server?.release();
    throw error;
  }
}

/** For a backend that knows its servers: nobody here can make a token for it. */
function tokenGiven(options: ConnectOptions): string {
  const token = options.token ?? process.env['SLUICE_TOKEN'];
  if (token !== undefined && token !== '') return token;
  throw new SluiceError('SLUICE_TOKEN_MISSING', 'this driver needs a token, and none was given', {
    mend: 'Pass token, or set SLUICE_TOKEN.',
  });
}

/** Addresses are given as a list, or as text with commas between them. */
function urlsOf(url: string | readonly string[]): string[] {
  const list = typeof url === 'string' ? [url] : url;
  return list.flatMap((text) => text.split(',')).map((text) => text.trim());
}

function checkUrl(url: string): URL {
  if (isServerUrl(url)) return new URL(url);
  throw new SluiceError('SLUICE_CONFIG_INVALID', `url: "${publicUrl(url)}" is no address of a session server`, {
    mend: 'Use ws://host:port, wss://host, or `embedded`.',
  });
}

async function tokenFor(
  options: ConnectOptions,
  sessionId: string | undefined,
  urls: readonly URL[],
  embedded: EmbeddedUse | undefined,
): Promise<string> {
  // What the environment says belongs to the server that the environment names, never to the embedded one.
  const env = embedded ? {} : process.env;
  // A key that was passed means a token of its own, whatever the environment has.
  const token = options.token ?? (options.apiKey === undefined ? env['SLUICE_TOKEN'] : undefined);
  if (token !== undefined && token !== '') return token;
  const { createParticipantToken } = await import('./server/token.js');
  const [apiKey, apiSecret] = await keyPair(options, env, urls);
  if (sessionId === undefined || sessionId === '') {
    throw new SluiceError('SLUICE_CONFIG_INVALID', 'sessionId: a session to join is needed', {
      mend: 'Pass sessionId, set SLUICE_SESSION_ID, or pass a token that names one.',
    });
  }
  const { name = DEFAULT_NAME, identity, data, kind } = options;
  return await createParticipantToken({ apiKey, apiSecret, sessionId, name, identity, kind, metadata: data });
}

async function keyPair(
  options: ConnectOptions,
  env: NodeJS.ProcessEnv,
  urls: readonly URL[],
): Promise<readonly [string, string]> {
  const apiKey = options.apiKey ?? env['SLUICE_API_KEY'];
  const apiSecret = options.apiSecret ?? env['SLUICE_API_SECRET'];
  if (apiKey && apiSecret) return [apiKey, apiSecret];
  if (apiKey || apiSecret) {
    const missing = apiKey ? 'apiSecret' : 'apiKey';
    throw new SluiceError(
      'SLUICE_CONFIG_INVALID',
      `${missing}: a key and its secret are needed to sign a token, and it is missing`,
    );
  }
  const { DEVELOPMENT_KEYS } = await import('./server/options.js');
  const elsewhere = urls.find(({ hostname }) => !isLoopback(hostname));
  const pair = Object.entries(DEVELOPMENT_KEYS)[0];
  if (pair && !elsewhere) return pair;
  throw new SluiceError(
    'SLUICE_TOKEN_MISSING',
    `no token for ${elsewhere?.host ?? ''} was given, and no key to sign one`,
    {
      mend: 'Pass token, or apiKey and apiSecret, or set SLUICE_TOKEN, or SLUICE_API_KEY and SLUICE_API_SECRET.',
    },
  );
}
