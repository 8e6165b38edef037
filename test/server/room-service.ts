import { request as httpRequest } from 'node:http';
import { once } from 'node:events';
import {
  AddTrackRequest,
  CreateRoomRequest,
  DataPacket,
  DataPacket_Kind,
  DisconnectReason,
  LeaveRequest,
  LeaveRequest_Action,
  ListRoomsRequest,
  ListRoomsResponse,
  MuteTrackRequest,
  ParticipantInfo_State,
  Room,
  SendDataRequest,
  TrackSource,
  TrackType,
} from '@livekit/protocol';
import { AccessToken, RoomServiceClient, type VideoGrant } from 'livekit-server-sdk';
import t from 'tap';
import { RawClient } from './raw-client.js';
import { type RunningServer, runServer } from './running-server.js';

const KEYS = { key: 'a-secret-of-the-test' };
const MICROPHONE = new AddTrackRequest({ cid: 'mic', type: TrackType.AUDIO, source: TrackSource.MICROPHONE });
const OPUS = { kind: 'audio', codec: 'opus', payloadType: 111, ssrc: 5 } as const;

type Ending = Pick<typeof t, 'teardown'>;

interface Setting {
  readonly server: RunningServer;
  readonly admin: RoomServiceClient;
}

async function start(t: Ending): Promise<Setting> {
  const server = await runServer(t, { keys: KEYS });
  return { server, admin: new RoomServiceClient(server.httpUrl, 'key', KEYS.key) };
}

async function join({ server }: Setting, t: Ending, identity: string, sessionId = 'demo'): Promise<RawClient> {
  const client = await RawClient.join(server.url, await server.token(identity, { sessionId }));
  t.teardown(() => client.close());
  return client;
}

async function leave(client: RawClient): Promise<void> {
  client.send('leave', new LeaveRequest());
  await client.closed;
}

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

t.test('rooms are made, listed, changed and deleted with the SDK', async (t) => {
  const setting = await start(t);
  const { admin, server } = setting;
  const made = await admin.createRoom({ name: 'demo', emptyTimeout: 30, maxParticipants: 3, metadata: 'first' });
  t.match(made, { name: 'demo', sid: /^RM_/, emptyTimeout: 30, departureTimeout: 20, maxParticipants: 3 });
  t.ok(Math.abs(Number(made.creationTime) - Date.now() / 1000) < 60);
  const ann = await join(setting, t, 'ann');
  t.match(ann.responses[0]?.value, { room: { sid: made.sid, metadata: 'first', maxParticipants: 3 } });
  await ann.publish([{ request: MICROPHONE, track: OPUS }]);
  await join(setting, t, 'bob', 'other');
  t.match(
    (await admin.listRooms()).map(({ name, numParticipants, numPublishers }) => [name, numParticipants, numPublishers]),
    [
      ['demo', 1, 1],
      ['other', 1, 0],
    ],
  );
  t.match(
    (await admin.listRooms(['other', 'none'])).map(({ name }) => name),
    ['other'],
  );
  t.match(await admin.updateRoomMetadata('demo', 'second'), { metadata: 'second', sid: made.sid });
  const second = await ann.next('roomUpdate', ({ room }) => room?.metadata === 'second');
  t.match(second, { room: { numParticipants: 1, sid: made.sid } });
  await admin.createRoom({ name: 'demo', metadata: 'third' });
  const third = await ann.next('roomUpdate', ({ room }) => room?.metadata === 'third');
  t.match(third, { room: { maxParticipants: 3, sid: made.sid } });
  await admin.deleteRoom('demo');
  t.match(await ann.next('leave'), {
    reason: DisconnectReason.ROOM_DELETED,
    action: LeaveRequest_Action.DISCONNECT,
  });
  t.match(await admin.listRooms(['demo']), []);
  await t.rejects(admin.deleteRoom('demo'), { status: 404, code: 'not_found' });
  await t.rejects(admin.updateRoomMetadata('demo', 'x'), { status: 404, code: 'not_found' });
  const again = await RawClient.open(server.url, await server.token('ann'));
  t.teardown(() => again.close());
  t.not((await again.next('join')).room?.sid, made.sid, 'a room of the same name is another one');
});

