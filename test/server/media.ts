import { randomInt } from 'node:crypto';
import { MuteTrackRequest, TrackSource, TrackType, UpdateSubscription, UpdateTrackSettings } from '@livekit/protocol';
import t from 'tap';
import { OFFERED_EXTENSION_IDS } from '../../src/engine/sdp/extensions.js';
import { OFFERED_PAYLOAD_TYPES } from '../../src/engine/sdp/offer.js';
import { readMid } from '../../src/engine/rtp/header-extensions.js';
import { RtpPacket } from '../../src/engine/rtp/packet.js';
import { writeRtp } from '../../src/engine/rtp/packet-writer.js';
import { writeNack } from '../../src/engine/rtp/rtcp-writer.js';
import { unwrapRtx } from '../../src/engine/rtp/rtx.js';
import { RawClient } from './raw-client.js';
import { runServer } from './running-server.js';

const MID = OFFERED_EXTENSION_IDS.mid;
const { opus, vp8, vp8Rtx } = OFFERED_PAYLOAD_TYPES;
const microphone = { cid: 'mic', type: TrackType.AUDIO, source: TrackSource.MICROPHONE };
const camera = { cid: 'cam', type: TrackType.VIDEO, source: TrackSource.CAMERA };
const KEY = Buffer.from([0x90, 0x80, 0x80, 0x05, 0x00, 0x01]);

/** Sends packets of one published track; each payload is its number. */
class Source {
  readonly #client: RawClient;
  readonly #payloadType: number;
  readonly #ssrc: number;
  readonly #mid: string;
  #sequence = randomInt(65_536);

  constructor(client: RawClient, mid: string, ssrc: number, payloadType: number) {
    this.#client = client;
    this.#mid = mid;
    this.#ssrc = ssrc;
    this.#payloadType = payloadType;
  }

