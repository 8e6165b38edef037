import t from 'tap';
import { PACER_PRIORITY } from '../../src/engine/rtp/pacer.js';
import { RtpPacket } from '../../src/engine/rtp/packet.js';
import { writeRtp } from '../../src/engine/rtp/packet-writer.js';
import { parseRtcp } from '../../src/engine/rtp/rtcp.js';
import { readMid } from '../../src/engine/rtp/header-extensions.js';
import { unwrapRtx } from '../../src/engine/rtp/rtx.js';
import type { NegotiatedCodec, ReceivedSection, SentSection } from '../../src/engine/sdp/negotiated.js';
import { DownTrack } from '../../src/server/forwarding/down-track.js';
import { UpStream } from '../../src/server/forwarding/up-stream.js';
import { UpTrack } from '../../src/server/forwarding/up-track.js';

const VP8: NegotiatedCodec = {
  name: 'vp8',
  payloadType: 120,
  rtxPayloadType: 121,
  clockRate: 90_000,
  fmtp: {},
  feedback: ['nack', 'nack pli'],
};
const SECTION: ReceivedSection = {
  mid: '7',
  kind: 'video',
  active: true,
  codecs: new Map([[120, VP8]]),
  rtx: new Map([[121, 120]]),
  extensions: {},
  rids: ['q', 'h', 'f'],
  ssrcs: [],
  rtxSsrcs: new Map(),
};
const AGREED: SentSection = {
  mid: '3',
  kind: 'video',
  accepted: true,
  codecs: [{ ...VP8, payloadType: 96, rtxPayloadType: 97 }],
  extensions: { mid: 4, absSendTime: 2 },
  opus: { stereo: false, dtx: false, fec: false },
};
const KEY = Buffer.from([0x90, 0x80, 0x80, 0x05, 0x00, 0x01]);
const DELTA = Buffer.from([0x90, 0x80, 0x80, 0x06, 0x01, 0x01]);

/** A track with three layers, of which packets can be sent, and one subscriber whose packets are kept. */
function setUp() {
  const track = new UpTrack(SECTION);
  const streams = { q: new UpStream(1, 'q', VP8), h: new UpStream(2, 'h', VP8), f: new UpStream(3, 'f', VP8) };
  const sent: { packet: RtpPacket; buffer: Buffer; priority: number }[] = [];
  const down = new DownTrack(track, 90_000, (buffer, priority) => {
    const packet = new RtpPacket();
    packet.parse(buffer);
    sent.push({ packet, buffer, priority });
  });
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
    const sequence = streams[rid].accept(packet, false, nowUs);
    if (![...track.streams.values()].includes(streams[rid])) track.addStream(streams[rid]);
    if (sequence !== undefined) track.deliver(streams[rid], packet, sequence, nowUs);
  };
  const asked = (rid: keyof typeof streams): boolean => streams[rid].takeKeyFrameRequest((nowUs += 1_000_000));
  return { track, streams, down, sent, next, push, asked, now: () => nowUs };
}

t.test('video begins at a key frame, under the names that the subscriber agreed to', (t) => {
  const { down, sent, push, asked } = setUp();
  push('q', KEY);
  t.equal(sent.length, 0, 'nothing before the answer');
  down.agree(AGREED);
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

t.test('the highest layer that is sent and wanted is shown, and changed at key frames without a gap', (t) => {
  const { down, sent, push, asked, now } = setUp();
  down.agree(AGREED);
  push('q', KEY);
  push('h', DELTA);
  down.choose(now());
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
  down.maxRank = 0;
  push('q', DELTA);
  down.choose(now());
  t.ok(asked('q'), 'a lower layer is wanted');
  push('q', KEY);
  push('h', DELTA);
  t.equal(sent.at(-1)?.packet.payload()[3], 9);
  t.equal(sent.length, 6);
  t.end();
});

t.test('a layer that is not sent any more is left', (t) => {
  const { down, sent, push, asked, now } = setUp();
  down.agree(AGREED);
  push('f', KEY);
  t.equal(sent.length, 1);
  for (let i = 0; i < 200; i++) push('q', DELTA);
  down.choose(now());
  t.ok(asked('q'));
  push('q', KEY);
  t.equal(sent.length, 2);
  t.end();
});

t.test('padding is left out, with its sequence numbers', (t) => {
  const { down, sent, push } = setUp();
  down.agree(AGREED);
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
  down.agree(AGREED);
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
  t.end();
});

t.test('a paused track is silent and comes back with a key frame, its numbers going on', (t) => {
  const { down, sent, push, asked } = setUp();
  down.agree(AGREED);
  push('q', KEY);
  down.paused = true;
  push('q', DELTA);
  push('q', KEY);
  t.equal(sent.length, 1);
  down.paused = false;
  push('q', DELTA);
  t.equal(sent.length, 1);
  t.ok(asked('q'));
  push('q', KEY);
  push('q', DELTA);
  t.same(
    sent.map(({ packet }) => packet.sequenceNumber),
    [0, 1, 2],
  );
  t.end();
});

t.test('sender reports tell the publisher time, on the timestamps that were sent', (t) => {
  const { streams, down, sent, push } = setUp();
  down.agree(AGREED);
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
  down.agree(AGREED);
  push('q', KEY);
  down.close();
  push('q', DELTA);
  t.equal(sent.length, 1);
  t.equal(track.sinkCount, 0);
  t.end();
});
