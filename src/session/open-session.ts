import { throwLater } from '../media/errors.js';
import type { Driver, SessionEvent } from './driver.js';
import { Session, type OpenSessionOptions } from './session.js';
import { parseSettings, SessionSettings } from './settings.js';

const DEFAULT_TIMEOUT_MS = 15_000;

/**
 * Joins a session by a driver. Errors: SLUICE_CONFIG_INVALID for settings, what the driver throws, and the signal's
 * reason when it is aborted first.
 */
export async function openSession(driver: Driver, options: OpenSessionOptions): Promise<Session> {
  const { url, fallbackUrls = [], token, sessionId, signal, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const settings = parseSettings(SessionSettings, options.settings ?? {}, 'settings');
  signal?.throwIfAborted();
  const early: SessionEvent[] = [];
  let deliver = (event: SessionEvent): void => void early.push(event);
  const request = { url, fallbackUrls, sessionId, token, settings, timeoutMs, signal };
  const link = await driver.connect(request, (event) => deliver(event));
  if (signal?.aborted === true) await link.disconnect();
  signal?.throwIfAborted();
  const session = new Session(link, settings, options);
  const { logSession } = await import('./session-log.js');
  session.log = logSession(session, settings.logging);
  // Who awaits the session has had its turn to listen before the first event comes.
  setImmediate(() => {
    deliver = (event) => session.handle(event);
    for (const event of early) {
      try {
        session.handle(event);
      } catch (error) {
        throwLater(error);
      }
    }
  });
  return session;
}
