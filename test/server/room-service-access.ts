import { request as httpRequest } from 'node:http';
import { once } from 'node:events';
import { CreateRoomRequest, ListRoomsRequest, ListRoomsResponse, Room, SendDataRequest } from '@livekit/protocol';
import { AccessToken, type VideoGrant } from 'livekit-server-sdk';
import t from 'tap';
import { KEYS, type Setting, join, start } from './room-service-setting.js';

async function apiToken(grant: VideoGrant): Promise<string> {
  const token = new AccessToken('key', KEYS.key, { identity: 'admin', ttl: 60 });
  token.addGrant(grant);
  return await token.toJwt();
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: Buffer;
  readonly error: { readonly code?: string; readonly msg?: string };
}

/** One call by hand. */
async function call(
  { server }: Setting,
  method: string,
  body: Uint8Array | string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const url = `${server.httpUrl}/twirp/livekit.RoomService/${method}`;
  const response = await fetch(url, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  const type = response.headers.get('content-type') ?? '';
  const error = (response.ok ? {} : JSON.parse(bytes.toString())) as Answer['error'];
  return { status: response.status, type, body: bytes, error };
}

t.test('every call needs its grant, for its room', async (t) => {
  const setting = await start(t);
  await join(setting, t, 'ann');
  const room = 'demo';
  const body = JSON.stringify({ room, name: 'made', identity: 'ann', trackSid: 'TR_x', kind: 'RELIABLE' });
  const admin = ['UpdateRoomMetadata', 'SendData', 'ListParticipants', 'GetParticipant', 'RemoveParticipant'];
  admin.push('UpdateParticipant', 'MutePublishedTrack', 'UpdateSubscriptions');
  const lacking: [string[], VideoGrant][] = [
    [['CreateRoom', 'DeleteRoom'], { roomList: true, roomAdmin: true, room, roomJoin: true }],
    [['ListRooms'], { roomCreate: true, roomAdmin: true, room, roomJoin: true }],
    [admin, { roomCreate: true, roomList: true, room, roomJoin: true }],
    [admin, { roomCreate: true, roomList: true, roomAdmin: true, room: 'another' }],
    [admin, { roomCreate: true, roomList: true, roomAdmin: true }],
  ];
  for (const [methods, grant] of lacking) {
    const authorization = `Bearer ${await apiToken(grant)}`;
    for (const method of methods) {
      const { status, type, error } = await call(setting, method, body, { authorization });
      t.same([status, type, error.code], [403, 'application/json', 'permission_denied'], method);
    }
  }
  t.match(await setting.admin.listParticipants(room), [{ identity: 'ann' }], 'nothing was done');
});

t.test('a token that is missing, forged, expired or in the query opens nothing, and is not repeated', async (t) => {
  const setting = await start(t);
  const good = await apiToken({ roomList: true });
  const forged = await new AccessToken('key', 'another secret', { ttl: 60 }).toJwt();
  const expired = new AccessToken('key', KEYS.key, { ttl: -60 });
  expired.addGrant({ roomList: true });
  const tokens = { missing: '', forged, expired: await expired.toJwt(), garbage: 'abc', basic: 'Basic x' };
  for (const [name, token] of Object.entries(tokens)) {
    const authorization = name === 'basic' ? token : `Bearer ${token}`;
    const { status, error } = await call(setting, 'ListRooms', '{}', name === 'missing' ? {} : { authorization });
    t.same([status, error.code], [401, 'unauthenticated'], name);
    for (const part of token.split('.')) t.notOk(part.length > 5 && error.msg?.includes(part), name);
  }
  const inQuery = await call(setting, `ListRooms?access_token=${good}`, '{}');
  t.equal(inQuery.status, 401);
  t.equal((await call(setting, 'ListRooms', '{}', { authorization: `Bearer ${good}` })).status, 200);
});

t.test('protobuf is understood as JSON is, and what is not there is told in the words of Twirp', async (t) => {
  const setting = await start(t);
  const authorization = `Bearer ${await apiToken({ roomCreate: true, roomList: true, roomAdmin: true, room: 'demo' })}`;
  const protobuf = { authorization, 'content-type': 'application/protobuf' };
  const made = await call(
    setting,
    'CreateRoom',
    new CreateRoomRequest({ name: 'demo', metadata: 'm' }).toBinary(),
    protobuf,
  );
  t.equal(made.type, 'application/protobuf');
  t.match(Room.fromBinary(made.body), { name: 'demo', metadata: 'm' });
  const list = await call(setting, 'ListRooms', new ListRoomsRequest().toBinary(), protobuf);
  t.match(ListRoomsResponse.fromBinary(list.body).rooms, [{ name: 'demo' }]);
  const snake = await call(setting, 'CreateRoom', '{"name":"demo","empty_timeout":7,"new_field":1}', { authorization });
  t.match(Room.fromJsonString(snake.body.toString()), { emptyTimeout: 7 }, 'either spelling, and fields of the future');
  const cases: [string, Uint8Array | string, Record<string, string>, number, string][] = [
    ['MoveParticipant', '{}', {}, 501, 'unimplemented'],
    ['ForwardParticipant', '{}', {}, 501, 'unimplemented'],
    ['NoSuchMethod', '{}', {}, 404, 'bad_route'],
    ['ListRooms', '{}', { 'content-type': 'text/plain' }, 404, 'bad_route'],
    ['ListRooms', '{"names":', {}, 400, 'malformed'],
    ['ListRooms', '{"names":{"a":1}}', {}, 400, 'malformed'],
    ['ListRooms', Buffer.from([0x0a, 0xff, 0xff, 0xff, 0x7f]), protobuf, 400, 'malformed'],
    ['CreateRoom', '{}', {}, 400, 'invalid_argument'],
    ['CreateRoom', JSON.stringify({ name: 'x'.repeat(257) }), {}, 400, 'invalid_argument'],
    ['CreateRoom', JSON.stringify({ name: 'x', metadata: 'x'.repeat(65 * 1024) }), {}, 400, 'invalid_argument'],
    ['ListParticipants', '{}', {}, 400, 'invalid_argument'],
    [
      'SendData',
      new SendDataRequest({ room: 'demo', nonce: Buffer.alloc(3) }).toBinary(),
      protobuf,
      400,
      'invalid_argument',
    ],
  ];
  for (const [method, body, headers, status, code] of cases) {
    const answer = await call(setting, method, body, { authorization, ...headers });
    t.same([answer.status, answer.error.code, answer.type], [status, code, 'application/json'], `${method} ${code}`);
  }
  const get = await fetch(`${setting.server.httpUrl}/twirp/livekit.RoomService/ListRooms`, {
    headers: { authorization },
  });
  t.same([get.status, ((await get.json()) as { code: string }).code], [404, 'bad_route']);
  const other = await fetch(`${setting.server.httpUrl}/twirp/livekit.Egress/ListEgress`, {
    method: 'POST',
    headers: { authorization },
  });
  t.same([other.status, ((await other.json()) as { code: string }).code], [404, 'bad_route']);
});

t.test('a body of a stranger is not read, and one that is too large is refused', async (t) => {
  const setting = await start(t);
  const url = `${setting.server.httpUrl}/twirp/livekit.RoomService/CreateRoom`;
  const upload = async (headers: Record<string, string>): Promise<number> => {
    const sent = httpRequest(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      agent: false,
    });
    sent.on('error', () => undefined);
    sent.write(' '.repeat(1024));
    // The rest never comes: an answer to this was given without it.
    const [response] = (await once(sent, 'response')) as [import('node:http').IncomingMessage];
    sent.destroy();
    return response.statusCode ?? 0;
  };
  t.equal(await upload({ 'content-length': '100000000' }), 401);
  const authorization = `Bearer ${await apiToken({ roomCreate: true })}`;
  t.equal(await upload({ authorization, 'content-length': '100000000' }), 429);
  const body = JSON.stringify({ name: 'x', metadata: 'x'.repeat(600 * 1024) });
  t.match(await call(setting, 'CreateRoom', body, { authorization }).catch(() => ({ status: 429 })), { status: 429 });
});