t.test('a room lives without participants for as long as it was made for', async (t) => {
  const setting = await start(t);
  const { admin } = setting;
  await admin.createRoom({ name: 'short', emptyTimeout: 1, departureTimeout: 1 });
  const ann = await join(setting, t, 'ann', 'short');
  await leave(ann);
  await join(setting, t, 'watcher', 'other');
  // Both wait for the same second: the first for someone to join, the second after someone has left.
  await admin.createRoom({ name: 'empty', emptyTimeout: 1 });
  const seen = new Set<string>();
  for (;;) {
    const names = (await admin.listRooms()).map(({ name }) => name);
    for (const name of names) seen.add(name);
    if (names.length === 1) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  t.same([...seen].sort(), ['empty', 'other', 'short'], 'the empty ones were there for a while');
});

t.test('a full room takes nobody but those who are there already, and agents', async (t) => {
  const setting = await start(t);
  const { admin, server } = setting;
  await admin.createRoom({ name: 'demo', maxParticipants: 1 });
  const ann = await join(setting, t, 'ann');
  const bob = await RawClient.open(server.url, await server.token('bob'));
  t.teardown(() => bob.close());
  t.match(await bob.next('leave'), { reason: DisconnectReason.JOIN_FAILURE, action: LeaveRequest_Action.DISCONNECT });
  const agentToken = new AccessToken('key', KEYS.key, { identity: 'agent', ttl: 60 });
  agentToken.addGrant({ roomJoin: true, room: 'demo' });
  agentToken.kind = 'agent';
  const agent = await RawClient.join(server.url, await agentToken.toJwt());
  t.teardown(() => agent.close());
  t.match(await admin.listRooms(), [{ numParticipants: 1 }]);
  const again = await join(setting, t, 'ann');
  t.match(await ann.next('leave'), { reason: DisconnectReason.DUPLICATE_IDENTITY });
  await leave(again);
  await join(setting, t, 'bob');
});

t.test('participants are listed, changed, muted and removed with the SDK', async (t) => {
  const setting = await start(t);
  const { admin } = setting;
  const [ann, bob] = [await join(setting, t, 'ann'), await join(setting, t, 'bob')];
  const [sid = ''] = await ann.publish([{ request: MICROPHONE, track: OPUS }]);
  const listed = await admin.listParticipants('demo');
  t.same(
    listed.map(({ identity, isPublisher }) => [identity, isPublisher]),
    [
      ['ann', true],
      ['bob', false],
    ],
  );
  t.same(await admin.listParticipants('none'), []);
  t.match(await admin.getParticipant('demo', 'ann'), { identity: 'ann', tracks: [{ sid, mimeType: 'audio/opus' }] });
  await t.rejects(admin.getParticipant('demo', 'eve'), { status: 404, code: 'not_found' });

  t.match(await admin.updateParticipant('demo', 'ann', { name: 'Ann', attributes: { a: '1', b: '2' } }), {
    name: 'Ann',
    attributes: { a: '1', b: '2' },
  });
  await bob.update((one) => one.name === 'Ann' && one.attributes['b'] === '2');
  await admin.updateParticipant('demo', 'ann', { metadata: 'm', attributes: { a: '' } });
  t.match(await bob.update((one) => one.metadata === 'm'), { name: 'Ann', attributes: { b: '2' } });
  await t.rejects(admin.updateParticipant('demo', 'ann', { name: 'x'.repeat(300) }), { code: 'invalid_argument' });
  await t.rejects(admin.updateParticipant('demo', 'eve', { name: 'x' }), { code: 'not_found' });

  t.match(await admin.mutePublishedTrack('demo', 'ann', sid, true), { sid, muted: true });
  t.match(await ann.next('mute'), { sid, muted: true });
  await bob.update((one) => one.tracks.some((track) => track.sid === sid && track.muted));
  await t.rejects(admin.mutePublishedTrack('demo', 'ann', sid, false), { status: 412, code: 'failed_precondition' });
  await t.rejects(admin.mutePublishedTrack('demo', 'ann', 'TR_none', true), { code: 'not_found' });
  ann.send('mute', new MuteTrackRequest({ sid, muted: false }));
  await bob.update((one) => one.tracks.some((track) => track.sid === sid && !track.muted));

  await admin.removeParticipant('demo', 'ann');
  t.match(await ann.next('leave'), {
    reason: DisconnectReason.PARTICIPANT_REMOVED,
    action: LeaveRequest_Action.DISCONNECT,
  });
  await bob.update((one) => one.identity === 'ann' && one.state === ParticipantInfo_State.DISCONNECTED);
  await t.rejects(admin.removeParticipant('demo', 'ann'), { code: 'not_found' });
});

t.test('permissions that are taken away, and given, count at once', async (t) => {
  const setting = await start(t);
  const { admin } = setting;
  const [ann, bob] = [await join(setting, t, 'ann'), await join(setting, t, 'bob')];
  const [sid = ''] = await ann.publish([{ request: MICROPHONE, track: OPUS }]);
  await bob.subscribe();
  await admin.updateParticipant('demo', 'bob', { permission: { canSubscribe: false } });
  t.match((await bob.next('offer')).sdp, /a=inactive/, 'nothing is sent any more');
  await admin.updateParticipant('demo', 'ann', { permission: { canSubscribe: true, canPublish: false } });
  t.match(await ann.next('trackUnpublished'), { trackSid: sid });
  const told = await ann.update((one) => one.identity === 'ann' && one.permission?.canPublish === false);
  t.same(told.tracks, []);
  ann.send('addTrack', MICROPHONE);
  await ann.next('requestResponse');
  await admin.updateParticipant('demo', 'ann', {
    permission: { canSubscribe: true, canPublish: true, canPublishSources: [TrackSource.MICROPHONE] },
  });
  ann.send('addTrack', new AddTrackRequest({ ...MICROPHONE, cid: 'mic2' }));
  await ann.next('trackPublished', ({ cid }) => cid === 'mic2');
});

t.test('an administrator subscribes a participant to a track, and takes that back', async (t) => {
  const setting = await start(t);
  const { admin, server } = setting;
  const ann = await join(setting, t, 'ann');
  const bob = await RawClient.join(server.url, await server.token('bob'), '&auto_subscribe=0');
  t.teardown(() => bob.close());
  const [sid = ''] = await ann.publish([{ request: MICROPHONE, track: OPUS }]);
  await admin.updateSubscriptions('demo', 'bob', [sid], true);
  await bob.subscribe();
  await admin.updateSubscriptions('demo', 'bob', [sid], false);
  t.match((await bob.next('offer')).sdp, /a=inactive/);
});

t.test('data of an administrator comes to those it is for, from nobody', async (t) => {
  const setting = await start(t);
  const { admin } = setting;
  const [ann, bob] = [await join(setting, t, 'ann'), await join(setting, t, 'bob')];
  await ann.publish([], { data: true });
  await bob.publish([], { data: true });
  const text = (client: RawClient): string[] =>
    client.data.map(({ label, bytes }) => {
      const { value, participantIdentity } = DataPacket.fromBinary(bytes);
      const user = value.case === 'user' ? value.value : undefined;
      return `${label} ${user?.topic ?? '-'} ${Buffer.from(user?.payload ?? []).toString()}${participantIdentity}`;
    });
  const bobSid = (await admin.getParticipant('demo', 'bob')).sid;
  await admin.sendData('demo', Buffer.from('all'), DataPacket_Kind.RELIABLE, { topic: 'news' });
  await admin.sendData('demo', Buffer.from('to ann'), DataPacket_Kind.RELIABLE, { destinationIdentities: ['ann'] });
  await admin.sendData('demo', Buffer.from('to bob'), DataPacket_Kind.LOSSY, { destinationSids: [bobSid] });
  await admin.sendData('demo', Buffer.from('end'), DataPacket_Kind.RELIABLE, {});
  await ann.until(() => text(ann).includes('_reliable - end'));
  await bob.until(() => text(bob).includes('_reliable - end') && text(bob).length >= 3);
  t.same(text(ann), ['_reliable news all', '_reliable - to ann', '_reliable - end']);
  t.same(text(bob).sort(), ['_lossy - to bob', '_reliable - end', '_reliable news all']);
  await t.rejects(admin.sendData('none', Buffer.from('x'), DataPacket_Kind.RELIABLE, {}), { code: 'not_found' });
  const huge = Buffer.alloc(15 * 1024 + 1);
  await t.rejects(admin.sendData('demo', huge, DataPacket_Kind.RELIABLE, {}), { code: 'invalid_argument' });
});

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
