import {
  AddTrackRequest,
  DataPacket,
  DisconnectReason,
  LeaveRequest,
  LeaveRequest_Action,
  MuteTrackRequest,
  ParticipantInfo_State,
  TrackSource,
  TrackType,
} from '@livekit/protocol';
import { AccessToken, DataPacket_Kind, TrackSource as SdkTrackSource } from 'livekit-server-sdk';
import t from 'tap';
import { RawClient } from './raw-client.js';
import { KEYS, type Setting, join, start } from './room-service-setting.js';
import { RtpSource, rtpOf } from './rtp-source.js';

const microphone = { cid: 'mic', type: TrackType.AUDIO, source: TrackSource.MICROPHONE };
const MICROPHONE = new AddTrackRequest(microphone);
const OPUS = { kind: 'audio', codec: 'opus', payloadType: 111, ssrc: 5 } as const;

async function leave(client: RawClient): Promise<void> {
  client.send('leave', new LeaveRequest());
  await client.closed;
}

async function gone({ admin }: Setting, name: string): Promise<void> {
  while ((await admin.listRooms([name])).length > 0) await new Promise((resolve) => setTimeout(resolve, 50));
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
  await admin.createRoom({ name: 'short', departureTimeout: 1 });
  const ann = await join(setting, t, 'ann', 'short');
  await join(setting, t, 'watcher', 'other');
  // Only lower bounds: a room may be looked for long after its second, where the machine is slow.
  const leftMs = performance.now();
  await leave(ann);
  await gone(setting, 'short');
  t.ok(performance.now() - leftMs > 950, 'a second after the last one has left');
  const madeMs = performance.now();
  await admin.createRoom({ name: 'empty', emptyTimeout: 1 });
  await gone(setting, 'empty');
  t.ok(performance.now() - madeMs > 950, 'a second after it was made, when nobody came');
  t.match(
    (await admin.listRooms()).map(({ name }) => name),
    ['other'],
  );
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

t.test('nothing is heard of a track that was muted, even if its client goes on sending', async (t) => {
  const setting = await start(t);
  const { admin, server } = setting;
  const [ann, bob] = [await join(setting, t, 'ann'), await join(setting, t, 'bob')];
  const [sid = ''] = await ann.publish([{ request: MICROPHONE, track: OPUS }]);
  await bob.subscribe();
  const voice = new RtpSource((packet) => ann.publisher?.send(packet), { mid: '0', ssrc: OPUS.ssrc, payloadType: 111 });
  await voice.sendUntil(Buffer.from('before'), () => bob.received.length > 0);
  await admin.mutePublishedTrack('demo', 'ann', sid, true);
  const received = server.service.stats().media.packetsReceived;
  for (let i = 0; i < 10; i++) voice.send(Buffer.from('muted'));
  while (server.service.stats().media.packetsReceived < received + 10)
    await new Promise((resolve) => setTimeout(resolve, 5));
  ann.send('mute', new MuteTrackRequest({ sid, muted: false }));
  await bob.update((one) => one.tracks.some((track) => track.sid === sid && !track.muted));
  const words = (): string[] => [...new Set(bob.received.map((packet) => rtpOf(packet).text))];
  await voice.sendUntil(Buffer.from('after'), () => words().includes('after'));
  t.same(words(), ['before', 'after']);
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
    permission: { canSubscribe: true, canPublish: true, canPublishSources: [SdkTrackSource.MICROPHONE] },
  });
  ann.send('addTrack', new AddTrackRequest({ ...microphone, cid: 'mic2' }));
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
