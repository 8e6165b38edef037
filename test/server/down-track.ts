import t from 'tap';
import { PACER_PRIORITY } from '../../src/engine/rtp/pacer.js';
import { RtpPacket } from '../../src/engine/rtp/packet.js';
import { writeRtp } from '../../src/engine/rtp/packet-writer.js';
import { parseRtcp } from '../../src/engine/rtp/rtcp.js';
import { readMid } from '../../src/engine/rtp/header-extensions.js';
import { unwrapRtx } from '../../src/engine/rtp/rtx.js';
import type { NegotiatedCodec } from '../../src/engine/sdp/negotiated.js';
import { DownTrack } from '../../src/server/forwarding/down-track.js';
import { EVERYTHING } from '../../src/server/forwarding/layer-choice.js';
import { UpStream } from '../../src/server/forwarding/up-stream.js';
import { UpTrack } from '../../src/server/forwarding/up-track.js';
import { PUBLISHED, SUBSCRIBED, VP8 } from './layered-source.js';

const KEY = Buffer.from([0x90, 0x80, 0x80, 0x05, 0x00, 0x01]);
const DELTA = Buffer.from([0x90, 0x80, 0x80, 0x06, 0x01, 0x01]);

/** A track with three layers, of which packets can be sent, and one subscriber whose packets are kept. */
function setUp() {
  const track = new UpTrack(PUBLISHED);
  const streams = { q: new UpStream(1, 'q', VP8), h: new UpStream(2, 'h', VP8), f: new UpStream(3, 'f', VP8) };
  const sent: { packet: RtpPacket; buffer: Buffer; priority: number }[] = [];
  const down = new DownTrack(track, 90_000, {
    enqueue: (buffer, priority) => {
      const packet = new RtpPacket();
      packet.parse(buffer);
      sent.push({ packet, buffer, priority });
    },
    resend: () => t.fail('video is sent again on a stream of its own'),
  });
  down.open = true;
  const next = { q: 100, h: 200, f: 65_534 };
  const packet = new RtpPacket();
  let nowUs = 1_000_000;
  const push = (rid: keyof typeof streams, payload: Uint8Array, paddingLength = 0): void => {
    const sequenceNumber = next[rid]++ & 0xffff;
    nowUs += 10_000;
    packet.parse(
      writeRtp({
        payloadType: 120,
        sequenceNumber,
        timestamp: nowUs * 0.09,
        ssrc: streams[rid].ssrc,
        marker: true,
        payload,
        paddingLength,
      }),
    );
    if (![...track.streams.values()].includes(streams[rid])) track.addStream(streams[rid]);
    const sequence = streams[rid].accept(packet, false, nowUs);
    if (sequence !== undefined) track.deliver(streams[rid], packet, sequence, nowUs);
    track.tick(nowUs);
    down.tick(nowUs);
  };
  const asked = (rid: keyof typeof streams): boolean => streams[rid].takeKeyFrameRequest((nowUs += 1_000_000));
  return { track, streams, down, sent, next, push, asked, now: () => nowUs };
}

t.test('video begins at a key frame, under the names that the subscriber agreed to', (t) => {
  const { down, sent, push, asked } = setUp();
  push('q', KEY);
  t.equal(sent.length, 0, 'nothing before the answer');
  down.agree(SUBSCRIBED);
  push('q', DELTA);
  t.equal(sent.length, 0, 'nothing before a key frame');
  t.ok(asked('q'), 'which is asked for');
  push('q', KEY);
  push('q', DELTA);
  t.equal(sent.length, 2);
  const [first, second] = sent;
  t.match(first?.packet, { ssrc: down.ssrc, payloadType: 96, marker: true, sequenceNumber: 0 });
  t.equal(first && readMid(first.packet, 4), '3');
  t.equal(second?.packet.sequenceNumber, 1);
  t.equal(second?.packet.timestamp, (first?.packet.timestamp ?? 0) + 900, '10 ms later');
  t.equal(first?.priority, PACER_PRIORITY.video);
  t.end();
});

t.test('video begins when packets get through, not before', (t) => {
  const { streams, down, sent, push, asked } = setUp();
  down.open = false;
  down.agree(SUBSCRIBED);
  push('q', KEY);
  push('q', DELTA);
  t.equal(sent.length, 0);
  t.notOk(asked('q'), 'and the key frame is not asked for when it would be lost');
  down.open = true;
  t.ok(asked('q'));
  push('q', KEY);
  t.equal(sent.length, 1);
  t.equal(streams.q.keyFrameRequests, 1);
  t.end();
});

