import assert from 'node:assert/strict';
import fc from 'fast-check';
import { packets } from 'rtp.js';
import t from 'tap';
import {
  compactDuration,
  compactNtp,
  compactNtpOf,
  ntpFraction,
  ntpSeconds,
  ntpUsFrom,
  ntpUsFromUnixUs,
} from '../../src/engine/rtp/ntp.js';
import {
  writeBye,
  writeCompound,
  writeDlrr,
  writeFir,
  writeNack,
  writePli,
  writeReceiverReport,
  writeReferenceTime,
  writeRemb,
  writeSenderReport,
  writeSourceDescription,
} from '../../src/engine/rtp/rtcp-writer.js';
import { type ReportBlock, parseRtcp } from '../../src/engine/rtp/rtcp.js';

const uint = (bits: number) => fc.integer({ min: 0, max: 2 ** bits - 1 });
const view = (buffer: Uint8Array) => new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
const blockOf: fc.Arbitrary<ReportBlock> = fc.record(
  {
    ssrc: uint(32),
    fractionLost: uint(8),
    cumulativeLost: fc.integer({ min: -0x800000, max: 0x7fffff }),
    highestSequence: uint(32),
    jitter: uint(32),
    lastSr: uint(32),
    delaySinceLastSr: uint(32),
  },
  { noNullPrototype: true },
);

/** rtp.js 0.15 keeps 12 of the 24 bits of cumulative loss, and has negative ones as sign and magnitude: it is no oracle for these. */
const comparable = (blocks: readonly ReportBlock[]) => blocks.map(({ cumulativeLost: _, ...rest }) => rest);

const oracleBlocks = (report: packets.ReceiverReportPacket | packets.SenderReportPacket) =>
  report.getReports().map((block) => ({
    ssrc: block.getSsrc(),
    fractionLost: block.getFractionLost(),
    highestSequence: block.getHighestSeqNumber(),
    jitter: block.getJitter(),
    lastSr: block.getLastSRTimestamp(),
    delaySinceLastSr: block.getDelaySinceLastSR(),
  }));

t.test('sender and receiver reports come back as written, and rtp.js reads the same', (t) => {
  fc.assert(
    fc.property(
      fc.array(blockOf, { maxLength: 31 }),
      uint(32),
      uint(32),
      uint(50),
      (blocks, ssrc, rtpTimestamp, ntpUs) => {
        const sr = writeSenderReport({ ssrc, ntpUs, rtpTimestamp, packetCount: 7, octetCount: 700 }, blocks);
        const words = { ntpSeconds: ntpSeconds(ntpUs), ntpFraction: ntpFraction(ntpUs) };
        assert.deepEqual(parseRtcp(sr), [
          { type: 'sr', ssrc, ...words, rtpTimestamp, packetCount: 7, octetCount: 700, blocks },
        ]);
        const oracle = new packets.SenderReportPacket(view(sr));
        assert.equal(oracle.getNtpSeconds(), words.ntpSeconds);
        assert.equal(oracle.getNtpFraction(), words.ntpFraction);
        assert.equal(oracle.getRtpTimestamp(), rtpTimestamp);
        assert.deepEqual(oracleBlocks(oracle), comparable(blocks));

        const rr = writeReceiverReport(ssrc, blocks);
        assert.deepEqual(parseRtcp(rr), [{ type: 'rr', ssrc, blocks }]);
        assert.deepEqual(oracleBlocks(new packets.ReceiverReportPacket(view(rr))), comparable(blocks));
      },
    ),
    { numRuns: 30 },
  );
  t.end();
});

t.test("cumulative loss is 24 bits of two's complement, and is clamped", (t) => {
  const bytesOf = (cumulativeLost: number) => {
    const zero = { ssrc: 0, fractionLost: 0xaa, highestSequence: 0, jitter: 0, lastSr: 0, delaySinceLastSr: 0 };
    return [...writeReceiverReport(1, [{ ...zero, cumulativeLost }]).subarray(12, 16)];
  };
  t.same(bytesOf(-3), [0xaa, 0xff, 0xff, 0xfd]);
  t.same(bytesOf(0x12345), [0xaa, 0x01, 0x23, 0x45]);
  t.same(bytesOf(1e9), [0xaa, 0x7f, 0xff, 0xff]);
  t.same(bytesOf(-1e9), [0xaa, 0x80, 0, 0]);
  t.end();
});

