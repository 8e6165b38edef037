import type { EmbeddedUse } from './embedded.js';
import type { Environment } from './graph/environment.js';
import { EMBEDDED, isEmbedded } from './graph/load.js';
import type { SessionConfig } from './graph/schema.js';
import type { RunningSession, SessionFactory } from './graph/sessions.js';
import { SluiceError } from './media/errors.js';
import { isLoopback } from './media/loopback.js';
import type { Session } from './session/session.js';

/** The sessions of one run of the command line. */
export interface RunSessions {
  readonly factory: SessionFactory;
  /** Lets go of the embedded server; settles when it has closed, if it ran here. */
  close(): Promise<void>;
}

/**
 * Joins the sessions of a graph. One without a URL is on the embedded server, started once for the run; there, and on
 * any other server of this machine, tokens are signed with the development keys where none are given.
 * `onPage` is told the address of the page to join an embedded session with.
 */
export function runSessions(environment: Environment, onPage: (url: string, sessionId: string) => void): RunSessions {
  const uses: EmbeddedUse[] = [];
  return {
    async factory(_id, config, { signal }) {
      if (config.driver === 'vonage') return heard(await joinVonage(config, signal));
      const { url = EMBEDDED } = config;
      const embedded = isEmbedded(url) ? await useEmbedded(environment, url) : undefined;
      if (embedded) uses.push(embedded);
      const session = await join(config, embedded, signal);
      if (embedded) onPage(embedded.httpUrl, session.sessionId);
      return session;
    },
    async close() {
      await Promise.all(uses.splice(0).map((use) => use.release()));
    },
  };
}

/** The embedded server at the port that the address or else the environment says. Errors: SLUICE_CONFIG_INVALID, SLUICE_ADDRESS_IN_USE. */
export async function useEmbedded(environment: Environment, url: string): Promise<EmbeddedUse> {
  const own = url.split(':')[1];
  const text = own ?? environment['SLUICE_PORT'];
  const { useEmbeddedServer } = await import('./embedded.js');
  if (!text) return await useEmbeddedServer();
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) {
    throw new SluiceError(
      'SLUICE_CONFIG_INVALID',
      `${own === undefined ? 'SLUICE_PORT' : 'that of the url'} is no port`,
      {
        mend: 'Use a number from 0 to 65535; 0 takes a free one.',
      },
    );
  }
  return await useEmbeddedServer(port);
}

async function join(
  config: SessionConfig,
  embedded: EmbeddedUse | undefined,
  signal: AbortSignal,
): Promise<RunningSession> {
  const { sessionId, name, settings } = config;
  const url = embedded?.url ?? config.url ?? EMBEDDED;
  const token = await sessionToken(config, url);
  const { connect } = await import('./connect.js');
  const session = await connect({
    url,
    token,
    name,
    signal,
    ...(sessionId !== undefined && { sessionId }),
    ...(settings && { settings }),
  });
  return heard(session);
}

async function joinVonage(config: SessionConfig, signal: AbortSignal): Promise<Session> {
  const { sessionId = '', token = '', applicationId = '', settings } = config;
  const [{ connect }, { vonageDriver }] = await Promise.all([
    import('./connect.js'),
    import('./session/drivers/vonage.js'),
  ]);
  const driver = vonageDriver({ applicationId });
  return await connect({ driver, sessionId, token, signal, ...(settings && { settings }) });
}

/** The run is told by `disconnected`; an error that nobody hears would end the process with the files open. */
function heard(session: Session): Session {
  session.on('error', () => undefined);
  return session;
}

/**
 * The token that a session is joined with: always explicit, so that nothing of the environment slips in that load.ts has left out.
 * Errors: SLUICE_CONFIG_INVALID, SLUICE_TOKEN_MISSING.
 */
export async function sessionToken(
  { token, apiKey, apiSecret, sessionId, name, kind }: SessionConfig,
  url: string,
): Promise<string> {
  if (token !== undefined) return token;
  if ((apiKey === undefined) !== (apiSecret === undefined)) {
    throw new SluiceError(
      'SLUICE_CONFIG_INVALID',
      `the session has an ${apiKey === undefined ? 'apiSecret' : 'apiKey'} only`,
      {
        mend: 'A key and its secret are needed together.',
      },
    );
  }
  const { createParticipantToken } = await import('./server/token.js');
  const keys = apiKey !== undefined && apiSecret !== undefined ? { apiKey, apiSecret } : await developmentKeys(url);
  return await createParticipantToken({ ...keys, sessionId: sessionId ?? '', name, kind });
}

async function developmentKeys(url: string): Promise<{ readonly apiKey: string; readonly apiSecret: string }> {
  const { DEVELOPMENT_KEYS } = await import('./server/options.js');
  const elsewhere = url
    .split(',')
    .map(hostOf)
    .find((host) => !isLoopback(host));
  const [pair] = Object.entries(DEVELOPMENT_KEYS);
  if (pair && elsewhere === undefined) return { apiKey: pair[0], apiSecret: pair[1] };
  throw new SluiceError('SLUICE_TOKEN_MISSING', `there is no token for ${elsewhere ?? ''}, and no key to sign one`, {
    mend: 'Give the session a token, or apiKey and apiSecret, or set SLUICE_TOKEN, or SLUICE_API_KEY and SLUICE_API_SECRET.',
  });
}

function hostOf(url: string): string {
  if (URL.canParse(url)) return new URL(url).hostname;
  throw new SluiceError('SLUICE_CONFIG_INVALID', 'the url of the session is no address', {
    mend: 'Use ws://host:port, wss://host, or `embedded`.',
  });
}
