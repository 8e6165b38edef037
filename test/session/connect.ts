import t from 'tap';
import { connect, type ConnectOptions } from '../../src/connect.js';
import { SluiceError } from '../../src/media/errors.js';
import { verifyToken, type Grants } from '../../src/server/token.js';
import type { Driver, DriverConnect } from '../../src/session/driver.js';

/** What a driver would have been asked to join; nothing is joined. */
async function requestOf(options: ConnectOptions): Promise<DriverConnect> {
  let seen: DriverConnect | undefined;
  const driver: Driver = {
    connect: (request) => {
      seen = request;
      return Promise.reject(new SluiceError('SLUICE_CONNECT_FAILED', 'far enough'));
    },
  };
  const error: unknown = await connect({ ...options, driver }).catch((cause: unknown) => cause);
  if (!seen) throw error as Error;
  return seen;
}

async function grantsOf(options: ConnectOptions, keys: Record<string, string> = { devkey: 'secret' }): Promise<Grants> {
  return await verifyToken((await requestOf(options)).token, keys);
}

const VARIABLES = ['SLUICE_URL', 'SLUICE_SESSION_ID', 'SLUICE_TOKEN', 'SLUICE_API_KEY', 'SLUICE_API_SECRET'];
const LOCAL = { url: 'ws://127.0.0.1:9', sessionId: 'demo' };

t.test('connect()', async (t) => {
  t.beforeEach(() => {
    for (const name of VARIABLES) Reflect.deleteProperty(process.env, name);
  });
  t.teardown(() => {
    for (const name of VARIABLES) Reflect.deleteProperty(process.env, name);
  });

  await t.test('passes a token on as it is', async (t) => {
    t.match(await requestOf({ ...LOCAL, token: 'given' }), {
      token: 'given',
      sessionId: 'demo',
      url: 'ws://127.0.0.1:9/',
      timeoutMs: 15_000,
    });
  });

  await t.test('signs a token with the development keys on this machine only', async (t) => {
    for (const url of ['ws://127.0.0.1:9', 'http://localhost:9', 'ws://[::1]:9']) {
      t.match(await grantsOf({ url, sessionId: 'demo', name: 'Bot', identity: 'bot-1', data: 'meta' }), {
        sessionId: 'demo',
        name: 'Bot',
        identity: 'bot-1',
        metadata: 'meta',
      });
    }
    await t.rejects(requestOf({ url: 'wss://sfu.example', sessionId: 'demo' }), {
      code: 'SLUICE_TOKEN_MISSING',
      mend: /SLUICE_API_KEY/,
    });
  });

  await t.test('takes several servers, as a list or with commas', async (t) => {
    const [first, second, third] = ['ws://127.0.0.1:9/', 'ws://127.0.0.1:10/', 'ws://localhost:11/'];
    for (const url of [[first, second, third], `${first}, ${second},${third}`, [`${first},${second}`, third]])
      t.match(await requestOf({ url, sessionId: 'demo' }), { url: first, fallbackUrls: [second, third] });
    process.env['SLUICE_URL'] = `${first},${second}`;
    t.match(await requestOf({ sessionId: 'demo' }), { url: first, fallbackUrls: [second] });
    t.strictSame((await requestOf(LOCAL)).fallbackUrls, []);
    await t.rejects(requestOf({ url: [first, 'wss://sfu.example'], sessionId: 'demo' }), {
      code: 'SLUICE_TOKEN_MISSING',
      message: /sfu\.example/,
    });
    for (const url of [[], '', `${first},`, [first, 'embedded'], [first, 'ftp://x']])
      await t.rejects(requestOf({ url, sessionId: 'demo' }), { code: 'SLUICE_CONFIG_INVALID' });
  });

  await t.test('makes up an identity of its own for each session that is joined', async (t) => {
    const [one, two] = [await grantsOf({ ...LOCAL, name: 'Bot' }), await grantsOf({ ...LOCAL, name: 'Bot' })];
    t.match(one.identity, /^Bot-.+/);
    t.not(one.identity, two.identity);
  });

  await t.test('signs with the keys that are given, for any server', async (t) => {
    const keys = { apiKey: 'key', apiSecret: 'a secret' };
    t.equal(
      (await grantsOf({ url: 'wss://sfu.example', sessionId: 'far', ...keys }, { key: 'a secret' })).sessionId,
      'far',
    );
    await t.rejects(requestOf({ ...LOCAL, apiKey: 'key' }), { code: 'SLUICE_CONFIG_INVALID', message: /apiSecret/ });
    await t.rejects(requestOf({ ...LOCAL, apiSecret: 'secret' }), { code: 'SLUICE_CONFIG_INVALID', message: /apiKey/ });
  });

  await t.test('takes from the environment what is left out', async (t) => {
    process.env['SLUICE_URL'] = 'wss://env.example';
    process.env['SLUICE_SESSION_ID'] = 'from-env';
    process.env['SLUICE_API_KEY'] = 'key';
    process.env['SLUICE_API_SECRET'] = 'env secret';
    t.equal((await grantsOf({}, { key: 'env secret' })).sessionId, 'from-env');
    t.equal((await requestOf({})).url, 'wss://env.example/');
    t.equal((await grantsOf({ sessionId: 'mine' }, { key: 'env secret' })).sessionId, 'mine', 'what is given wins');
    process.env['SLUICE_TOKEN'] = 'env token';
    t.equal((await requestOf({})).token, 'env token');
    t.equal((await requestOf({ token: 'mine' })).token, 'mine');
  });

  await t.test('says what is missing or wrong', async (t) => {
    await t.rejects(requestOf({ url: LOCAL.url }), {
      code: 'SLUICE_CONFIG_INVALID',
      message: /^sessionId/,
      mend: /SLUICE_SESSION_ID/,
    });
    for (const url of ['', 'demo', 'ftp://host', 'ws://']) {
      await t.rejects(requestOf({ url, sessionId: 'demo' }), { code: 'SLUICE_CONFIG_INVALID', message: /^url/ });
    }
    await t.rejects(requestOf({ ...LOCAL, settings: { av: { audio: 1 } } as never }), {
      code: 'SLUICE_CONFIG_INVALID',
      message: /^settings\.av/,
    });
  });

  await t.test('does nothing when the signal is aborted already', async (t) => {
    await t.rejects(requestOf({ ...LOCAL, signal: AbortSignal.abort(new Error('no')) }), { message: 'no' });
  });
});
