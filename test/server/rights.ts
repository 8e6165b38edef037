import {
  AddTrackRequest,
  AudioTrackFeature,
  DisconnectReason,
  LeaveRequest_Action,
  RequestResponse_Reason,
  SimulateScenario,
  SubscriptionError,
  SubscriptionPermission,
  type TrackInfo,
  TrackPermission,
  TrackSource,
  TrackType,
  UpdateLocalAudioTrack,
  UpdateLocalVideoTrack,
  UpdateSubscription,
} from '@livekit/protocol';
import { SignJWT, decodeJwt } from 'jose';
import { TrackSource as GrantedSource, RoomServiceClient } from 'livekit-server-sdk';
import t, { type Test } from 'tap';
import { OFFERED_PAYLOAD_TYPES } from '../../src/engine/sdp/offer.js';
import { createToken, verifyToken } from '../../src/server/token.js';
import { RawClient } from './raw-client.js';
import { RtpSource } from './rtp-source.js';
import { type RunningServer, runServer } from './running-server.js';

const { opus, vp8 } = OFFERED_PAYLOAD_TYPES;
const KEYS = { key: 'a-secret-of-the-test' };
const microphone = {
  request: new AddTrackRequest({ cid: 'mic', type: TrackType.AUDIO, source: TrackSource.MICROPHONE }),
  track: { kind: 'audio', codec: 'opus', payloadType: opus, ssrc: 77 },
} as const;
const camera = {
  request: new AddTrackRequest({ cid: 'cam', type: TrackType.VIDEO, source: TrackSource.CAMERA }),
  track: { kind: 'video', codec: 'vp8', payloadType: vp8, ssrc: 78 },
} as const;

interface Call {
  readonly server: RunningServer;
  readonly admin: RoomServiceClient;
  readonly ann: RawClient;
  readonly bob: RawClient;
  readonly annSid: string;
  readonly voice: RtpSource;
  readonly trackSid: string;
}

/** Ann is heard by Bob. */
async function call(t: Test): Promise<Call> {
  const server = await runServer(t, { keys: KEYS });
  const admin = new RoomServiceClient(server.httpUrl, 'key', KEYS.key);
  const ann = await RawClient.open(server.url, await server.token('ann'));
  const annSid = (await ann.next('join')).participant?.sid ?? '';
  const bob = await RawClient.join(server.url, await server.token('bob'));
  t.teardown(() => Promise.all([ann.close(), bob.close()]));
  const [trackSid = ''] = await ann.publish([microphone]);
  await bob.subscribe();
  const voice = new RtpSource((packet) => ann.publisher?.send(packet), { mid: '0', ssrc: 77, payloadType: opus });
  await voice.sendUntil(Buffer.from('heard'), () => bob.received.length > 0);
  return { server, admin, ann, bob, annSid, voice, trackSid };
}

/** Sends, and lets the server get it: what it forwards is there after this. */
async function sendSome({ ann, bob, voice }: Call): Promise<void> {
  for (let i = 0; i < 5; i++) voice.send(Buffer.from('more'));
  for (const client of [ann, bob]) {
    client.send('ping', 1n);
    await client.next('pong');
  }
}

t.test('who may not publish any more is not heard any more, and everyone is told', async (t) => {
  const setting = await call(t);
  const { admin, ann, bob, trackSid } = setting;
  await admin.updateParticipant('demo', 'ann', {
    permission: { canPublish: false, canSubscribe: true, canPublishData: true },
  });
  t.match(await ann.next('trackUnpublished'), { trackSid });
  const renewed = await ann.next('refreshToken');
  t.match(decodeJwt(renewed), { sub: 'ann', video: { room: 'demo', roomJoin: true, canPublish: false } });
  t.match(await bob.renegotiate(), /a=inactive/);
  const info = await bob.update((one) => one.identity === 'ann' && one.permission?.canPublish === false);
  t.equal(info.tracks.length, 0);
  const before = bob.received.length;
  await sendSome(setting);
  t.equal(bob.received.length, before);
  ann.send('addTrack', microphone.request);
  t.match(await ann.next('requestResponse'), { reason: RequestResponse_Reason.NOT_ALLOWED });
  await admin.updateParticipant('demo', 'ann', {
    permission: { canPublish: true, canSubscribe: true, canPublishData: true },
  });
  await ann.publish([microphone]);
  t.match(await bob.renegotiate(), /a=sendonly/, 'it may again');
});

