import { createSocket } from 'node:dgram';
import { randomBytes } from 'node:crypto';
import {
  AddTrackRequest,
  DisconnectReason,
  LeaveRequest,
  LeaveRequest_Action,
  MuteTrackRequest,
  ParticipantInfo_State,
  Ping,
  RequestResponse_Reason,
  SessionDescription,
  TrackSource,
  TrackType,
  TrickleRequest,
  UpdateParticipantMetadata,
  UpdateSubscription,
} from '@livekit/protocol';
import t from 'tap';
import { RawClient } from './raw-client.js';
import { runServer } from './running-server.js';

const microphone = new AddTrackRequest({
  cid: 'mic',
  type: TrackType.AUDIO,
  source: TrackSource.MICROPHONE,
  name: 'voice',
});

t.test('a join response has every field that clients insist on', async (t) => {
  const { url, token } = await runServer(t);
  const ann = await RawClient.open(url, await token('ann', { name: 'Ann' }));
  t.teardown(() => ann.close());
  const join = await ann.next('join');
  t.match(join, {
    room: { name: 'demo', sid: /^RM_/ },
    participant: {
      sid: /^PA_/,
      identity: 'ann',
      name: 'Ann',
      state: ParticipantInfo_State.ACTIVE,
      permission: { canPublish: true, canSubscribe: true, canPublishData: true },
    },
    serverVersion: /^\d+\.\d+\.\d+$/,
    serverInfo: { version: /^\d+\.\d+\.\d+$/ },
    pingInterval: 5,
    pingTimeout: 15,
    subscriberPrimary: false,
  });
  t.ok(join.participant && join.participant.joinedAt > 0n);
  t.equal(ann.responses[0]?.case, 'join', 'it comes first');
});

t.test('the token comes in the query or in a header; without a good one the answer is 401 or 403', async (t) => {
  const { url, token } = await runServer(t);
  const ann = await RawClient.join(url, '', `&access_token=${await token('ann')}`);
  t.teardown(() => ann.close());
  await t.rejects(RawClient.open(url, ''), { message: /401/ });
  await t.rejects(RawClient.open(url, 'forged'), { message: /401/ });
  await t.rejects(RawClient.open(url, await token('bob'), '', '/rtc/v2'), { message: /404/ });
});

t.test('participants are told who comes, goes and changes', async (t) => {
  const { url, token, httpUrl } = await runServer(t);
  const ann = await RawClient.join(url, await token('ann', { grants: { canUpdateOwnMetadata: true } }));
  const bob = await RawClient.open(url, await token('bob', { name: 'Bob' }));
  t.teardown(() => Promise.all([ann.close(), bob.close()]));
  t.match(await bob.next('join'), { otherParticipants: [{ identity: 'ann' }] });
  await ann.update((one) => one.identity === 'bob' && one.name === 'Bob' && one.state === ParticipantInfo_State.ACTIVE);

  ann.send(
    'updateMetadata',
    new UpdateParticipantMetadata({ name: 'Ann', metadata: 'm', attributes: { a: '1', b: '2' }, requestId: 5 }),
  );
  await bob.update((one) => one.name === 'Ann' && one.metadata === 'm' && one.attributes['b'] === '2');
  t.match(await ann.next('requestResponse'), { requestId: 5, reason: RequestResponse_Reason.OK });
  ann.send('updateMetadata', new UpdateParticipantMetadata({ attributes: { a: '' } }));
  const changed = await bob.update((one) => one.identity === 'ann' && !('a' in one.attributes));
  t.match(changed, { name: 'Ann', metadata: 'm', attributes: { b: '2' } });
  bob.send('updateMetadata', new UpdateParticipantMetadata({ name: 'Bobby', requestId: 6 }));
  t.match(await bob.next('requestResponse'), { requestId: 6, reason: RequestResponse_Reason.NOT_ALLOWED });

  bob.send('leave', new LeaveRequest());
  t.match(await ann.update((one) => one.identity === 'bob' && one.state === ParticipantInfo_State.DISCONNECTED), {
    disconnectReason: DisconnectReason.CLIENT_INITIATED,
  });
  // As a browser does whose page is left.
  ann.socket.close(1001);
  await ann.closed;
  await bob.closed;
  // The server notices the end of a socket a moment after the client.
  for (;;) {
    const health = (await (await fetch(`${httpUrl}/healthz`)).json()) as { sessions: number; participants: number };
    if (health.sessions === 0 && health.participants === 0) break;
  }
});