  send(payload: Uint8Array): void {
    const sequenceNumber = this.#sequence++;
    const extensions = [{ id: MID, data: Buffer.from(this.#mid) }];
    const fields = {
      payloadType: this.#payloadType,
      ssrc: this.#ssrc,
      sequenceNumber,
      timestamp: sequenceNumber * 960,
      payload,
      extensions,
    };
    this.#client.publisher?.send(writeRtp(fields));
  }

  /** Sends the payload again and again until the condition holds. */
  async sendUntil(payload: Uint8Array, condition: () => boolean): Promise<void> {
    while (!condition()) {
      this.send(payload);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

const parsed = (buffer: Buffer): RtpPacket => {
  const packet = new RtpPacket();
  packet.parse(buffer);
  return packet;
};

t.test('others learn of a track before it is offered to them, and hear it', async (t) => {
  const { url, token } = await runServer(t);
  const ann = await RawClient.join(url, await token('ann'));
  const bob = await RawClient.join(url, await token('bob'));
  t.teardown(() => Promise.all([ann.close(), bob.close()]));
  const [sid = ''] = await ann.publish([
    { request: microphone, track: { kind: 'audio', codec: 'opus', payloadType: opus, ssrc: 77 } },
  ]);
  await bob.subscribe();
  const order = bob.responses.map((one) =>
    one.case === 'update' && one.value.participants.some((info) => info.tracks.some((track) => track.sid === sid))
      ? 'told'
      : one.case,
  );
  t.ok(order.indexOf('told') !== -1 && order.indexOf('told') < order.indexOf('offer'), order.join(' '));
  const offer = bob.responses.find((one) => one.case === 'offer')?.value;
  t.match(offer, { sdp: new RegExp(`a=msid:PA_\\w+\\|${sid} ${sid}`) }, 'the names by which clients find the track');
  const voice = new Source(ann, '0', 77, opus);
  await voice.sendUntil(Buffer.from('hello'), () => bob.received.length >= 3);
  const packet = bob.received[0] && parsed(bob.received[0]);
  t.equal(packet && Buffer.from(packet.payload()).toString(), 'hello');
  t.match(packet, { payloadType: opus });
  t.equal(packet && readMid(packet, MID), '0');
});

t.test('an answer has the id of its offer, and the tracks of a participant are in its info', async (t) => {
  const { url, token } = await runServer(t);
  const ann = await RawClient.join(url, await token('ann'));
  t.teardown(() => ann.close());
  const sids = await ann.publish([
    { request: { ...microphone, name: 'voice' }, track: { kind: 'audio', codec: 'opus', payloadType: opus, ssrc: 77 } },
    {
      request: { ...camera, width: 640, height: 360 },
      track: { kind: 'video', codec: 'vp8', payloadType: vp8, ssrc: 78 },
    },
  ]);
  t.match(ann.responses.find((one) => one.case === 'answer')?.value, { id: 7, type: 'answer' });
  const bob = await RawClient.open(url, await token('bob'));
  t.teardown(() => bob.close());
  t.match((await bob.next('join')).otherParticipants[0]?.tracks, [
    { sid: sids[0], name: 'voice', source: TrackSource.MICROPHONE, mimeType: 'audio/opus', mid: '0', muted: false },
    { sid: sids[1], width: 640, height: 360, mimeType: 'video/VP8', mid: '1' },
  ]);
  ann.send('mute', new MuteTrackRequest({ sid: sids[0] ?? '', muted: true }));
  await bob.update((one) => one.tracks.some(({ sid, muted }) => sid === sids[0] && muted));
});

t.test('video begins with a key frame, and a lost packet is sent again', async (t) => {
  const { url, token } = await runServer(t);
  const ann = await RawClient.join(url, await token('ann'));
  const bob = await RawClient.join(url, await token('bob'));
  t.teardown(() => Promise.all([ann.close(), bob.close()]));
  await ann.publish([
    {
      request: camera,
      track: { kind: 'video', codec: 'vp8', payloadType: vp8, ssrc: 88, rtxPayloadType: vp8Rtx, rtxSsrc: 89 },
    },
  ]);
  const subscriber = await bob.subscribe();
  const picture = new Source(ann, '0', 88, vp8);
  await bob.until(() => subscriber.state === 'connected');
  const delta = Buffer.from([0x90, 0x80, 0x80, 0x06, 0x01, 0x01]);
  for (let i = 0; i < 5; i++) picture.send(delta);
  await picture.sendUntil(KEY, () => bob.received.length >= 3);
  const [first, second] = bob.received.map(parsed);
  t.same(first && [...first.payload()], [...KEY], 'nothing before');
  bob.received.length = 0;
  // The request may come right after the packet; then it counts as crossed, and is made again.
  const lost = second?.sequenceNumber ?? 0;
  const ask = setInterval(() => subscriber.send(writeNack(1, second?.ssrc ?? 0, [lost])), 50);
  t.teardown(() => {
    clearInterval(ask);
  });
  await bob.until(() => bob.received.some((buffer) => parsed(buffer).payloadType === vp8Rtx));
  const again = bob.received.map(parsed).find((packet) => packet.payloadType === vp8Rtx);
  const original = again && unwrapRtx(again, second?.ssrc ?? 0, vp8);
  t.same(original && [parsed(Buffer.from(original)).sequenceNumber, ...parsed(Buffer.from(original)).payload()], [
    lost,
    ...KEY,
  ]);
});

t.test('who does not subscribe gets nothing; subscribing, pausing and ending work at any time', async (t) => {
  const { url, token } = await runServer(t);
  const ann = await RawClient.join(url, await token('ann'));
  const bob = await RawClient.join(url, await token('bob'), '&auto_subscribe=0');
  t.teardown(() => Promise.all([ann.close(), bob.close()]));
  const [sid = ''] = await ann.publish([
    { request: microphone, track: { kind: 'audio', codec: 'opus', payloadType: opus, ssrc: 77 } },
  ]);
  await bob.update((one) => one.tracks.some((track) => track.sid === sid));
  t.notOk(bob.responses.some((one) => one.case === 'offer'));
  bob.send('subscription', new UpdateSubscription({ trackSids: [sid], subscribe: true }));
  await bob.subscribe();
  const voice = new Source(ann, '0', 77, opus);
  await voice.sendUntil(Buffer.from('a'), () => bob.received.length >= 1);
  bob.send('trackSetting', new UpdateTrackSettings({ trackSids: [sid], disabled: true }));
  bob.send('trackSetting', new UpdateTrackSettings({ trackSids: [sid], disabled: false }));
  const before = bob.received.length;
  await voice.sendUntil(Buffer.from('b'), () => bob.received.length > before);
  const sequences = bob.received.map((buffer) => parsed(buffer).sequenceNumber);
  t.same(
    sequences.map((sequence) => sequence - (sequences[0] ?? 0)),
    [...sequences.keys()],
    'no gap where it was paused',
  );
  bob.send('subscription', new UpdateSubscription({ trackSids: [sid], subscribe: false }));
  t.match((await bob.next('offer')).sdp, /a=inactive/);
});

t.test('a subscriber connection that fails is replaced, and the media goes on', async (t) => {
  const { url, token } = await runServer(t, { logLevel: 'silent' });
  const ann = await RawClient.join(url, await token('ann'));
  const bob = await RawClient.join(url, await token('bob'));
  t.teardown(() => Promise.all([ann.close(), bob.close()]));
  await ann.publish([{ request: microphone, track: { kind: 'audio', codec: 'opus', payloadType: opus, ssrc: 77 } }]);
  const forged = await bob.subscribe((fingerprint) =>
    fingerprint.replace(/^../, (pair) => (pair === '00' ? '01' : '00')),
  );
  const second = await bob.subscribe();
  t.not(second.local.iceUfrag, forged.local.iceUfrag);
  await forged.close();
  const voice = new Source(ann, '0', 77, opus);
  await voice.sendUntil(Buffer.from('still here'), () => bob.received.length >= 1);
  t.equal(bob.received[0] && Buffer.from(parsed(bob.received[0]).payload()).toString(), 'still here');
});