t.test('only the sources that may not be published end', async (t) => {
  const { admin, ann, bob } = await call(t);
  const sids = await ann.publish([microphone, camera]);
  await admin.updateParticipant('demo', 'ann', {
    permission: {
      canPublish: true,
      canSubscribe: true,
      canPublishData: true,
      canPublishSources: [GrantedSource.MICROPHONE],
    },
  });
  t.match(await ann.next('trackUnpublished'), { trackSid: sids[1] });
  const info = await bob.update((one) => one.identity === 'ann' && one.tracks.length === 1);
  t.match(info.tracks[0], { source: TrackSource.MICROPHONE });
});

t.test('who may not subscribe any more gets nothing from then on, and all again when it may', async (t) => {
  const setting = await call(t);
  const { admin, bob, voice } = setting;
  const may = { canPublish: true, canPublishData: true };
  await admin.updateParticipant('demo', 'bob', { permission: { ...may, canSubscribe: false } });
  t.match(await bob.renegotiate(), /a=inactive/);
  const before = bob.received.length;
  await sendSome(setting);
  t.equal(bob.received.length, before);
  bob.send('subscription', new UpdateSubscription({ trackSids: [setting.trackSid], subscribe: true }));
  t.match(await bob.next('requestResponse'), { reason: RequestResponse_Reason.NOT_ALLOWED });
  await admin.updateParticipant('demo', 'bob', { permission: { ...may, canSubscribe: true } });
  t.match(await bob.renegotiate(), /a=sendonly/);
  await voice.sendUntil(Buffer.from('again'), () => bob.received.length > before);
});

t.test('a publisher says who may subscribe, and each is told', async (t) => {
  const setting = await call(t);
  const { server, ann, bob, annSid, voice, trackSid } = setting;
  ann.send('subscriptionPermission', new SubscriptionPermission({ allParticipants: false }));
  t.match(await bob.next('subscriptionPermissionUpdate'), { participantSid: annSid, trackSid, allowed: false });
  t.match(await bob.renegotiate(), /a=inactive/);
  const before = bob.received.length;
  await sendSome(setting);
  t.equal(bob.received.length, before);
  const eve = await RawClient.join(server.url, await server.token('eve'));
  t.teardown(() => eve.close());
  t.match(await eve.next('subscriptionPermissionUpdate'), { trackSid, allowed: false }, 'also who comes later');
  t.notOk(eve.responses.some((one) => one.case === 'offer'));
  const trackPermissions = [new TrackPermission({ participantIdentity: 'bob', trackSids: [trackSid] })];
  ann.send('subscriptionPermission', new SubscriptionPermission({ allParticipants: false, trackPermissions }));
  t.match(await bob.next('subscriptionPermissionUpdate'), { trackSid, allowed: true });
  t.match(await bob.renegotiate(), /a=sendonly/);
  await voice.sendUntil(Buffer.from('again'), () => bob.received.length > before);
  t.notOk(eve.responses.some((one) => one.case === 'offer'));
});

t.test('what cannot be subscribed to is answered with the reason', async (t) => {
  const { bob } = await call(t);
  bob.send('subscription', new UpdateSubscription({ trackSids: ['TR_none'], subscribe: true }));
  t.match(await bob.next('subscriptionResponse'), { trackSid: 'TR_none', err: SubscriptionError.SE_TRACK_NOTFOUND });
});

