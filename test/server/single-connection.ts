import {
  JoinRequest,
  TrackSource,
  TrackType,
  UpdateSubscription,
  WrappedJoinRequest,
  WrappedJoinRequest_Compression,
} from '@livekit/protocol';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { readMid } from '../../src/engine/rtp/header-extensions.js';
import { RtpPacket } from '../../src/engine/rtp/packet.js';
import { OFFERED_PAYLOAD_TYPES } from '../../src/engine/sdp/offer.js';
import { RawClient } from './raw-client.js';
import { RtpSource, rtpOf } from './rtp-source.js';
import { runServer } from './running-server.js';
import { SingleClient, packJoin } from './single-client.js';

const { opus } = OFFERED_PAYLOAD_TYPES;
const microphone = { cid: 'mic', type: TrackType.AUDIO, source: TrackSource.MICROPHONE };
const speech = (ssrc: number) => ({ kind: 'audio', codec: 'opus', payloadType: opus, ssrc }) as const;

const parsed = (buffer: Buffer): RtpPacket => {
  const packet = new RtpPacket();
  packet.parse(buffer);
  return packet;
};

t.test('what is there is in the first answer, with the payload types of the offer', async (t) => {
  const { url, token } = await runServer(t);
  const ann = await RawClient.open(url, await token('ann'));
  const annSid = (await ann.next('join')).participant?.sid ?? '';
  t.teardown(() => ann.close());
  const [sid = ''] = await ann.publish([{ request: microphone, track: speech(77) }]);
  const bob = await SingleClient.join(url, await token('bob'), { audio: 2, video: 1 });
  t.teardown(() => bob.close());
  const { sections, trackIds } = await bob.answer();
  t.same(
    [...sections.values()].map(({ direction }) => direction),
    ['sendonly', 'inactive', 'inactive'],
  );
  t.match(sections.get('0'), { msid: { streamId: `${annSid}|${sid}` }, codecs: [{ payloadType: 63, name: 'opus' }] });
  t.same([...trackIds], [['0', sid]], 'clients know it by the mid');
  t.notOk(bob.signal.responses.some((one) => one.case === 'offer' || one.case === 'mediaSectionsRequirement'));
  const voice = new RtpSource((packet) => ann.publisher?.send(packet), { mid: '0', ssrc: 77, payloadType: opus });
  await voice.sendUntil(Buffer.from('hello'), () => bob.received.length > 2);
  const packet = bob.received[0] && parsed(bob.received[0]);
  t.match(packet, { payloadType: 63, ssrc: sections.get('0')?.ssrcs[0]?.ssrc });
  t.equal(packet && readMid(packet, 9), '0', 'with the extension ids of the offer');
  t.equal(bob.received[0] && rtpOf(bob.received[0]).text, 'hello');
});

t.test('an offer is asked for when there is something new, with m-lines where they are missing', async (t) => {
  const { url, token } = await runServer(t);
  const ann = await SingleClient.join(url, await token('ann'), { audio: 1, video: 0 });
  const bob = await SingleClient.join(url, await token('bob'), { audio: 1, video: 0 });
  t.teardown(() => Promise.all([ann.close(), bob.close()]));
  await Promise.all([ann.answer(), bob.answer()]);
  const mid = await ann.publish(microphone, speech(77));
  await ann.answer();
  t.match(
    await bob.signal.next('mediaSectionsRequirement'),
    { numAudios: 0, numVideos: 0 },
    'there is one that is free',
  );
  const order = bob.signal.responses.map((one) => one.case);
  t.ok(order.lastIndexOf('update') < order.indexOf('mediaSectionsRequirement'), 'the track is known before');
  bob.offer();
  const first = await bob.answer();
  t.equal(first.trackIds.size, 1);
  const other = await ann.publish({ ...microphone, cid: 'second' }, speech(78));
  await ann.answer();
  t.match(await bob.signal.next('mediaSectionsRequirement'), { numAudios: 1, numVideos: 0 });
  bob.offer({ audio: 1, video: 0 });
  const second = await bob.answer();
  t.same([...second.trackIds.keys()], ['0', '1']);
  const [voice, talk] = [
    new RtpSource((packet) => ann.transport.send(packet), { mid, ssrc: 77, payloadType: opus }),
    new RtpSource((packet) => ann.transport.send(packet), { mid: other, ssrc: 78, payloadType: opus }),
  ];
  const texts = (): Set<string> => new Set(bob.received.map((one) => rtpOf(one).text));
  await voice.sendUntil(Buffer.from('voice'), () => texts().has('voice'));
  await talk.sendUntil(Buffer.from('talk'), () => texts().has('talk'));
  const ssrcs = new Map(bob.received.map((one) => [rtpOf(one).text, rtpOf(one).ssrc]));
  t.equal(ssrcs.get('voice'), second.sections.get('0')?.ssrcs[0]?.ssrc);
  t.equal(ssrcs.get('talk'), second.sections.get('1')?.ssrcs[0]?.ssrc);
});