t.test('sessions do not know of each other', async (t) => {
  const { url, token } = await runServer(t);
  const ann = await RawClient.join(url, await token('ann', { sessionId: 'one' }));
  const bob = await RawClient.open(url, await token('bob', { sessionId: 'two' }));
  t.teardown(() => Promise.all([ann.close(), bob.close()]));
  t.same((await bob.next('join')).otherParticipants, []);
});

t.test('who joins again takes the place of who was there', async (t) => {
  const { url, token } = await runServer(t);
  const watcher = await RawClient.join(url, await token('watcher'));
  const first = await RawClient.join(url, await token('ann'));
  const second = await RawClient.open(url, await token('ann'));
  t.teardown(() => Promise.all([watcher.close(), first.close(), second.close()]));
  t.match(await first.next('leave'), {
    reason: DisconnectReason.DUPLICATE_IDENTITY,
    action: LeaveRequest_Action.DISCONNECT,
  });
  const join = await second.next('join');
  t.same(
    join.otherParticipants.map(({ identity }) => identity),
    ['watcher'],
    'the old one is gone before',
  );
  const sids: string[] = [];
  const gone = await watcher.update((one) => {
    if (one.identity === 'ann') sids.push(one.sid);
    return one.identity === 'ann' && one.state === ParticipantInfo_State.DISCONNECTED;
  });
  t.not(gone.sid, join.participant?.sid, 'under another id');
  await watcher.update((one) => one.sid === join.participant?.sid);
});

t.test('both kinds of pings are answered', async (t) => {
  const { url, token } = await runServer(t);
  const ann = await RawClient.join(url, await token('ann'));
  t.teardown(() => ann.close());
  ann.send('pingReq', new Ping({ timestamp: 1234n, rtt: 7n }));
  t.equal((await ann.next('pongResp')).lastPingTimestamp, 1234n);
  ann.send('ping', 5n);
  t.ok((await ann.next('pong')) > 0n);
});

t.test('a client that wants its old session back is asked to join anew', async (t) => {
  const { url, token } = await runServer(t);
  const ann = await RawClient.open(url, await token('ann'), '&reconnect=1&sid=PA_x');
  t.teardown(() => ann.close());
  t.match(await ann.next('leave'), { action: LeaveRequest_Action.RECONNECT, canReconnect: true });
  t.equal(ann.responses.length, 1, 'and told nothing else');
  await ann.closed;
});

t.test('what a token does not grant is refused', async (t) => {
  const { url, token } = await runServer(t);
  const mute = await RawClient.join(url, await token('mute', { grants: { canPublish: false } }));
  const camera = await RawClient.join(url, await token('camera', { grants: { canPublishSources: ['camera'] } }));
  const deaf = await RawClient.join(url, await token('deaf', { grants: { canSubscribe: false } }));
  t.teardown(() => Promise.all([mute.close(), camera.close(), deaf.close()]));
  mute.send('addTrack', microphone);
  t.match(await mute.next('requestResponse'), { reason: RequestResponse_Reason.NOT_ALLOWED });
  camera.send('addTrack', microphone);
  t.match(await camera.next('requestResponse'), { reason: RequestResponse_Reason.NOT_ALLOWED });
  camera.send('addTrack', new AddTrackRequest({ cid: 'cam', type: TrackType.VIDEO, source: TrackSource.CAMERA }));
  t.match(await camera.next('trackPublished'), { cid: 'cam', track: { sid: /^TR_/ } });
  deaf.send('subscription', new UpdateSubscription({ trackSids: ['TR_x'], subscribe: true }));
  t.match(await deaf.next('requestResponse'), { reason: RequestResponse_Reason.NOT_ALLOWED });
});