t.test('the highest layer that is sent and wanted is shown, and changed at key frames without a gap', (t) => {
  const { down, sent, push, asked } = setUp();
  down.agree(SUBSCRIBED);
  push('q', KEY);
  push('h', DELTA);
  push('q', DELTA);
  t.equal(sent.length, 2, 'the low layer goes on until the next has a key frame');
  t.ok(asked('h'));
  push('q', DELTA);
  push('h', KEY);
  push('q', DELTA);
  push('h', DELTA);
  t.same(
    sent.map(({ packet }) => packet.sequenceNumber),
    [0, 1, 2, 3, 4],
  );
  const pictureIds = sent.map(({ packet }) => packet.payload()[3]);
  t.same(pictureIds, [5, 6, 6, 7, 8], 'picture ids go on');
  down.wish = { ...EVERYTHING, maxRank: 0 };
  push('h', DELTA);
  t.ok(asked('q'), 'a lower layer is wanted');
  push('q', KEY);
  push('h', DELTA);
  t.equal(sent.at(-1)?.packet.payload()[3], 9);
  t.equal(sent.length, 7);
  t.end();
});

t.test('a key frame whose beginning comes late is no place to change', (t) => {
  const { track, streams, down, sent, push } = setUp();
  down.agree(SUBSCRIBED);
  push('q', KEY);
  push('f', DELTA);
  const late = new RtpPacket();
  late.parse(
    writeRtp({ payloadType: 120, sequenceNumber: 65_500, timestamp: 1, ssrc: 3, marker: false, payload: KEY }),
  );
  const sequence = streams.f.accept(late, true, 2_000_000);
  track.deliver(streams.f, late, sequence!, 2_000_000);
  t.equal(sent.length, 1);
  push('f', KEY);
  t.equal(sent.length, 2);
  t.end();
});

t.test('a layer that is not sent any more is left at once', (t) => {
  const { down, sent, push, asked } = setUp();
  down.agree(SUBSCRIBED);
  push('q', KEY);
  push('f', KEY);
  push('f', DELTA);
  t.equal(sent.length, 3);
  for (let i = 0; i < 20; i++) push('q', DELTA);
  t.ok(asked('q'), 'after 200 ms of nothing');
  push('q', KEY);
  t.equal(sent.length, 4);
  push('f', DELTA);
  push('f', KEY);
  t.equal(sent.length, 5, 'and taken again when it comes back');
  t.end();
});

t.test('padding is left out, with its sequence numbers', (t) => {
  const { down, sent, push } = setUp();
  down.agree(SUBSCRIBED);
  push('q', KEY);
  push('q', Buffer.alloc(0), 255);
  push('q', Buffer.alloc(0), 255);
  push('q', DELTA);
  t.same(
    sent.map(({ packet }) => packet.sequenceNumber),
    [0, 1],
  );
  t.end();
});

t.test('losses are answered by RTX, from what was sent to this subscriber', (t) => {
  const { down, sent, push, now } = setUp();
  down.agree(SUBSCRIBED);
  push('f', KEY);
  push('f', DELTA);
  push('f', DELTA);
  const original = sent[1];
  down.onNack([1, 999], now() + 50_000);
  t.equal(sent.length, 4);
  const resent = sent[3];
  t.match(resent?.packet, { ssrc: down.rtxSsrc, payloadType: 97 });
  t.equal(resent?.priority, PACER_PRIORITY.retransmission);
  const restored = resent && unwrapRtx(resent.packet, down.ssrc, 96);
  t.same(restored && Buffer.from(restored), original?.buffer);
  down.onNack([1], now() + 51_000);
  t.equal(sent.length, 4, 'the same request again, right away, is the same loss');
  down.onNack([2], now() + 60_000, 80_000);
  t.equal(sent.length, 4, 'a request that crossed the packet on a slow way');
  t.end();
});

