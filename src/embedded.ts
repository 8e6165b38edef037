import { getEngine } from './engine/thread.js';

const HOST = '127.0.0.1';
const PORT = 7880;
/** A server on this machine answers within this time. */
const PROBE_TIMEOUT_MS = 2000;

/** One use of the embedded server. */
export interface EmbeddedUse {
  /** For `connect`: `ws://host:port`. */
  readonly url: string;
  /** The page to join with: `http://host:port`. */
  readonly httpUrl: string;
  /** Whether the server runs in this process; otherwise one that was found running is used. */
  readonly here: boolean;
  /** Ends this use. The server is closed with the last. Idempotent. */
  release(): Promise<void>;
}

interface Running {
  readonly started: Promise<{ readonly url: string; readonly httpUrl: string; close(): Promise<void> }>;
  uses: number;
}

/** Servers in this process by their ports. */
const running = new Map<number, Running>();
/** Those that are being closed: the port is not free earlier. */
const closing = new Map<number, Promise<void>>();

/**
 * The embedded session server on 127.0.0.1 with the development keys: the one that answers on the port already, or
 * else one started in this process, which all who ask share. It does not keep the process alive by itself.
 * Errors: SLUICE_ADDRESS_IN_USE when something else has the port, SLUICE_ENGINE_FAILED.
 */
export async function useEmbeddedServer(port = PORT): Promise<EmbeddedUse> {
  await closing.get(port);
  const httpUrl = `http://${HOST}:${port}`;
  if (!running.has(port) && (await answers(httpUrl))) {
    return { url: `ws://${HOST}:${port}`, httpUrl, here: false, release: () => Promise.resolve() };
  }
  const server = running.get(port) ?? { started: start(port), uses: 0 };
  running.set(port, server);
  server.uses++;
  let released: Promise<void> | undefined;
  const release = (): Promise<void> => (released ??= releaseOne(port, server));
  try {
    const { url, httpUrl: page } = await server.started;
    return { url, httpUrl: page, here: true, release };
  } catch (error) {
    if (running.get(port) === server) running.delete(port);
    throw error;
  }
}

async function start(
  port: number,
): Promise<{ readonly url: string; readonly httpUrl: string; close(): Promise<void> }> {
  const { startServer } = await import('./server/index.js');
  const server = await startServer({ host: HOST, port, logLevel: 'error' });
  // Whoever uses it keeps the process alive, not the server.
  getEngine().unref();
  const close = async (): Promise<void> => {
    getEngine().ref();
    await server.close();
  };
  return { url: server.url, httpUrl: server.httpUrl, close };
}

async function releaseOne(port: number, server: Running): Promise<void> {
  if (--server.uses > 0) return;
  if (running.get(port) === server) running.delete(port);
  const done = server.started.then((started) => started.close());
  const settled = done.catch(() => undefined).then(() => void closing.delete(port));
  closing.set(port, settled);
  await done;
}

/** Whether a server of sluice or LiveKit is there. */
async function answers(httpUrl: string): Promise<boolean> {
  for (const path of ['/healthz', '/']) {
    try {
      const response = await fetch(httpUrl + path, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
      const text = await response.text();
      if (path === '/healthz' ? response.ok && text.includes('"status":"ok"') : text.trim() === 'OK') return true;
    } catch {
      return false;
    }
  }
  return false;
}
