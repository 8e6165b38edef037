import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { readRid } from '../../src/engine/rtp/header-extensions.js';
import { PacketHistory } from '../../src/engine/rtp/history.js';
import { writeRtp } from '../../src/engine/rtp/packet-writer.js';
import { RtpPacket } from '../../src/engine/rtp/packet.js';
import { unwrapRtx, wrapRtx } from '../../src/engine/rtp/rtx.js';

const ms = 1000;
const packetOf = (sequenceNumber: number) =>
  writeRtp({ payloadType: 96, ssrc: 1, sequenceNumber, timestamp: 0, payload: Buffer.from([1, 2, 3]) });

t.test('history hands a packet out again, not too soon after the last time, and not when it is old', (t) => {
  const history = new PacketHistory({ maxPackets: 16, maxAgeMs: 100 });
  const packets = Array.from({ length: 20 }, (_, i) => packetOf(65530 + i));
  packets.forEach((packet, i) => {
    history.put((65530 + i) & 0xffff, packet, i * ms);
  });
  t.equal(history.size, 16);
  t.equal(history.take(65533, 20 * ms), undefined, 'pushed out');
  t.equal(history.take(65534, 20 * ms), packets[4]);
  t.equal(history.take(13, 40 * ms, 30 * ms), undefined, 'sent 21 ms ago');
  t.equal(history.take(13, 50 * ms, 30 * ms), packets[19]);
  t.equal(history.take(13, 60 * ms, 30 * ms), undefined, 'resent 10 ms ago');
  t.equal(history.take(14, 60 * ms), undefined, 'never sent');
  t.match(history, { resent: 2, suppressed: 2, missed: 2 });
  history.evict(110 * ms);
  t.equal(history.size, 10, 'those of the last 100 ms');
  t.equal(history.take(0, 111 * ms), undefined, 'too old, evicted or not');
  history.evict(1000 * ms);
  t.equal(history.size, 0);
  history.put(14, packetOf(14), 1000 * ms);
  t.equal(history.size, 1);
  history.clear();
  t.same([history.size, history.take(14, 1000 * ms)], [0, undefined]);
  t.end();
});

t.test('history never hands out another packet than the one asked for, and holds no more than it may', (t) => {
  const step = fc.record({
    ahead: fc.integer({ min: -40, max: 50 }),
    waitMs: fc.integer({ min: 0, max: 20 }),
    ask: fc.integer({ min: -70, max: 2 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const history = new PacketHistory({ maxPackets: 32, maxAgeMs: 100 });
      let newest = 65500;
      let nowUs = 0;
      const sent = new Map<number, { packet: Uint8Array; atUs: number }>();
      for (const { ahead, waitMs, ask } of steps) {
        nowUs += waitMs * ms;
        const sequence = ahead > 0 || ahead < -25 ? newest + Math.abs(ahead) : newest + ahead;
        newest = Math.max(newest, sequence);
        const packet = packetOf(sequence);
        history.put(sequence & 0xffff, packet, nowUs);
        sent.set(sequence & 0xffff, { packet, atUs: nowUs });
        const wanted = (newest + ask) & 0xffff;
        const found = history.take(wanted, nowUs);
        if (found) {
          assert.equal(found, sent.get(wanted)?.packet);
          assert.ok(nowUs - sent.get(wanted)!.atUs <= 100 * ms);
        }
        assert.equal(history.take(sequence & 0xffff, nowUs), packet, 'the last one put is there');
        assert.ok(history.size >= 1 && history.size <= 32);
      }
    }),
  );
  t.end();
});

t.test('RTX wraps and unwraps to the same packet', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 65535 }),
      fc.uint8Array({ maxLength: 100 }),
      fc.boolean(),
      fc.integer({ min: 0, max: 9 }),
      (sequenceNumber, payload, marker, paddingLength) => {
        const extensions = [
          { id: 4, data: Buffer.from('mid') },
          { id: 10, data: Buffer.from('q') },
        ];
        const common = { timestamp: 0xfedcba98, marker, extensions };
        const original = new RtpPacket();
        original.parse(writeRtp({ ...common, payloadType: 96, ssrc: 1, sequenceNumber, payload, paddingLength }));
        const rtx = new RtpPacket();
        assert.ok(
          rtx.parse(
            wrapRtx(original, { ssrc: 2, payloadType: 97, sequenceNumber: 0x1abcd, rid: { id: 10, repairedId: 11 } }),
          ),
        );
        assert.deepEqual([rtx.ssrc, rtx.payloadType, rtx.sequenceNumber, rtx.marker], [2, 97, 0xabcd, marker]);
        assert.deepEqual([...rtx.payload()], [sequenceNumber >> 8, sequenceNumber & 0xff, ...payload]);
        assert.deepEqual([readRid(rtx, 10), readRid(rtx, 11), readRid(rtx, 4)], [undefined, 'q', 'mid']);
        const back = unwrapRtx(rtx, 1, 96);
        assert.ok(back);
        const renamed = extensions.map((entry) => ({ ...entry, id: entry.id === 10 ? 11 : entry.id }));
        const expected = writeRtp({
          ...common,
          extensions: renamed,
          payloadType: 96,
          ssrc: 1,
          sequenceNumber,
          payload,
        });
        assert.deepEqual([...back], [...expected]);
      },
    ),
    { numRuns: 50 },
  );
  const empty = new RtpPacket();
  empty.parse(writeRtp({ payloadType: 97, ssrc: 2, sequenceNumber: 1, timestamp: 0, paddingLength: 255 }));
  t.equal(unwrapRtx(empty, 1, 96), undefined, 'padding holds no original');
  t.end();
});
