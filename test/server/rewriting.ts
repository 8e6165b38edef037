import t from 'tap';
import { UpStream } from '../../src/server/forwarding/up-stream.js';
import { SequenceMap } from '../../src/server/forwarding/sequence-map.js';
import { TimestampMap } from '../../src/server/forwarding/timestamp-map.js';
import { PacketInfo } from '../../src/server/forwarding/picture.js';
import { Vp8Rewriter } from '../../src/server/forwarding/vp8-rewriter.js';
import { RtpPacket } from '../../src/engine/rtp/packet.js';
import { writeRtp } from '../../src/engine/rtp/packet-writer.js';
import { Vp8Descriptor } from '../../src/engine/rtp/vp8.js';
import type { NegotiatedCodec } from '../../src/engine/sdp/negotiated.js';

const VP8: NegotiatedCodec = { name: 'vp8', payloadType: 96, clockRate: 90_000, fmtp: {}, feedback: [] };

t.test('sequence numbers go on without a gap past what is left out, and late packets find their place', (t) => {
  const map = new SequenceMap(100);
  map.restart(5000);
  t.same(
    [5000, 5001, 5003].map((n) => map.map(n)),
    [100, 101, 103],
  );
  t.equal(map.drop(5004), true);
  t.equal(map.map(5005), 104, 'the gap is closed');
  t.equal(map.map(5002), 102, 'late, from before the packet that was left out');
  t.equal(map.drop(5001), false, 'a place that was passed cannot be closed');
  map.restart(70_000);
  t.equal(map.map(70_000), 105, 'another source goes on');
  t.equal(map.map(5006), undefined, 'what the first still sends is too late');
  t.end();
});

t.test('many left out packets in a row leave no gap', (t) => {
  const map = new SequenceMap(0);
  map.restart(0);
  t.equal(map.map(0), 0);
  for (let n = 1; n <= 500; n++) map.drop(n);
  t.equal(map.map(501), 1);
  t.end();
});

t.test('timestamps of another layer continue by sender reports, without them by arrival', (t) => {
  const low = new UpStream(1, 'q', VP8);
  const high = new UpStream(2, 'f', VP8);
  const map = new TimestampMap();
  map.switchTo(low, 1000, 0);
  t.equal(map.map(1000, 0), 1000);
  t.equal(map.map(4000, 33_000), 4000);
  map.switchTo(high, 900_000, 66_000);
  t.equal(map.map(900_000, 66_000), 4000 + 2970, '33 ms after the last one');
  // The moment 0 is 1000 on the low layer's clock and 897 030 on the high one's.
  low.clockPoint = { ntpUs: 0, rtpTimestamp: 1000 };
  high.clockPoint = { ntpUs: 0, rtpTimestamp: 897_030 };
  map.switchTo(low, 1000 + 9000, 500_000);
  t.equal(
    map.map(10_000, 500_000),
    4000 + 9000,
    '100 ms after the moment, which was sent as 4000, whenever it arrives',
  );
  map.switchTo(high, 897_030 + 8000, 501_000);
  t.equal(map.map(905_030, 501_000), 13_001, 'never back');
  t.end();
});

t.test('picture ids of VP8 grow steadily through a change of layer', (t) => {
  const rewriter = new Vp8Rewriter();
  const packet = new RtpPacket();
  const info = new PacketInfo();
  /** Picture id and tl0picidx as they are sent on; undefined for what is left out. */
  const pass = (pictureId: number, tl0: number, restart = false, temporalId = 0): number[] | undefined => {
    if (restart) rewriter.restart();
    const payload = Buffer.from([0x90, 0xe0, 0x80 | (pictureId >> 8), pictureId & 0xff, tl0, temporalId << 6, 0x01]);
    packet.parse(writeRtp({ payloadType: 96, sequenceNumber: 0, timestamp: 0, ssrc: 1, payload }));
    info.read('vp8', packet);
    if (!rewriter.takes(info)) return undefined;
    const copy = Buffer.concat([Buffer.alloc(3), payload]);
    rewriter.rewrite(info, copy, 3);
    const descriptor = new Vp8Descriptor();
    descriptor.parse(copy, 3, payload.length);
    return [descriptor.pictureId, descriptor.tl0PictureIndex];
  };
  t.same(pass(0x7ffe, 254, true), [0x7ffe, 254]);
  t.same(pass(0x7fff, 255), [0x7fff, 255]);
  t.same(pass(0, 0), [0, 0], 'across the wrap');
  t.same(pass(0x7fff, 255), [0x7fff, 255], 'a late packet');
  t.same(pass(500, 77, true), [1, 1], 'another layer goes on');
  t.same(pass(501, 78), [2, 2]);
  rewriter.targetTemporalId = 0;
  t.equal(pass(502, 78, false, 1), undefined, 'left out');
  t.same(pass(503, 79), [3, 3], 'without a gap');
  t.same(pass(501, 78), [2, 2], 'late, from before what was left out');
  t.equal(pass(502, 78, false, 1), undefined);
  t.same(pass(0, 0, true), [4, 4]);
  t.end();
});

t.test('temporal layers come back one by one, each at a picture that needs the base layer only', (t) => {
  const rewriter = new Vp8Rewriter();
  const packet = new RtpPacket();
  const info = new PacketInfo();
  let pictureId = 0;
  const takes = (temporalId: number, sync = false): boolean => {
    const layer = (temporalId << 6) | (sync ? 0x20 : 0);
    const payload = Buffer.from([0x90, 0xe0, 0x80, pictureId++, 1, layer, 0x01]);
    packet.parse(writeRtp({ payloadType: 96, sequenceNumber: 0, timestamp: 0, ssrc: 1, payload }));
    info.read('vp8', packet);
    return rewriter.takes(info);
  };
  rewriter.targetTemporalId = 0;
  rewriter.restart();
  t.equal(takes(0), true);
  t.equal(takes(2, true), false);
  rewriter.targetTemporalId = 2;
  t.equal(takes(2), false, 'it may need one that was left out');
  t.equal(takes(2, true), false, 'those that follow it may need the layer in between');
  t.equal(takes(1), false);
  t.equal(takes(1, true), true);
  t.equal(takes(2), false);
  t.equal(takes(2, true), true);
  t.equal(takes(2), true);
  rewriter.targetTemporalId = 0;
  t.equal(takes(1, true), false, 'and are left at once');
  t.end();
});