t.test('a publisher learns that it is received, and can say more of its tracks', async (t) => {
  const { ann, bob, trackSid } = await call(t);
  t.match(await ann.next('trackSubscribed'), { trackSid });
  const features = [AudioTrackFeature.TF_ECHO_CANCELLATION, AudioTrackFeature.TF_ECHO_CANCELLATION];
  ann.send('updateAudioTrack', new UpdateLocalAudioTrack({ trackSid, features }));
  const info = await bob.update((one) => one.tracks.some(({ audioFeatures }) => audioFeatures.length > 0));
  t.same(info.tracks[0]?.audioFeatures, [AudioTrackFeature.TF_ECHO_CANCELLATION]);
  const [, video = ''] = await ann.publish([microphone, camera]);
  ann.send('updateVideoTrack', new UpdateLocalVideoTrack({ trackSid: video, width: 320, height: 180 }));
  await bob.update((one) => one.tracks.some((track) => isSized(track, video, 320, 180)));
});

t.test('how many are in the room is told', async (t) => {
  const { server, bob } = await call(t);
  await bob.next('roomUpdate', ({ room }) => room?.numParticipants === 2 && room.numPublishers === 1);
  const eve = await RawClient.join(server.url, await server.token('eve'));
  t.teardown(() => eve.close());
  await bob.next('roomUpdate', ({ room }) => room?.numParticipants === 3);
});

t.test('a token is renewed before it ends, with what its participant is called by then', async (t) => {
  const server = await runServer(t, { keys: KEYS });
  const token = await createToken({
    apiKey: 'key',
    apiSecret: KEYS.key,
    identity: 'ann',
    name: 'Ann',
    sessionId: 'demo',
    attributes: { a: '1' },
    kind: 'agent',
    ttlSeconds: 2,
    grants: { canPublishSources: ['camera'], canUpdateOwnMetadata: true },
  });
  const ann = await RawClient.join(server.url, token);
  t.teardown(() => ann.close());
  ann.send('updateMetadata', { name: 'Anna', metadata: '', attributes: {}, requestId: 1 } as never);
  const renewed = await verifyToken(await ann.next('refreshToken'), KEYS);
  t.match(renewed, {
    identity: 'ann',
    sessionId: 'demo',
    name: 'Anna',
    attributes: { a: '1' },
    kind: 'agent',
    permissions: { canPublishSources: ['camera'], canUpdateOwnMetadata: true, canSubscribe: true },
  });
  const remainingMs = renewed.expiresAtMs - Date.now();
  t.ok(remainingMs > 500_000 && remainingMs <= 600_000, `${remainingMs} ms`);
});

t.test('a client can try out how it is sent away', async (t) => {
  const { server } = await call(t);
  const cases = [
    ['serverLeave', DisconnectReason.SERVER_SHUTDOWN, LeaveRequest_Action.DISCONNECT],
    ['leaveRequestFullReconnect', DisconnectReason.STATE_MISMATCH, LeaveRequest_Action.RECONNECT],
  ] as const;
  for (const [name, reason, action] of cases) {
    const eve = await RawClient.join(server.url, await server.token('eve'));
    eve.send('simulate', new SimulateScenario({ scenario: { case: name, value: true } }));
    t.match(await eve.next('leave'), { reason, action });
    await eve.closed;
  }
});

t.test('a token that grants more than joining is taken, as far as it goes', async (t) => {
  const server = await runServer(t, { keys: KEYS });
  const grants = { roomCreate: true, roomList: true, roomRecord: true, ingressAdmin: true, recorder: false };
  const token = await new SignJWT({
    video: { roomJoin: true, room: 'demo', ...grants },
    sip: { call: true },
    roomConfig: { name: 'demo', metadata: 'x', maxParticipants: 5, agents: [{ agentName: 'bot' }] },
    roomPreset: 'large',
  })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer('key')
    .setSubject('ann')
    .setExpirationTime('1m')
    .sign(new TextEncoder().encode(KEYS.key));
  const ann = await RawClient.open(server.url, token);
  t.teardown(() => ann.close());
  t.match(await ann.next('join'), { room: { name: 'demo' }, participant: { identity: 'ann' } });
});

/** The size is deprecated in favour of layers, which this request does not have. */
function isSized(track: TrackInfo, sid: string, width: number, height: number): boolean {
  const fields = track.toJson() as Record<string, unknown>;
  return track.sid === sid && fields['width'] === width && fields['height'] === height;
}
