import {
  DisconnectReason,
  LeaveRequest,
  LeaveRequest_Action,
  MuteTrackRequest,
  ParticipantInfo_State,
  SyncState,
  TrackType,
  UpdateSubscription,
} from '@livekit/protocol';
import t from 'tap';
import { RawClient } from './raw-client.js';
import { rtpOf } from './rtp-source.js';
import { runServer } from './running-server.js';
import { microphone, twoInCall } from './two-in-call.js';

const back = (sid: string): string => `&reconnect=1&sid=${sid}`;

t.test('a client that lost its socket goes on where it was, and its media never stops', async (t) => {
  const server = await runServer(t);
  const { ann, bob, annSid, voice, trackSid } = await twoInCall(t, server);
  const before = await ann.restart('first');
  ann.socket.terminate();
  await ann.closed;
  const heard = bob.received.length;
  await voice.sendUntil(Buffer.from('away'), () => bob.received.length > heard + 3);
  const eve = await RawClient.join(server.url, await server.token('eve'));
  t.teardown(() => eve.close());
  await ann.reopen(server.url, await server.token('ann'), back(annSid));
  t.match(await ann.next('reconnect'), { serverInfo: { version: /^\d/ } }, 'it comes first');
  const update = await ann.next('update');
  t.same(update.participants.map(({ identity }) => identity).sort(), ['ann', 'bob', 'eve'], 'then everyone');
  t.equal(update.participants.find(({ identity }) => identity === 'ann')?.sid, annSid);
  const answer = await ann.restart('restarted');
  t.same(answer.transport.iceUfrag, before.transport.iceUfrag, 'on the connection that is there');
  await voice.sendUntil(Buffer.from('after'), () => bob.received.some((one) => rtpOf(one).text === 'after'));
  const texts = new Set(bob.received.map((one) => rtpOf(one).text));
  t.same([...texts], ['before', 'away', 'after']);
  const numbers = bob.received.map((one) => rtpOf(one).sequenceNumber);
  t.same(
    numbers.map((one) => (one - (numbers[0] ?? 0)) & 0xffff),
    [...numbers.keys()],
    'without a gap',
  );
  const seen = bob.responses.flatMap((one) => (one.case === 'update' ? one.value.participants : []));
  t.notOk(
    seen.some((one) => one.identity === 'ann' && (one.sid !== annSid || one.state !== ParticipantInfo_State.ACTIVE)),
    'the others did not notice',
  );
  ann.send('mute', new MuteTrackRequest({ sid: trackSid, muted: true }));
  await bob.update((one) => one.identity === 'ann' && one.tracks.some(({ muted }) => muted));
});

t.test('what happened meanwhile is told: who left, who came, what was asked', async (t) => {
  const server = await runServer(t);
  const { ann, bob, annSid } = await twoInCall(t, server);
  const eve = await RawClient.join(server.url, await server.token('eve'));
  t.teardown(() => eve.close());
  await ann.update((one) => one.identity === 'eve');
  ann.socket.terminate();
  await ann.closed;
  eve.send('leave', new LeaveRequest());
  await bob.update((one) => one.identity === 'eve' && one.state === ParticipantInfo_State.DISCONNECTED);
  await bob.publish([{ ...microphone, track: { ...microphone.track, ssrc: 78 } }]);
  await ann.reopen(server.url, await server.token('ann'), back(annSid));
  const { participants } = await ann.next('update');
  t.match(
    participants.find(({ identity }) => identity === 'eve'),
    { state: ParticipantInfo_State.DISCONNECTED },
  );
  t.equal(participants.find(({ identity }) => identity === 'bob')?.tracks.length, 1);
  await ann.subscribe();
  t.equal(ann.subscriber?.state === 'failed', false, 'the offer that waited came after it');
});

