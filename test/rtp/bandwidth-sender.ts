import t from 'tap';
import { BandwidthEstimator } from '../../src/engine/rtp/bandwidth/bandwidth-estimator.js';
import { PacedSender, type PacedSenderOptions } from '../../src/engine/rtp/bandwidth/paced-sender.js';
import { readAbsSendTime, readMid, readTransportSequence } from '../../src/engine/rtp/header-extensions.js';
import { PACER_PRIORITY } from '../../src/engine/rtp/pacer.js';
import { HeaderTemplate, writeRtp } from '../../src/engine/rtp/packet-writer.js';
import { RtpPacket } from '../../src/engine/rtp/packet.js';
import { unwrapRtx, wrapRtx } from '../../src/engine/rtp/rtx.js';
import { TwccRecorder } from '../../src/engine/rtp/twcc.js';

const ms = 1000;
const mid = { id: 4, value: '1' };

/** What a sender put on the wire, and when. */
class Wire {
  nowUs = 0;
  readonly packets: { readonly atUs: number; readonly packet: Buffer }[] = [];

  sender(options: Omit<PacedSenderOptions, 'send'> = {}): PacedSender {
    return new PacedSender({ ...options, send: (packet) => this.packets.push({ atUs: this.nowUs, packet }) });
  }

  parsed(at: number): RtpPacket {
    const view = new RtpPacket();
    if (!view.parse(this.packets[at]!.packet)) throw new Error('not RTP');
    return view;
  }
}

t.test('packets are numbered and stamped when they leave, across streams, as far as each carries it', (t) => {
  const wire = new Wire();
  const sender = wire.sender();
  const full = new HeaderTemplate({ payloadType: 96, ssrc: 1, mid, absSendTimeId: 2, transportSequenceId: 3 });
  const bare = new HeaderTemplate({ payloadType: 111, ssrc: 2, mid });
  const timed = new HeaderTemplate({ payloadType: 111, ssrc: 3, absSendTimeId: 2 });
  const counted = new HeaderTemplate({ payloadType: 96, ssrc: 4, transportSequenceId: 3, audioLevelId: 1 });
  const plain = writeRtp({ payloadType: 0, sequenceNumber: 9, timestamp: 0, ssrc: 5, payload: Buffer.alloc(20, 0x32) });
  sender.enqueue(full.allocate(100, false, 7, 0), PACER_PRIORITY.video, 0);
  sender.setExtensions({ absSendTime: 2, transportSequence: 3 });
  // Of a section that has neither.
  sender.setExtensions({});
  for (let i = 0; i < 9; i++) sender.hold(full.allocate(100, false, 8 + i, 0), PACER_PRIORITY.video, 0);
  wire.nowUs = 20 * ms;
  sender.poll(20 * ms);
  for (const template of [bare, timed, counted]) {
    sender.enqueue(template.allocate(10, false, 1, 0), PACER_PRIORITY.video, (wire.nowUs = 30 * ms));
  }
  const before = Buffer.from(plain);
  sender.enqueue(plain, PACER_PRIORITY.audio, 30 * ms);

  t.equal(readTransportSequence(wire.parsed(0), 3), 0, 'before it was agreed on, nothing is written');
  for (let i = 1; i <= 9; i++) {
    t.equal(readTransportSequence(wire.parsed(i), 3), i);
    t.equal(readAbsSendTime(wire.parsed(i), 2), Math.floor(0.02 * 0x40000), 'the time of leaving');
    t.equal(readMid(wire.parsed(i), 4), '1');
    t.equal(wire.parsed(i).sequenceNumber, 7 + i);
  }
  t.equal(readMid(wire.parsed(10), 4), '1', 'a packet without them stays as it is');
  t.equal(readAbsSendTime(wire.parsed(11), 2), Math.floor(0.03 * 0x40000));
  t.equal(readTransportSequence(wire.parsed(12), 3), 10, 'the next number, on whatever stream');
  t.same(wire.packets[13]!.packet, before);
  t.match(sender, { sentPackets: 14, held: 0, busy: false });
  t.end();
});

