import { errorMonitor } from 'node:events';
import { destination, pino } from 'pino';
import type { Connection, SessionEvent } from './driver.js';
import type { Publisher } from './publisher.js';
import type { SessionEvents } from './session-events.js';
import type { ResolvedSessionSettings } from './settings.js';
import type { Subscriber } from './subscriber.js';
import type { Listen } from './typed-events.js';

/** A session as its log sees it. */
interface LoggedSession {
  readonly sessionId: string;
  readonly connection: Connection;
  readonly on: Listen<SessionEvents, unknown>;
  readonly once: Listen<SessionEvents, unknown>;
}

/** What a session writes of itself. */
export interface SessionLog {
  /** What the driver told. */
  told(event: SessionEvent): void;
  publisher(publisher: Publisher): void;
  subscriber(subscriber: Subscriber): void;
}

/**
 * Writes what happens in a session to standard error, as lines of JSON, down to a level: ERROR what ended it, WARN what is
 * dropped, INFO who and what comes and goes, DEBUG what changes, TRACE all that the driver tells. Tokens and media are never
 * written. Listening to it this way changes nothing for who listens to its events.
 */
export function logSession(session: LoggedSession, { level }: ResolvedSessionSettings['logging']): SessionLog {
  const log = pino(
    { name: 'sluice', level: level.toLowerCase(), base: { sessionId: session.sessionId } },
    destination({ fd: 2, sync: true }),
  );
  const { connectionId } = session.connection;
  log.info({ connectionId }, 'joined the session');
  session.on(errorMonitor, (error: Error) => log.error({ code: codeOf(error) }, error.message));
  session.once('disconnected', () => log.info('left the session'));
  session.on('connectionCreated', ({ connectionId, name }) =>
    log.info({ connectionId, participant: name }, 'a participant came'),
  );
  session.on('connectionDropped', ({ connectionId, name }) =>
    log.info({ connectionId, participant: name }, 'a participant left'),
  );
  session.on('streamReceived', ({ streamId, name }) => log.info({ streamId, stream: name }, 'a stream came'));
  session.on('streamDropped', ({ streamId, name }) => log.info({ streamId, stream: name }, 'a stream went'));
  session.on('streamUpdated', ({ streamId, hasAudio, hasVideo }) =>
    log.debug({ streamId, hasAudio, hasVideo }, 'a stream changed'),
  );
  session.on('speakerChanged', (stream) => log.debug({ streamId: stream?.streamId }, 'another one speaks'));
  session.on('migrating', () => log.warn('the server goes away: moving to another'));
  session.on('migrated', () => log.info('moved to another server'));
  return {
    told: (event) => log.trace({ event }, 'the driver tells'),
    publisher: (publisher) => {
      const { streamId } = publisher;
      log.info({ streamId, stream: publisher.stream.name }, 'published');
      publisher.on('mediaBufferDrained', (_, kind) => log.debug({ streamId, kind }, 'a buffer ran dry'));
      publisher.once('streamDestroyed', () => log.info({ streamId }, 'publishes no more'));
      publisher.on(errorMonitor, (error: Error) => {
        const code = codeOf(error);
        // It ends with a session that is left: nothing has gone wrong.
        log[code === 'SLUICE_SESSION_CLOSED' ? 'debug' : 'error']({ streamId, code }, error.message);
      });
    },
    subscriber: (subscriber) => {
      const { streamId } = subscriber.stream;
      log.info({ streamId }, 'subscribed');
      subscriber.once('overflow', (overflow) =>
        log.warn({ streamId, ...overflow }, 'a reader is too slow: the oldest is dropped from now on, and counted'),
      );
      subscriber.once('disconnected', () => log.info({ streamId }, 'subscribed no more'));
    },
  };
}

function codeOf(error: Error): unknown {
  return 'code' in error ? error.code : undefined;
}