t.test('an offer that was not answered is made again, and a track that was not told is', async (t) => {
  const server = await runServer(t);
  const { ann, bob, annSid } = await twoInCall(t, server);
  await bob.publish([{ ...microphone, track: { ...microphone.track, ssrc: 78 } }]);
  const lost = await ann.next('offer');
  ann.send('addTrack', { cid: 'second', type: TrackType.AUDIO } as never);
  await ann.next('trackPublished');
  ann.socket.terminate();
  await ann.closed;
  await ann.reopen(server.url, await server.token('ann'), back(annSid));
  ann.send('syncState', new SyncState({ publishTracks: [{ cid: 'mic' }] }));
  t.match(await ann.next('offer'), { id: lost.id, sdp: lost.sdp });
  t.match(await ann.next('trackPublished'), { cid: 'second' });
});

t.test('a client that is back says what it wants to receive', async (t) => {
  const server = await runServer(t);
  const { ann, bob, bobSid, voice, trackSid } = await twoInCall(t, server);
  bob.socket.terminate();
  await bob.closed;
  await bob.reopen(server.url, await server.token('bob'), back(bobSid));
  const subscription = new UpdateSubscription({ trackSids: [trackSid], subscribe: false });
  bob.send('syncState', new SyncState({ subscription }));
  t.match((await bob.next('offer')).sdp, /a=inactive/);
  const before = bob.received.length;
  for (let i = 0; i < 10; i++) voice.send(Buffer.from('unheard'));
  ann.send('ping', 1n);
  await ann.next('pong');
  t.equal(bob.received.length, before);
});

t.test('who cannot be the same again has to join anew', async (t) => {
  const server = await runServer(t);
  const { ann, bob, annSid, voice } = await twoInCall(t, server);
  const refused = async (identity: string, sid: string, sessionId = 'demo'): Promise<void> => {
    const other = await RawClient.open(server.url, await server.token(identity, { sessionId }), back(sid));
    t.match(await other.next('leave'), { action: LeaveRequest_Action.RECONNECT, canReconnect: true });
    t.equal(other.responses.length, 1, 'and is told nothing else');
    await other.closed;
  };
  await refused('ann', 'PA_other');
  await refused('ann', '');
  await refused('eve', annSid);
  await refused('ann', annSid, 'elsewhere');
  const heard = bob.received.length;
  await voice.sendUntil(Buffer.from('on'), () => bob.received.length > heard);
  t.equal(ann.socket.readyState, ann.socket.OPEN, 'the true one is not touched');
  // Its media connection is gone, which a client may not know.
  ann.socket.terminate();
  await ann.publisher?.close();
  await bob.update((one) => one.identity === 'ann' && one.state === ParticipantInfo_State.DISCONNECTED);
  await refused('ann', annSid);
});

t.test('who joins anew takes the place of one that is away', async (t) => {
  const server = await runServer(t);
  const { ann, bob, annSid } = await twoInCall(t, server);
  ann.socket.terminate();
  await ann.closed;
  const again = await RawClient.open(server.url, await server.token('ann'));
  t.teardown(() => again.close());
  t.not((await again.next('join')).participant?.sid, annSid);
  t.match(await bob.update((one) => one.sid === annSid && one.state === ParticipantInfo_State.DISCONNECTED), {
    disconnectReason: DisconnectReason.DUPLICATE_IDENTITY,
  });
});

t.test('a client on a new socket is the same though the old one is still open', async (t) => {
  const server = await runServer(t);
  const { ann, bob, annSid, voice } = await twoInCall(t, server);
  const old = ann.closed;
  await ann.reopen(server.url, await server.token('ann'), back(annSid));
  await ann.next('reconnect');
  await old;
  const heard = bob.received.length;
  await voice.sendUntil(Buffer.from('on'), () => bob.received.length > heard);
  ann.send('ping', 1n);
  await ann.next('pong');
});

t.test('a client that does not come back is gone: at once when its media stopped, else in a while', async (t) => {
  const server = await runServer(t);
  const { ann, bob, annSid } = await twoInCall(t, server);
  ann.socket.terminate();
  const gone = await bob.update((one) => one.sid === annSid && one.state === ParticipantInfo_State.DISCONNECTED);
  t.equal(gone.disconnectReason, DisconnectReason.CONNECTION_TIMEOUT);
});