t.test('sound that is asked for leaves again to the last bit as it was, where it was agreed on', (t) => {
  const opus: NegotiatedCodec = { name: 'opus', payloadType: 111, clockRate: 48_000, fmtp: {}, feedback: ['nack'] };
  const codecs = new Map([[111, opus]]);
  const track = new UpTrack({ ...PUBLISHED, kind: 'audio', codecs, rtx: new Map(), rids: [] });
  const stream = new UpStream(1, '', opus);
  track.addStream(stream);
  const sent: Buffer[] = [];
  const resent: Buffer[] = [];
  const down = new DownTrack(track, 48_000, {
    enqueue: (packet) => sent.push(packet),
    resend: (packet) => resent.push(packet),
  });
  down.open = true;
  const view = new RtpPacket();
  const speak = (sequenceNumber: number): void => {
    const payload = Buffer.of(0xf8, sequenceNumber);
    view.parse(writeRtp({ payloadType: 111, ssrc: 1, timestamp: sequenceNumber * 960, sequenceNumber, payload }));
    const nowUs = sequenceNumber * 20_000;
    track.deliver(stream, view, stream.accept(view, false, nowUs)!, nowUs);
  };
  const agreed = { ...SUBSCRIBED, kind: 'audio' } as const;
  down.agree({ ...agreed, codecs: [{ ...opus, feedback: [] }] });
  for (let i = 0; i < 5; i++) speak(i);
  down.onNack([3], 100_000);
  t.same(resent, [], 'to a subscriber that said it would not ask');
  down.agree({ ...agreed, codecs: [opus] });
  for (let i = 5; i < 10; i++) speak(i);
  const number = (packet: Buffer): number => packet.readUInt16BE(2);
  down.onNack([number(sent[7]!), 5000], 200_000);
  t.same(resent, [sent[7]]);
  t.equal(sent.length, 10, 'nothing of it counts as new');
  t.end();
});

t.test('padding is new on the retransmission stream, and a packet again where it fits', (t) => {
  const { down, sent, push } = setUp();
  t.equal(down.pad(200), undefined, 'nothing before the answer');
  down.agree(SUBSCRIBED);
  const parse = (buffer: Buffer | undefined): RtpPacket => {
    const packet = new RtpPacket();
    t.ok(buffer && packet.parse(buffer));
    return packet;
  };
  const padding = parse(down.pad(100));
  t.match(padding, { ssrc: down.rtxSsrc, payloadType: 97, payloadLength: 0, sequenceNumber: 0 });
  t.equal(padding.buffer.length, 100);
  push('q', Buffer.concat([KEY, Buffer.alloc(900)]));
  t.equal(parse(down.pad(500)).paddingLength, 255);
  const again = parse(down.pad(1200));
  t.equal(again.sequenceNumber, 2);
  const restored = unwrapRtx(again, down.ssrc, 96);
  t.same(restored && Buffer.from(restored), sent[0]?.buffer);
  t.end();
});

t.test('a disabled track is silent and comes back with a key frame, its numbers going on', (t) => {
  const { track, down, sent, push, asked } = setUp();
  down.agree(SUBSCRIBED);
  push('q', KEY);
  down.wish = { ...EVERYTHING, disabled: true };
  t.equal(down.wantedRank, -1);
  push('q', DELTA);
  push('q', KEY);
  t.equal(sent.length, 1);
  down.wish = EVERYTHING;
  push('q', DELTA);
  t.equal(sent.length, 1);
  t.ok(asked('q'));
  push('q', KEY);
  push('q', DELTA);
  t.same(
    sent.map(({ packet }) => packet.sequenceNumber),
    [0, 1, 2],
  );
  down.target = undefined;
  push('q', KEY);
  t.equal(sent.length, 3, 'nor is there anything where there is no room');
  t.equal(track.sinkCount, 1);
  t.end();
});

t.test('sender reports tell the publisher time, on the timestamps that were sent', (t) => {
  const { streams, down, sent, push } = setUp();
  down.agree(SUBSCRIBED);
  t.equal(down.report('PA_x', 0), undefined);
  push('q', KEY);
  const timestamp = sent[0]?.packet.timestamp ?? 0;
  const ntpUs = 4_000_000_000_000_000;
  streams.q.clockPoint = { ntpUs, rtpTimestamp: timestamp };
  const report = down.report('PA_x', ntpUs + 1_000_000);
  t.match(report && parseRtcp(report), [
    {
      type: 'sr',
      ssrc: down.ssrc,
      rtpTimestamp: (timestamp + 90_000) >>> 0,
      ntpSeconds: 4_000_000_001,
      packetCount: 1,
      octetCount: KEY.length,
    },
    { type: 'sdes', chunks: [{ ssrc: down.ssrc, cname: 'PA_x' }] },
  ]);
  t.end();
});

t.test('a closed track takes nothing any more', (t) => {
  const { track, down, sent, push } = setUp();
  down.agree(SUBSCRIBED);
  push('q', KEY);
  down.close();
  push('q', DELTA);
  t.equal(sent.length, 1);
  t.equal(track.sinkCount, 0);
  t.end();
});
