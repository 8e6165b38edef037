import t from 'tap';
import { readMid, readRid } from '../../src/engine/rtp/header-extensions.js';
import { RtpPacket } from '../../src/engine/rtp/packet.js';
import { unwrapRtx } from '../../src/engine/rtp/rtx.js';
import { VirtualClock } from '../../src/media/clock.js';
import { capturedLayers } from './capture.js';

function setUp() {
  const clock = new VirtualClock();
  const [layer] = capturedLayers(clock, ['h']);
  const { capture, stream } = layer!;
  const send = (size: number): void => {
    const packet = stream.allocateVideo(size, true, 9000);
    packet.fill(7, stream.payloadOffset);
    stream.sendVideo(packet, 9000, 0);
  };
  return { clock, capture, stream, send };
}

/** What a receiver sees of a packet before it knows its SSRC. */
function seen(buffer: Uint8Array): Record<string, unknown> {
  const packet = new RtpPacket();
  packet.parse(buffer);
  const { ssrc, payloadType, payloadLength, paddingLength, sequenceNumber } = packet;
  const names = { mid: readMid(packet, 4), rid: readRid(packet, 10), repairedRid: readRid(packet, 11) };
  return { ssrc, payloadType, payloadLength, paddingLength, sequenceNumber, ...names };
}

t.test('packets of a layer say which it is, and so do their retransmissions', (t) => {
  const { clock, capture, stream, send } = setUp();
  send(1000);
  const [media] = capture.take();
  t.match(seen(media!.buffer), { ssrc: 100, payloadType: 96, mid: '1', rid: 'h', repairedRid: undefined });
  clock.advance(20);
  const { sequenceNumber } = seen(media!.buffer);
  const nack = { type: 'nack', senderSsrc: 1, mediaSsrc: 100, sequenceNumbers: [sequenceNumber as number] } as const;
  stream.retransmit(nack);
  stream.retransmit(nack);
  const again = capture.take();
  t.equal(again.length, 1, 'once within a round trip');
  t.match(seen(again[0]!.buffer), { ssrc: 200, payloadType: 97, mid: '1', rid: undefined, repairedRid: 'h' });
  const packet = new RtpPacket();
  packet.parse(again[0]!.buffer);
  const original = unwrapRtx(packet, 100, 96)!;
  t.match(seen(original), { ssrc: 100, sequenceNumber, payloadLength: 1000 });
  t.equal(stream.nackCount, 2);
  t.end();
});

t.test('probes are filled with the last packet again, or with padding; not with what is long past', (t) => {
  const { clock, capture, stream, send } = setUp();
  t.equal(stream.padding(1000), undefined, 'nothing was sent yet');
  send(900);
  capture.take();
  const first = seen(stream.padding(1200)!);
  t.match(first, { ssrc: 200, payloadType: 97, payloadLength: 902, repairedRid: 'h' });
  const small = seen(stream.padding(100)!);
  t.match(small, { ssrc: 200, payloadLength: 0, paddingLength: 100, mid: '1', repairedRid: 'h' });
  t.equal(small['sequenceNumber'], ((first['sequenceNumber'] as number) + 1) & 0xffff, 'new to the receiver');
  clock.advance(600);
  t.equal(stream.padding(1000), undefined);
  t.end();
});
