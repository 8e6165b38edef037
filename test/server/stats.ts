import { LeaveRequest, TrackSource, TrackType } from '@livekit/protocol';
import t from 'tap';
import { writePli } from '../../src/engine/rtp/rtcp-writer.js';
import { RawClient } from './raw-client.js';
import { RtpSource, rtpOf } from './rtp-source.js';
import { runServer } from './running-server.js';

const microphone = { cid: 'mic', type: TrackType.AUDIO, source: TrackSource.MICROPHONE };

t.test('a server says what it has and has counted, also of those who have left', async (t) => {
  const { url, token, service } = await runServer(t, { logLevel: 'silent' });
  const nothing = { rooms: 0, participants: 0, tracks: 0, subscriptions: 0, joins: { accepted: 0, refused: 0 } };
  t.match(service.stats(), { ...nothing, media: { packetsReceived: 0, packetsSent: 0 } });
  const ann = await RawClient.join(url, await token('ann'));
  const bob = await RawClient.join(url, await token('bob'));
  t.teardown(() => Promise.all([ann.close(), bob.close()]));
  await t.rejects(RawClient.open(url, 'forged'));
  await ann.publish([{ request: microphone, track: { kind: 'audio', codec: 'opus', payloadType: 111, ssrc: 7 } }]);
  const subscriber = await bob.subscribe();
  const voice = new RtpSource((packet) => ann.publisher?.send(packet), { mid: '0', ssrc: 7, payloadType: 111 });
  const stranger = new RtpSource((packet) => ann.publisher?.send(packet), { mid: '9', ssrc: 8, payloadType: 99 });
  await voice.sendUntil(Buffer.from('voice'), () => bob.received.length > 0);
  for (let i = 0; i < 5; i++) stranger.send(Buffer.from('noise'));
  const ssrc = rtpOf(bob.received[0] ?? Buffer.alloc(0)).ssrc;
  for (let i = 0; i < 3; i++) subscriber.send(writePli(1, ssrc));
  await voice.sendUntil(
    Buffer.from('voice'),
    () => service.stats().media.packetsDiscarded === 5 && service.stats().media.plisReceived === 3,
  );
  const present = service.stats();
  t.match(present, { rooms: 1, participants: 2, tracks: 1, subscriptions: 1, joins: { accepted: 2, refused: 1 } });
  const { media } = present;
  t.ok(media.packetsReceived >= media.packetsSent + 5, JSON.stringify(media));
  t.ok(media.packetsSent >= bob.received.length && media.bytesSent > 12 * media.packetsSent, JSON.stringify(media));
  t.equal(media.packetsReceived - media.packetsDiscarded, media.packetsSent + media.packetsWithheld);
  for (const client of [ann, bob]) {
    client.send('leave', new LeaveRequest());
    await client.closed;
  }
  const after = service.stats();
  t.match(after, { rooms: 0, participants: 0, tracks: 0, subscriptions: 0, joins: { accepted: 2 } });
  t.ok(after.media.packetsSent >= media.packetsSent && after.media.packetsDiscarded === 5, JSON.stringify(after.media));
});