t.test('more than 31 report blocks take several packets', (t) => {
  const [block] = fc.sample(blockOf, 1);
  const blocks = Array.from({ length: 70 }, (_, ssrc) => ({ ...block!, ssrc }));
  const parsed = parseRtcp(writeReceiverReport(1, blocks));
  t.same(
    parsed.map((report) => report.type === 'rr' && report.blocks.length),
    [31, 31, 8],
  );
  t.same(
    parsed.flatMap((report) => (report.type === 'rr' ? report.blocks : [])),
    blocks,
  );
  const sr = parseRtcp(
    writeSenderReport({ ssrc: 1, ntpUs: 0, rtpTimestamp: 0, packetCount: 0, octetCount: 0 }, blocks),
  );
  t.same(
    sr.map((report) => report.type),
    ['sr', 'rr', 'rr'],
  );
  t.end();
});

t.test('a report written by rtp.js is read the same', (t) => {
  const rr = new packets.ReceiverReportPacket();
  rr.setSsrc(0x11223344);
  const block = new packets.ReceptionReport();
  block.setSsrc(5);
  block.setTotalLost(3);
  block.setFractionLost(9);
  block.setHighestSeqNumber(0x10005);
  rr.addReport(block);
  rr.serialize();
  const nack = new packets.NackPacket();
  nack.setSenderSsrc(1);
  nack.setMediaSsrc(2);
  nack.addItem(65535, 0b101);
  nack.serialize();
  // A name in front of the CNAME, by hand: rtp.js does not export its item types.
  const sdes = Buffer.from([0x81, 202, 0, 5, 0, 0, 0, 77, 2, 1, 65, 1, 9, ...Buffer.from('the cname'), 0, 0]);
  const bytes = [rr, nack].map((packet) => {
    const data = packet.getView();
    return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  });
  const zero = { jitter: 0, lastSr: 0, delaySinceLastSr: 0 };
  t.same(parseRtcp(writeCompound([...bytes, sdes])), [
    {
      type: 'rr',
      ssrc: 0x11223344,
      blocks: [{ ssrc: 5, fractionLost: 9, cumulativeLost: 3, highestSequence: 0x10005, ...zero }],
    },
    { type: 'nack', senderSsrc: 1, mediaSsrc: 2, sequenceNumbers: [65535, 0, 2] },
    { type: 'sdes', chunks: [{ ssrc: 77, cname: 'the cname' }] },
  ]);
  t.end();
});

t.test('NACK packs runs and gives every number back once', (t) => {
  const growing = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 100 });
  fc.assert(
    fc.property(uint(16), growing, (start, steps) => {
      const wanted = [start];
      for (const step of steps) wanted.push(wanted[wanted.length - 1]! + step);
      const buffer = writeNack(1, 2, wanted);
      const expected = wanted.map((value) => value & 0xffff);
      assert.deepEqual(parseRtcp(buffer), [{ type: 'nack', senderSsrc: 1, mediaSsrc: 2, sequenceNumbers: expected }]);
      const items = new packets.NackPacket(view(buffer)).getItems();
      assert.equal(buffer.length, 12 + items.length * 4);
      // Each item but the last reaches 16 numbers on.
      assert.ok(items.length <= 1 + (wanted[wanted.length - 1]! - start) / 17);
    }),
    { numRuns: 50 },
  );
  t.same(parseRtcp(writeNack(1, 2, [9, 9, 9])), [{ type: 'nack', senderSsrc: 1, mediaSsrc: 2, sequenceNumbers: [9] }]);
  t.end();
});

t.test('PLI, FIR, SDES and BYE', (t) => {
  t.same(parseRtcp(writePli(1, 0xffffffff)), [{ type: 'pli', senderSsrc: 1, mediaSsrc: 0xffffffff }]);
  t.equal(new packets.PliPacket(view(writePli(1, 2))).getMediaSsrc(), 2);
  t.same(parseRtcp(writeFir(1, 2, 3)), [{ type: 'fir', senderSsrc: 1, entries: [{ ssrc: 2, sequenceNumber: 3 }] }]);
  for (let length = 0; length < 9; length++) {
    const cname = 'x'.repeat(length);
    const sdes = writeSourceDescription(5, cname);
    t.same(parseRtcp(sdes), [{ type: 'sdes', chunks: [{ ssrc: 5, cname }] }]);
    t.same(new packets.SdesPacket(view(sdes)).getChunks()[0]?.getItems(), [{ type: 1, text: cname }]);
    const bye = writeBye([1, 2], cname);
    t.same(parseRtcp(bye), [{ type: 'bye', ssrcs: [1, 2], reason: cname }]);
    t.same(new packets.ByePacket(view(bye)).getSsrcs(), [1, 2]);
  }
  t.end();
});

