import t from 'tap';
import { liveServer } from './live-room.js';
import { run } from '../support/program.js';

const INDEX = new URL('../../src/index.js', import.meta.url).href;

interface Line {
  readonly level: number;
  readonly name: string;
  readonly sessionId: string;
  readonly msg: string;
}

const PINO_LEVELS = { ERROR: 50, WARN: 40, INFO: 30, DEBUG: 20, TRACE: 10 } as const;

/** What a session writes at a level: it publishes, hears itself too slowly, and is put out of the session. */
async function linesAt(level: string): Promise<readonly Line[]> {
  const { url, httpUrl } = await liveServer();
  const sessionId = `logged-${level}`;
  const program = `
    import { once } from 'node:events';
    import { RoomServiceClient } from 'livekit-server-sdk';
    import { connect } from '${INDEX}';
    const other = await connect({ url: '${url}', sessionId: '${sessionId}', settings: { logging: { level: 'error' } } });
    await other.publish({ name: 'Other', hasVideo: false });
    const settings = ${level === '' ? '{}' : `{ logging: { level: '${level}' } }`};
    const session = await connect({ url: '${url}', sessionId: '${sessionId}', identity: 'me', settings });
    await session.publish({ name: 'Mine', hasVideo: false });
    const [stream] = session.streams.size > 0 ? session.streams.values() : await once(session, 'streamReceived');
    const subscriber = await session.subscribe(stream, { maxLagMs: 60 });
    subscriber.read();
    await once(subscriber, 'overflow');
    session.on('error', () => undefined);
    const left = once(session, 'close').catch(() => undefined);
    await new RoomServiceClient('${httpUrl}', 'devkey', 'secret').removeParticipant('${sessionId}', 'me');
    await left;
    await other.disconnect();`;
  const { code, errors } = await run(program);
  t.equal(code, 0);
  const lines = errors.split('\n').filter((line) => line !== '');
  t.notOk(errors.includes('eyJ'), 'no token is written');
  return lines.map((line) => JSON.parse(line) as Line).filter(({ sessionId: id }) => id === sessionId);
}

t.test(
  'logging.level is the least severe that a session writes of itself to standard error',
  { timeout: 60_000 },
  async (t) => {
    const lost = { level: 50, name: 'sluice', code: 'SLUICE_SESSION_LOST', msg: /removed/ };
    const slow = { level: 40, name: 'sluice', msg: /too slow/, kind: 'audio' };
    t.match(await linesAt('ERROR'), [lost]);
    t.match(await linesAt(''), [slow, lost], 'WARN is the default');
    for (const level of ['info', 'DEBUG', 'trace']) {
      const lines = await linesAt(level);
      const told = lines.map(({ msg }) => msg);
      for (const msg of ['joined the session', 'published', 'a stream came', 'subscribed', 'left the session']) {
        t.ok(told.includes(msg), `${level}: ${msg}`);
      }
      const least = Math.min(...lines.map((line) => line.level));
      t.ok(least >= PINO_LEVELS[level.toUpperCase() as keyof typeof PINO_LEVELS], level);
      t.equal(told.includes('the driver tells'), level === 'trace');
    }
  },
);
