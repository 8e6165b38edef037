import assert from 'node:assert/strict';
import t from 'tap';
import { FrameAssembler } from '../../src/engine/rtp/frame-assembler.js';
import { PacketHistory } from '../../src/engine/rtp/history.js';
import { NackGenerator } from '../../src/engine/rtp/nack.js';
import { PACER_PRIORITY, Pacer } from '../../src/engine/rtp/pacer.js';
import { HeaderTemplate } from '../../src/engine/rtp/packet-writer.js';
import { RtpPacket, isRtcp } from '../../src/engine/rtp/packet.js';
import { ReceiveStatistics } from '../../src/engine/rtp/receive-statistics.js';
import { writeCompound, writeNack, writeReceiverReport } from '../../src/engine/rtp/rtcp-writer.js';
import { parseRtcp } from '../../src/engine/rtp/rtcp.js';
import { unwrapRtx, wrapRtx } from '../../src/engine/rtp/rtx.js';
import { SequenceUnwrapper, TimestampUnwrapper } from '../../src/engine/rtp/sequence.js';
import { Vp8Packetizer } from '../../src/engine/rtp/vp8.js';

const ms = 1000;
const noise = (i: number) => ((Math.imul(i + 1, 2654435761) >>> 8) % 1000) / 1000;

interface Flying {
  readonly atUs: number;
  readonly packet: Uint8Array;
}

t.test('video over a way with 5 % loss and 15 to 25 ms: retransmission brings every frame', (t) => {
  const template = new HeaderTemplate({
    payloadType: 96,
    ssrc: 1,
    mid: { id: 4, value: '0' },
    absSendTimeId: 2,
    transportSequenceId: 3,
  });
  const packetizer = new Vp8Packetizer();
  const history = new PacketHistory();
  const pacer = new Pacer<Buffer>();
  const sequences = new SequenceUnwrapper();
  const timestamps = new TimestampUnwrapper();
  const nack = new NackGenerator();
  const statistics = new ReceiveStatistics(1, 90000);
  const assembler = new FrameAssembler({ codec: 'vp8' });
  const view = new RtpPacket();
  const there: Flying[] = [];
  const back: Flying[] = [];
  const sent: Buffer[] = [];
  const received: Buffer[] = [];
  let sequence = 65000;
  let rtxSequence = 0;
  let crossings = 0;
  let lost = 0;
  let nowUs = 0;

  const cross = (way: Flying[], packet: Uint8Array): void => {
    // The very first packets come through: what was before the first one seen cannot be asked for again.
    if (noise(++crossings * 7) < 0.05 && crossings > 20) lost++;
    else way.push({ atUs: nowUs + (15 + noise(crossings) * 10) * ms, packet });
  };
  const send = (packet: Buffer): void => {
    template.patchAbsSendTime(packet, nowUs);
    view.parse(packet);
    if (view.payloadType === 96) history.put(view.sequenceNumber, packet, nowUs);
    cross(there, packet);
  };
  const produce = (index: number): void => {
    const key = index % 100 === 0;
    const frame = Buffer.alloc(key ? 20_000 : 3000, index & 0xff);
    frame.set(key ? [0x10, 0, 0, 0x9d, 1, 0x2a, 0x40, 1, 0xf0, 0] : [0x11]);
    sent.push(frame);
    const count = packetizer.begin(frame, 1100);
    for (let i = 0; i < count; i++) {
      const packet = template.allocate(packetizer.length(i), i === count - 1, sequence++, index * 3000 + 0xffff0000);
      packetizer.write(i, packet, template.headerLength);
      pacer.enqueue(packet, PACER_PRIORITY.video, nowUs);
    }
  };
  const receive = (packet: Uint8Array): void => {
    assert.ok(!isRtcp(packet) && view.parse(packet));
    if (view.payloadType === 97) {
      const original = unwrapRtx(view, 1, 96);
      assert.ok(original && view.parse(original));
    } else statistics.receive(view.sequenceNumber, view.timestamp, nowUs, view.payloadLength);
    const unwrapped = sequences.unwrap(view.sequenceNumber);
    nack.receive(unwrapped, nowUs);
    assembler.insert(view, unwrapped, timestamps.unwrap(view.timestamp), nowUs);
    for (let frame = assembler.next(nowUs); frame; frame = assembler.next(nowUs)) received.push(frame.data);
  };
  const answer = (packet: Uint8Array): void => {
    assert.ok(isRtcp(packet));
    for (const report of parseRtcp(packet)) {
      if (report.type !== 'nack') continue;
      for (const wanted of report.sequenceNumbers) {
        const found = history.take(wanted, nowUs, 20 * ms);
        if (!found || !view.parse(found)) continue;
        const target = { ssrc: 2, payloadType: 97, sequenceNumber: rtxSequence++ };
        pacer.enqueue(wrapRtx(view, target), PACER_PRIORITY.retransmission, nowUs);
      }
    }
  };
  const arrive = (way: Flying[], take: (packet: Uint8Array) => void): void => {
    way.sort((a, b) => a.atUs - b.atUs);
    while (way.length > 0 && way[0]!.atUs <= nowUs) take(way.shift()!.packet);
  };

  for (let tick = 0; tick < 4400; tick++, nowUs += 5 * ms) {
    if (tick % 7 === 0 && tick < 4200) produce(tick / 7);
    pacer.poll(nowUs, send);
    arrive(there, receive);
    arrive(back, answer);
    const wanted = nack.poll(nowUs, 40 * ms);
    if (wanted.length > 0) cross(back, writeCompound([writeReceiverReport(9), writeNack(9, 1, wanted)]));
  }

  t.ok(lost > 80, `${lost} of ${crossings} lost`);
  t.equal(received.length, sent.length);
  t.ok(
    received.every((frame, i) => frame.equals(sent[i]!)),
    'every frame as it was sent',
  );
  t.match(nack, { pending: 0, givenUp: 0 });
  t.equal(nack.recovered, nack.missing);
  t.ok(statistics.cumulativeLost > 60, 'the report tells what the network lost, not what was repaired');
  t.equal(assembler.needsKeyFrame, false);
  t.end();
});