t.test('REMB keeps 18 significant bits', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 45 }), fc.array(uint(32), { maxLength: 5 }), (bitrateBps, ssrcs) => {
      const [remb] = parseRtcp(writeRemb(9, bitrateBps, ssrcs));
      if (remb?.type !== 'remb') throw new Error('not a REMB');
      assert.deepEqual(remb.ssrcs, ssrcs);
      assert.ok(remb.bitrateBps <= bitrateBps && remb.bitrateBps >= bitrateBps * (1 - 2 ** -17));
    }),
    { numRuns: 50 },
  );
  // 4 Mbps is 250000 * 2^4.
  t.same([...writeRemb(0, 4_000_000, [1]).subarray(12, 20)], [...Buffer.from('REMB'), 1, (4 << 2) | 3, 0xd0, 0x90]);
  t.end();
});

t.test('a compound is read as far as it is sound; garbage never throws', (t) => {
  const pli = writePli(1, 2);
  const app = Buffer.from([0x80, 204, 0, 2, 0, 0, 0, 1, 1, 2, 3, 4]);
  const lying = Buffer.from([0x80, 201, 0, 9, 0, 0, 0, 1]);
  t.same(
    parseRtcp(writeCompound([pli, app, pli, lying])).map((report) => report.type),
    ['pli', 'pli'],
    'unknown types are skipped',
  );
  const padded = Buffer.concat([writeReceiverReport(3), Buffer.from([0, 0, 0, 4])]);
  padded[0] = padded[0]! | 0x20;
  padded[3] = 2;
  t.same(parseRtcp(padded), [{ type: 'rr', ssrc: 3, blocks: [] }], 'padding is left out');
  const header = fc.tuple(fc.integer({ min: 0x80, max: 0xbf }), fc.integer({ min: 192, max: 210 }));
  const piece = fc
    .tuple(header, fc.uint8Array({ maxLength: 40 }))
    .map(([head, rest]) => Buffer.from([...head, 0, rest.length >> 2, ...rest]));
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.uint8Array({ maxLength: 20 }))), (pieces) => {
      parseRtcp(Buffer.concat(pieces));
    }),
    { numRuns: 1000 },
  );
  t.end();
});

t.test('NTP time', (t) => {
  const ntpUs = ntpUsFromUnixUs(0.5e6);
  t.equal(ntpSeconds(ntpUs), 2208988800);
  t.equal(ntpFraction(ntpUs), 0x80000000);
  t.equal(compactNtpOf(ntpUs), (((2208988800 & 0xffff) << 16) >>> 0) + 0x8000);
  t.equal(compactNtp(1, 0x40000000), 0x14000);
  t.equal(compactDuration(1_500_000), 0x18000);
  t.equal(compactDuration(-1), 0);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 32 * 1e6 - 1 }), (us) => {
      if (ntpUsFrom(ntpSeconds(us), ntpFraction(us)) !== us) throw new Error(`${us} does not come back`);
    }),
  );
  t.end();
});

t.test('a receiver says what time it is, and hears it again (RFC 3611, 4.4 and 4.5)', (t) => {
  const ntpUs = 3_900_000_000_250_000;
  const [request] = parseRtcp(writeCompound([writeReceiverReport(7), writeReferenceTime(7, ntpUs)])).slice(1);
  t.same(request, { type: 'xr', ssrc: 7, referenceTime: compactNtpOf(ntpUs), dlrr: [] });
  t.equal(compactNtpOf(ntpUs) & 0xffff, 0x4000, 'a quarter of a second');
  const [answer] = parseRtcp(writeDlrr(9, 7, compactNtpOf(ntpUs), 65536));
  const dlrr = [{ ssrc: 7, lastRr: compactNtpOf(ntpUs), delaySinceLastRr: 65536 }];
  t.same(answer, { type: 'xr', ssrc: 9, dlrr });
  const other = Buffer.concat([writeDlrr(9, 7, 1, 2), Buffer.of(4, 0, 0, 9, 1, 2, 3, 4)]);
  other.writeUInt16BE(other.length / 4 - 1, 2);
  t.match(parseRtcp(other), [{ type: 'xr', dlrr: [{ lastRr: 1 }] }], 'a block whose length lies ends the reading');
  t.end();
});