t.test('a retransmission of a packet has a number of its own', (t) => {
  const wire = new Wire();
  const sender = wire.sender();
  sender.setExtensions({ absSendTime: 2, transportSequence: 3 });
  const template = new HeaderTemplate({ payloadType: 96, ssrc: 1, mid, absSendTimeId: 2, transportSequenceId: 3 });
  const packet = template.allocate(200, true, 40, 1234);
  packet.fill(0xab, template.headerLength);
  sender.enqueue(packet, PACER_PRIORITY.video, 0);
  const copy = wrapRtx(wire.parsed(0), { ssrc: 9, payloadType: 97, sequenceNumber: 5 });
  sender.enqueue(copy, PACER_PRIORITY.retransmission, 50 * ms);
  t.equal(readTransportSequence(wire.parsed(0), 3), 1);
  const resent = wire.parsed(1);
  t.equal(readTransportSequence(resent, 3), 2);
  t.equal(readAbsSendTime(resent, 2), Math.floor(0.05 * 0x40000));
  const original = new RtpPacket();
  t.ok(original.parse(unwrapRtx(resent, 1, 96)!));
  t.match(original, { sequenceNumber: 40, timestamp: 1234, payloadLength: 200, ssrc: 1 });
  t.end();
});

t.test('media is paced at two and a half times the target; audio is not held', (t) => {
  const wire = new Wire();
  const estimator = new BandwidthEstimator({ startBps: 400_000 });
  const sender = wire.sender({ estimator });
  const video = new HeaderTemplate({ payloadType: 96, ssrc: 1 });
  const audio = new HeaderTemplate({ payloadType: 111, ssrc: 2 });
  for (let i = 0; i < 50; i++) sender.hold(video.allocate(988, false, i, 0), PACER_PRIORITY.video, 0);
  for (let at = 0; at < 200; at += 5) {
    wire.nowUs = at * ms;
    if (at % 20 === 0) sender.enqueue(audio.allocate(88, false, at, 0), PACER_PRIORITY.audio, wire.nowUs);
    else sender.poll(wire.nowUs);
  }
  const left = wire.packets.map(({ atUs, packet }) => ({ atUs, ssrc: packet.readUInt32BE(8), size: packet.length }));
  t.same(
    left.filter(({ ssrc }) => ssrc === 2).map(({ atUs }) => atUs / ms),
    [0, 20, 40, 60, 80, 100, 120, 140, 160, 180],
  );
  const bytes = left.reduce((sum, { size }) => sum + size, 0);
  const bps = (bytes * 8) / 0.2;
  t.ok(bps > 0.95 * 1_000_000 && bps < 1.1 * 1_000_000, `${Math.round(bps / 1000)} kbit/s`);
  estimator.remb(100_000, wire.nowUs);
  const before = wire.packets.length;
  for (let at = 200; at < 400; at += 5) sender.poll((wire.nowUs = at * ms));
  const slower = (wire.packets.length - before) * 1000;
  t.ok(Math.abs(slower - 6250) <= 1500, `${slower} bytes of 6250 at the lower target`);
  t.end();
});

t.test('probes go out only while more is wanted, made of media and padding, at their rate', (t) => {
  const wire = new Wire();
  const estimator = new BandwidthEstimator({ startBps: 300_000 });
  const padding = new HeaderTemplate({ payloadType: 97, ssrc: 2, absSendTimeId: 2, transportSequenceId: 3 });
  let padded = 0;
  const sender = wire.sender({ estimator, padding: () => padding.allocatePadding(255, padded++, 0) });
  sender.setExtensions({ absSendTime: 2, transportSequence: 3 });
  const video = new HeaderTemplate({ payloadType: 96, ssrc: 1, absSendTimeId: 2, transportSequenceId: 3 });
  const run = (fromMs: number, toMs: number): void => {
    for (let at = fromMs; at < toMs; at += 5) {
      wire.nowUs = at * ms;
      if (at % 30 === 0) sender.enqueue(video.allocate(700, true, at, 0), PACER_PRIORITY.video, wire.nowUs);
      else sender.poll(wire.nowUs);
    }
  };
  run(0, 300);
  t.equal(sender.paddingPackets, 0, 'nothing is wanted');
  sender.wantedBps = 2_000_000;
  sender.poll((wire.nowUs = 300 * ms));
  t.equal(sender.busy, true);
  run(305, 500);
  t.equal(sender.busy, false, 'over when complete');
  const cluster = wire.packets.filter(({ atUs }) => atUs >= 300 * ms && atUs <= 345 * ms);
  const bytes = cluster.reduce((sum, { packet }) => sum + packet.length, 0);
  t.ok(bytes >= 3375 && bytes < 3375 + 1500, `${bytes} bytes: 30 ms of 900 kbit/s`);
  t.ok(cluster.length >= 5);
  t.equal(sender.paddingPackets, padded);
  t.ok(
    cluster.some(({ packet }) => packet.readUInt32BE(8) === 1) &&
      cluster.some(({ packet }) => packet.readUInt32BE(8) === 2),
  );
  const pad = new RtpPacket();
  t.ok(pad.parse(cluster.find(({ packet }) => packet.readUInt32BE(8) === 2)!.packet));
  t.match(pad, { payloadLength: 0, payloadType: 97 });
  const numbers = wire.packets.map((_, at) => readTransportSequence(wire.parsed(at), 3));
  t.same(
    numbers,
    numbers.map((_, i) => i + 1),
    'numbers without a gap, padding too',
  );
  t.end();
});

