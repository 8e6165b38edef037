import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { ntpFraction, ntpSeconds } from '../../src/engine/rtp/ntp.js';
import { ReceiveStatistics } from '../../src/engine/rtp/receive-statistics.js';
import { parseRtcp } from '../../src/engine/rtp/rtcp.js';
import { SenderStatistics } from '../../src/engine/rtp/sender-statistics.js';

t.test('loss is counted across the wrap, per interval and in all', (t) => {
  const statistics = new ReceiveStatistics(7, 48000);
  // 65530 to 65539 with 65533 and 65536 missing; the last two swapped.
  for (const sequence of [65530, 65531, 65532, 65534, 65535, 1, 3, 2]) statistics.receive(sequence, 0, 0, 100);
  t.match(statistics.reportBlock(0), {
    ssrc: 7,
    cumulativeLost: 2,
    fractionLost: Math.floor((2 * 256) / 10),
    highestSequence: 65539,
  });
  t.match(statistics.reportBlock(0), { cumulativeLost: 2, fractionLost: 0 }, 'nothing new');
  statistics.receive(4, 0, 0, 100);
  statistics.receive(6, 0, 0, 100);
  t.match(statistics.reportBlock(0), { cumulativeLost: 3, fractionLost: Math.floor(256 / 3), highestSequence: 65542 });
  for (let i = 0; i < 5; i++) statistics.receive(6, 0, 0, 100);
  t.match(statistics.reportBlock(0), { cumulativeLost: -2, fractionLost: 0 }, 'duplicates count against losses');
  t.same([statistics.packets, statistics.bytes], [15, 1500]);
  t.end();
});

t.test('expected = received + lost, whatever comes in', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 65535 }),
      fc.array(fc.integer({ min: -20, max: 60 }), { maxLength: 300 }),
      (start, steps) => {
        const statistics = new ReceiveStatistics(1, 90000);
        let at = start;
        let highest = start;
        statistics.receive(at, 0, 0, 0);
        for (const step of steps) {
          at = highest + step;
          highest = Math.max(highest, at);
          statistics.receive(at & 0xffff, 0, 0, 0);
        }
        const block = statistics.reportBlock(0);
        assert.equal(block.highestSequence, highest >>> 0);
        assert.equal(block.cumulativeLost, highest - start + 1 - (steps.length + 1));
      },
    ),
  );
  t.end();
});

t.test('a source that starts anew is followed after two packets; a stray is not', (t) => {
  const statistics = new ReceiveStatistics(1, 48000);
  for (let i = 0; i < 10; i++) statistics.receive(i, 0, 0, 0);
  statistics.receive(30000, 0, 0, 0);
  t.equal(statistics.highestSequence, 9);
  statistics.receive(12, 0, 0, 0);
  t.equal(statistics.cumulativeLost, 2);
  statistics.receive(40000, 0, 0, 0);
  statistics.receive(40001, 0, 0, 0);
  t.equal(statistics.highestSequence, 40001);
  t.equal(statistics.cumulativeLost, 2, 'the jump is no loss');
  t.end();
});

t.test('jitter follows RFC 3550, A.8, and leaves the packets of one picture out', (t) => {
  const statistics = new ReceiveStatistics(1, 8000);
  let jitter = 0;
  let lastTransit = 0;
  for (let i = 0; i < 200; i++) {
    const arrivalUs = i * 20_000 + ((i * 7919) % 13) * 1000;
    const timestamp = (0xffffff00 + i * 160) >>> 0;
    statistics.receive(i, timestamp, arrivalUs, 10);
    const transit = (arrivalUs * 8) / 1000 - i * 160;
    if (i > 0) jitter += (Math.abs(transit - lastTransit) - jitter) / 16;
    lastTransit = transit;
  }
  t.ok(Math.abs(statistics.jitter - jitter) < 1e-6, `${statistics.jitter} against ${jitter}`);
  t.ok(jitter > 10);

  const video = new ReceiveStatistics(1, 90000);
  for (let i = 0; i < 300; i++)
    video.receive(i, Math.floor(i / 10) * 3000, Math.floor(i / 10) * 33_333.3333 + (i % 10) * 700, 10);
  t.ok(video.jitter < 1, 'pacing is not jitter');
  t.end();
});

t.test('round trip: SR out, RR back', (t) => {
  const sender = new SenderStatistics(5, 48000);
  const receiver = new ReceiveStatistics(5, 48000);
  const ntpOf = (us: number) => 3.9e15 + us;
  t.equal(sender.senderReport(0, ntpOf(0)), undefined, 'nothing sent, nothing to report');
  t.match(receiver.reportBlock(0), { lastSr: 0, delaySinceLastSr: 0 });
  sender.sent(100, 0xfffffff0, 1_000_000);
  sender.sent(60, 0xfffffff0, 1_009_000);
  const [report] = parseRtcp(sender.senderReport(1_010_000, ntpOf(1_010_000))!);
  t.same(report, {
    type: 'sr',
    ssrc: 5,
    ntpSeconds: ntpSeconds(ntpOf(1_010_000)),
    ntpFraction: ntpFraction(ntpOf(1_010_000)),
    rtpTimestamp: 480 - 16,
    packetCount: 2,
    octetCount: 160,
    blocks: [],
  });
  if (report?.type !== 'sr') return;
  receiver.receive(1, 0, 0, 100);
  // 30 ms there, 200 ms of waiting by the receiver's own clock, 50 ms back.
  receiver.receiveSenderReport(report.ntpSeconds, report.ntpFraction, 77_000_000);
  const block = { ...receiver.reportBlock(77_200_000), fractionLost: 64, cumulativeLost: 3, jitter: 480 };
  sender.receiveReportBlock(block, ntpOf(1_010_000 + 280_000));
  t.ok(Math.abs(sender.roundTripUs! - 80_000) < 50, `${sender.roundTripUs}`);
  t.match(sender, { fractionLost: 0.25, packetsLost: 3, remoteJitterMs: 10 });
  sender.receiveReportBlock({ ...block, delaySinceLastSr: block.delaySinceLastSr + 65536 }, ntpOf(1_290_000));
  t.equal(sender.roundTripUs, 0, 'a lying receiver does not make it negative');
  t.end();
});