t.test('someone hidden is not seen', async (t) => {
  const { url, token } = await runServer(t);
  const ann = await RawClient.join(url, await token('ann'));
  const ghost = await RawClient.join(url, await token('ghost', { grants: { hidden: true } }));
  const bob = await RawClient.open(url, await token('bob'));
  t.teardown(() => Promise.all([ann.close(), ghost.close(), bob.close()]));
  t.same(
    (await bob.next('join')).otherParticipants.map(({ identity }) => identity),
    ['ann'],
  );
  await ann.update((one) => one.identity === 'bob');
  const seen = ann.responses.flatMap((one) =>
    one.case === 'update' ? one.value.participants.map(({ identity }) => identity) : [],
  );
  t.notOk(seen.includes('ghost'));
  await ghost.update((one) => one.identity === 'bob');
});

t.test('garbage closes its own socket, with a word, and nobody else is touched', async (t) => {
  const { url, token } = await runServer(t);
  const good = await RawClient.join(url, await token('good'));
  t.teardown(() => good.close());
  const spoil = async (data: Buffer | string, code: number): Promise<void> => {
    const bad = await RawClient.join(url, await token('bad'));
    bad.socket.send(data);
    t.equal((await bad.closed).code, code);
    await good.update((one) => one.identity === 'bad' && one.state === ParticipantInfo_State.DISCONNECTED);
  };
  await spoil(Buffer.from([0xff, 0xff, 0xff, 0xff]), 1007);
  await spoil('{"text":true}', 1003);
  await spoil(Buffer.alloc(600 * 1024), 1009);
  const offers = ['', 'v=0', 'v=0\r\n'.repeat(1000), randomBytes(2000).toString('latin1')];
  for (const sdp of offers) {
    const bad = await RawClient.join(url, await token('bad'));
    bad.send('offer', new SessionDescription({ type: 'offer', sdp, id: 1 }));
    t.match(await bad.next('leave'), { reason: DisconnectReason.STATE_MISMATCH });
    await bad.closed;
  }
  const odd = await RawClient.join(url, await token('odd'));
  t.teardown(() => odd.close());
  odd.send('trickle', new TrickleRequest({ candidateInit: 'not json' }));
  odd.send('mute', new MuteTrackRequest({ sid: 'TR_none', muted: true }));
  odd.send('subscription', new UpdateSubscription({ trackSids: ['TR_none'], subscribe: true }));
  odd.send('addTrack', new AddTrackRequest({ cid: 'd', type: TrackType.DATA }));
  odd.send('pingReq', new Ping({ timestamp: 1n }));
  await odd.next('pongResp');
  t.pass('unknown ids are no reason to end');
  odd.send('answer', new SessionDescription({ type: 'answer', sdp: 'v=0' }));
  t.match(await odd.next('leave'), { reason: DisconnectReason.STATE_MISMATCH }, 'an answer to nothing is');
});

t.test('garbage on the media port is dropped', async (t) => {
  const { url, token, service } = await runServer(t);
  const socket = createSocket('udp4');
  t.teardown(() => socket.close());
  for (let i = 0; i < 500; i++) {
    const datagram = randomBytes(20 + (i % 1200));
    // Every second one looks like STUN.
    if (i % 2) datagram.set([0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42]);
    await new Promise((resolve) => socket.send(datagram, service.info.udpPort, '127.0.0.1', resolve));
  }
  const ann = await RawClient.join(url, await token('ann'));
  t.teardown(() => ann.close());
  await ann.publish([{ request: microphone, track: { kind: 'audio', codec: 'opus', payloadType: 111, ssrc: 5 } }]);
  t.equal(ann.publisher?.state, 'connected');
});

t.test('a server that ends says so to everyone', async (t) => {
  const { url, token, service } = await runServer(t);
  const ann = await RawClient.join(url, await token('ann'));
  t.teardown(() => ann.close());
  const closing = service.close();
  t.match(await ann.next('leave'), {
    reason: DisconnectReason.SERVER_SHUTDOWN,
    action: LeaveRequest_Action.DISCONNECT,
  });
  await closing;
  await t.rejects(RawClient.open(url, await token('bob')));
});