t.test('a probe that passes raises the target at once', (t) => {
  const wire = new Wire();
  const estimator = new BandwidthEstimator({ startBps: 300_000 });
  const padding = new HeaderTemplate({ payloadType: 97, ssrc: 2, transportSequenceId: 3 });
  const recorder = new TwccRecorder(1);
  let padded = 0;
  const sender = wire.sender({ estimator, padding: () => padding.allocatePadding(255, padded++, 0) });
  sender.setExtensions({ transportSequence: 3 });
  sender.wantedBps = 800_000;
  for (let at = 0; at < 100; at += 5) sender.poll((wire.nowUs = at * ms));
  for (const [at, { atUs }] of wire.packets.entries()) {
    recorder.record(readTransportSequence(wire.parsed(at), 3), atUs + 30 * ms + 1e9);
  }
  t.equal(estimator.targetBps, 300_000);
  for (const packet of recorder.build(1)) t.ok(estimator.feedback(packet, 110 * ms));
  t.ok(estimator.targetBps > 800_000 && estimator.targetBps <= 1_000_000, String(estimator.targetBps));
  t.end();
});

t.test('no more is tried than is of use', (t) => {
  const estimator = new BandwidthEstimator({ startBps: 300_000, maxBps: 3_000_000 });
  t.equal(estimator.probe(0, 0), undefined);
  t.equal(estimator.probe(0, 300_000), undefined);
  t.match(estimator.probe(0, 400_000), { bitrateBps: 500_000, minPackets: 5, minBytes: 1875 });
  t.equal(estimator.probe(0, 400_000), undefined, 'one at a time');
  const high = new BandwidthEstimator({ startBps: 2_500_000, maxBps: 3_000_000 });
  t.match(high.probe(0, 50_000_000), { bitrateBps: 3_750_000 });
  t.end();
});

t.test('an estimator may come later, with the numbers going on', (t) => {
  const wire = new Wire();
  const sender = wire.sender();
  sender.setExtensions({ transportSequence: 3 });
  const video = new HeaderTemplate({ payloadType: 96, ssrc: 1, transportSequenceId: 3 });
  for (let i = 0; i < 15; i++) sender.hold(video.allocate(980, false, i, 0), PACER_PRIORITY.video, 0);
  sender.poll(0);
  const estimator = new BandwidthEstimator({ startBps: 160_000 });
  sender.estimateBy(estimator);
  for (let at = 5; at <= 150; at += 5) sender.poll((wire.nowUs = at * ms));
  t.same(
    wire.packets.map((_, at) => readTransportSequence(wire.parsed(at), 3)),
    wire.packets.map((_, at) => at + 1),
  );
  t.equal(wire.packets.length, 15, 'what waited leaves');
  t.ok(
    wire.packets.slice(12).every(({ atUs }) => atUs >= 40 * ms),
    'at the new pace',
  );
  t.end();
});

t.test('without a way to pad, a probe is given up; what waits can be let go of', (t) => {
  const wire = new Wire();
  const sender = wire.sender({ estimator: new BandwidthEstimator({ startBps: 300_000 }) });
  sender.setExtensions({ transportSequence: 3 });
  sender.wantedBps = 2_000_000;
  sender.poll(0);
  t.equal(sender.busy, true);
  sender.poll(300 * ms);
  t.equal(sender.busy, false);
  const video = new HeaderTemplate({ payloadType: 96, ssrc: 1, transportSequenceId: 3 });
  for (let i = 0; i < 30; i++) sender.hold(video.allocate(700, true, i, 0), PACER_PRIORITY.video, 300 * ms);
  t.equal(sender.waitMs(340 * ms), 40);
  sender.clear();
  t.match(sender, { held: 0, heldBytes: 0, busy: false, dropped: { cleared: 30 } });
  t.equal(wire.packets.length, 0);
  t.end();
});
