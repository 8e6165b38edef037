import { SignJWT } from 'jose';
import t from 'tap';
import { AccessToken } from 'livekit-server-sdk';
import { createToken, verifyApiToken, verifyToken } from '../../src/server/token.js';

const keys = { devkey: 'secret', other: 'another-secret' };
const options = { apiKey: 'devkey', apiSecret: 'secret', identity: 'ann', sessionId: 'demo' };
const key = (secret: string): Uint8Array => new TextEncoder().encode(secret);

t.test('a token that was made here says who may do what', async (t) => {
  const token = await createToken({
    ...options,
    name: 'Ann',
    metadata: 'm',
    attributes: { a: '1' },
    grants: { canPublish: false },
  });
  t.match(await verifyToken(token, keys), {
    apiKey: 'devkey',
    identity: 'ann',
    name: 'Ann',
    sessionId: 'demo',
    metadata: 'm',
    attributes: { a: '1' },
    kind: 'standard',
    permissions: {
      canPublish: false,
      canSubscribe: true,
      canPublishData: false,
      hidden: false,
      canUpdateOwnMetadata: false,
    },
  });
});

t.test('tokens of the LiveKit SDK are understood', async (t) => {
  const token = new AccessToken('devkey', 'secret', { identity: 'bob', name: 'Bob' });
  token.addGrant({ roomJoin: true, room: 'demo', canPublishData: false, canUpdateOwnMetadata: true });
  t.match(await verifyToken(await token.toJwt(), keys), {
    identity: 'bob',
    sessionId: 'demo',
    permissions: { canPublish: true, canPublishData: false, canUpdateOwnMetadata: true },
  });
});

t.test(
  'what is missing, forged, malformed, early or late is refused by code, and the message holds no token',
  async (t) => {
    const now = Math.floor(Date.now() / 1000);
    const jwt = (claims: Record<string, unknown>, secret = 'secret', alg = 'HS256'): Promise<string> =>
      new SignJWT({ iss: 'devkey', sub: 'ann', exp: now + 60, video: { roomJoin: true, room: 'demo' }, ...claims })
        .setProtectedHeader({ alg })
        .sign(key(secret));
    const unsigned =
      `${btoa('{"alg":"none"}')}.${btoa(JSON.stringify({ iss: 'devkey', sub: 'ann', exp: now + 60 }))}.`.replaceAll(
        '=',
        '',
      );
    const cases: [string, string | undefined, string][] = [
      ['nothing', undefined, 'SLUICE_TOKEN_MISSING'],
      ['empty', '', 'SLUICE_TOKEN_MISSING'],
      ['no JWT', 'abc', 'SLUICE_TOKEN_INVALID'],
      ['unsigned', unsigned, 'SLUICE_TOKEN_INVALID'],
      ['another secret', await jwt({}, 'another-secret'), 'SLUICE_TOKEN_INVALID'],
      ['unknown key', await jwt({ iss: 'nobody' }), 'SLUICE_TOKEN_INVALID'],
      ['a name that every object has', await jwt({ iss: 'constructor' }), 'SLUICE_TOKEN_INVALID'],
      ['another algorithm', await jwt({}, 'secret'.repeat(12), 'HS512'), 'SLUICE_TOKEN_INVALID'],
      ['expired', await jwt({ exp: now - 60 }), 'SLUICE_TOKEN_EXPIRED'],
      ['without an end', await jwt({ exp: undefined }), 'SLUICE_TOKEN_INVALID'],
      ['not valid yet', await jwt({ nbf: now + 600 }), 'SLUICE_TOKEN_INVALID'],
      ['no identity', await jwt({ sub: '' }), 'SLUICE_TOKEN_INVALID'],
      ['no subject', await jwt({ sub: undefined }), 'SLUICE_TOKEN_INVALID'],
      ['a huge name', await jwt({ name: 'x'.repeat(1000) }), 'SLUICE_TOKEN_INVALID'],
      ['no right to join', await jwt({ video: { room: 'demo' } }), 'SLUICE_PERMISSION_DENIED'],
      ['no session', await jwt({ video: { roomJoin: true } }), 'SLUICE_PERMISSION_DENIED'],
    ];
    for (const [name, token, code] of cases) {
      const error: unknown = await verifyToken(token, keys).catch((caught: unknown) => caught);
      t.match(error, { code }, name);
      const said = `${String(error)} ${JSON.stringify(error)}`;
      for (const part of (token ?? '').split('.'))
        t.notOk(part.length > 3 && said.includes(part), `${name}: not repeated`);
    }
  },
);

t.test('an identity and a session are needed to make one', async (t) => {
  await t.rejects(createToken({ ...options, identity: '' }), { code: 'SLUICE_CONFIG_INVALID' });
  await t.rejects(createToken({ ...options, apiSecret: '' }), { code: 'SLUICE_CONFIG_INVALID' });
});

t.test('a token for the HTTP API needs no identity, and grants what it says and no more', async (t) => {
  const token = new AccessToken('devkey', 'secret', { ttl: 60 });
  token.addGrant({ roomList: true, roomAdmin: true, room: 'demo' });
  const jwt = await token.toJwt();
  const grants = { apiKey: 'devkey', room: 'demo', roomAdmin: true, roomCreate: false, roomList: true };
  t.same(await verifyApiToken(jwt, keys), grants);
  await t.rejects(verifyToken(jwt, keys), { code: 'SLUICE_TOKEN_INVALID' }, 'nobody can join with it');
  await t.rejects(verifyApiToken(undefined, keys), { code: 'SLUICE_TOKEN_MISSING' });
  await t.rejects(verifyApiToken(jwt, { devkey: 'another' }), { code: 'SLUICE_TOKEN_INVALID' });
});