t.test('an m-line carries another track only after the client has seen it inactive', async (t) => {
  const { url, token } = await runServer(t);
  const ann = await RawClient.join(url, await token('ann'));
  t.teardown(() => ann.close());
  const [one = ''] = await ann.publish([
    { request: microphone, track: speech(77) },
    { request: { ...microphone, cid: 'second' }, track: speech(78) },
  ]);
  const bob = await SingleClient.join(url, await token('bob'), { audio: 1, video: 0 });
  t.teardown(() => bob.close());
  t.same([...(await bob.answer()).trackIds], [['0', one]]);
  t.match(await bob.signal.next('mediaSectionsRequirement'), { numAudios: 1 });
  bob.signal.send('subscription', new UpdateSubscription({ trackSids: [one], subscribe: false }));
  bob.signal.send('ping', 1n);
  await bob.signal.next('pong');
  bob.offer();
  const between = await bob.answer();
  t.match(between.sections.get('0'), { direction: 'inactive' });
  t.equal(between.trackIds.size, 0);
  t.match(await bob.signal.next('mediaSectionsRequirement'), { numAudios: 0 }, 'it will do for the other one');
  bob.offer();
  const [[mid, sid] = []] = (await bob.answer()).trackIds;
  t.equal(mid, '0');
  t.not(sid, one);
});

t.test('a client is back with its one connection', async (t) => {
  const { url, token } = await runServer(t);
  const ann = await RawClient.join(url, await token('ann'));
  t.teardown(() => ann.close());
  await ann.publish([{ request: microphone, track: speech(77) }]);
  const bob = await SingleClient.join(url, await token('bob'), { audio: 1, video: 0 });
  t.teardown(() => bob.close());
  const sid = bob.signal.responses.flatMap((one) => (one.case === 'join' ? [one.value.participant?.sid] : []))[0] ?? '';
  const first = await bob.answer();
  // Who has no connection yet has nothing to come back to.
  const voice = new RtpSource((packet) => ann.publisher?.send(packet), { mid: '0', ssrc: 77, payloadType: opus });
  await voice.sendUntil(Buffer.from('hello'), () => bob.received.length > 0);
  bob.signal.socket.terminate();
  await bob.signal.closed;
  const request = new JoinRequest({ reconnect: true, participantSid: sid });
  await bob.signal.reopen(url, await token('bob'), `&join_request=${packJoin(request)}`, '/rtc/v1');
  await bob.signal.next('reconnect');
  bob.offer();
  const again = await bob.answer();
  t.same(again.trackIds, first.trackIds);
  t.same(again.sections.get('0')?.ssrcs, first.sections.get('0')?.ssrcs);
  const before = bob.received.length;
  await voice.sendUntil(Buffer.from('hello'), () => bob.received.length > before + 2);
});

t.test('a request to join that cannot be read is refused, by HTTP too', async (t) => {
  const { url, httpUrl, token } = await runServer(t);
  const bearer = await token('ann');
  const bomb = new WrappedJoinRequest({
    compression: WrappedJoinRequest_Compression.GZIP,
    joinRequest: gzipSync(Buffer.alloc(5_000_000)),
  });
  const changing = packJoin(new JoinRequest({ metadata: 'mine' }), WrappedJoinRequest_Compression.NONE);
  const cases: [string, number][] = [
    ['', 400],
    ['&join_request=%25%25', 400],
    ['&join_request=AAAA', 400],
    [`&join_request=${Buffer.from(bomb.toBinary()).toString('base64url')}`, 400],
    [`&join_request=${changing}`, 403],
  ];
  for (const [query, status] of cases) {
    await t.rejects(RawClient.open(url, bearer, query, '/rtc/v1'), { message: new RegExp(String(status)) });
    const answer = await fetch(`${httpUrl}/rtc/v1/validate?access_token=${bearer}${query}`);
    t.equal(answer.status, status);
    t.equal(answer.headers.get('access-control-allow-origin'), '*');
  }
  const good = packJoin(new JoinRequest());
  t.equal((await fetch(`${httpUrl}/rtc/v1/validate?access_token=${bearer}&join_request=${good}`)).status, 200);
  t.equal((await fetch(`${httpUrl}/rtc/v1/validate?join_request=${good}`)).status, 401);
});
