import assert from 'node:assert/strict';
import fc from 'fast-check';
import { packets } from 'rtp.js';
import t from 'tap';
import {
  absSendTime,
  extensionEquals,
  readAbsSendTime,
  readAudioLevel,
  readMid,
  readRid,
  readTransportSequence,
  readVoiceActivity,
} from '../../src/engine/rtp/header-extensions.js';
import { HeaderTemplate, writeRtp } from '../../src/engine/rtp/packet-writer.js';
import {
  RtpPacket,
  isRtcp,
  setMarker,
  setPayloadType,
  setSequenceNumber,
  setSsrc,
  setTimestamp,
} from '../../src/engine/rtp/packet.js';

const uint = (bits: number) => fc.integer({ min: 0, max: 2 ** bits - 1 });
const extension = fc.record({
  id: fc.integer({ min: 1, max: 14 }),
  data: fc.uint8Array({ minLength: 1, maxLength: 16 }),
});
const fields = fc.record({
  payloadType: uint(7),
  marker: fc.boolean(),
  sequenceNumber: uint(16),
  timestamp: uint(32),
  ssrc: uint(32),
  extensions: fc.uniqueArray(extension, { selector: (entry) => entry.id, maxLength: 5 }),
  payload: fc.uint8Array({ maxLength: 300 }),
  paddingLength: uint(8),
});

/** The packet has these fields, among others. */
function matches(packet: RtpPacket, expected: Partial<RtpPacket>): void {
  for (const key of Object.keys(expected) as (keyof RtpPacket)[]) assert.equal(packet[key], expected[key], key);
}

const view = (buffer: Uint8Array) => new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);

t.test('RtpPacket reads what writeRtp wrote, and rtp.js agrees', (t) => {
  const packet = new RtpPacket();
  fc.assert(
    fc.property(fields, (input) => {
      const buffer = writeRtp(input);
      assert.ok(packet.parse(buffer));
      const { marker, payloadType, sequenceNumber, timestamp, ssrc } = input;
      const expected = { marker, payloadType, sequenceNumber, timestamp, ssrc };
      matches(packet, { ...expected, paddingLength: input.paddingLength, payloadLength: input.payload.length });
      assert.deepEqual([...packet.payload()], [...input.payload]);
      for (const { id, data } of input.extensions) {
        const offset = packet.extensionOffset(id);
        assert.deepEqual([...buffer.subarray(offset, offset + packet.extensionLength(id))], [...data]);
        assert.ok(extensionEquals(packet, id, data));
      }
      assert.equal(packet.extensionOffset(15), -1);

      const oracle = new packets.RtpPacket(view(buffer));
      assert.deepEqual(
        {
          marker: oracle.getMarker(),
          payloadType: oracle.getPayloadType(),
          sequenceNumber: oracle.getSequenceNumber(),
          timestamp: oracle.getTimestamp(),
          ssrc: oracle.getSsrc(),
        },
        expected,
      );
      assert.equal(oracle.getPadding(), input.paddingLength);
      assert.equal(oracle.getPayload().byteLength, input.payload.length);
    }),
    { numRuns: 60 },
  );
  t.end();
});

t.test('two-byte header extensions, also empty ones and ids above 14', (t) => {
  const block = [0x10, 0x00, 0, 3, 20, 3, 1, 2, 3, 0, 5, 0, 7, 1, 9, 0];
  const buffer = Buffer.from([0x90, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, ...block, 0xaa]);
  const packet = new RtpPacket();
  t.ok(packet.parse(buffer));
  t.same([packet.extensionOffset(20), packet.extensionLength(20)], [18, 3]);
  t.equal(packet.extensionLength(5), 0);
  t.equal(buffer[packet.extensionOffset(7)], 9);
  t.same([packet.extensionOffset(1), packet.extensionLength(1)], [-1, -1]);
  t.same([...packet.payload()], [0xaa]);
  t.end();
});

t.test('id 15 ends one-byte header extensions, zeros between them are skipped', (t) => {
  const head = [0x90, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0xbe, 0xde, 0, 2];
  const packet = new RtpPacket();
  t.ok(packet.parse(Buffer.from([...head, 0x10, 7, 0, 0, 0x20, 8, 0xf0, 0])));
  t.same([packet.extensionOffset(1), packet.extensionOffset(2), packet.extensionOffset(15)], [17, 21, -1]);
  t.ok(packet.parse(Buffer.from([...head, 0x10, 7, 0xf0, 1, 0x20, 8, 0, 0])));
  t.same([packet.extensionOffset(1), packet.extensionOffset(2), packet.extensionOffset(15)], [17, -1, -1]);
  t.end();
});

t.test('contributing sources are skipped', (t) => {
  const packet = new RtpPacket();
  t.ok(packet.parse(Buffer.from([0x82, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 9, 9, 9, 9, 8, 8, 8, 8, 7])));
  t.same([...packet.payload()], [7]);
  t.end();
});

t.test('garbage and lying lengths are refused, and never throw', (t) => {
  const packet = new RtpPacket();
  const head = [96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
  t.notOk(packet.parse(Buffer.alloc(0)));
  t.notOk(packet.parse(Buffer.from([0x80, 96, 0, 1])), 'too short');
  t.notOk(packet.parse(Buffer.from([0x40, ...head])), 'another version');
  t.notOk(packet.parse(Buffer.from([0x8f, ...head])), 'more sources than bytes');
  t.notOk(
    packet.parse(Buffer.from([0x90, ...head, 0xbe, 0xde, 0, 2, 0, 0, 0, 0])),
    'extensions longer than the packet',
  );
  t.notOk(packet.parse(Buffer.from([0xa0, ...head, 5])), 'more padding than payload');
  t.notOk(packet.parse(Buffer.from([0xa0, ...head, 0])), 'padding of nothing');
  t.ok(
    packet.parse(Buffer.from([0x90, ...head, 0xbe, 0xde, 0, 1, 0x1f, 1, 2, 3])),
    'an extension longer than its block',
  );
  t.equal(packet.extensionOffset(1), -1, '... is not there');
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.integer({ min: 0, max: 16 }), (bytes, id) => {
      if (bytes.length > 0) bytes[0] = (bytes[0]! & 0x3f) | 0x80;
      if (!packet.parse(bytes)) return;
      const end = packet.payloadOffset + packet.payloadLength + packet.paddingLength;
      if (end !== bytes.length || packet.payloadLength < 0) throw new Error('lengths do not add up');
      const offset = packet.extensionOffset(id);
      if (offset !== -1 && offset + packet.extensionLength(id) > packet.payloadOffset)
        throw new Error('extension outside its block');
    }),
    { numRuns: 500 },
  );
  t.end();
});

t.test('setters change their field in the buffer and nothing else', (t) => {
  fc.assert(
    fc.property(fields, fields, (before, after) => {
      const inPlace = writeRtp(before);
      const packet = new RtpPacket();
      packet.parse(inPlace);
      packet.setMarker(after.marker);
      packet.setPayloadType(after.payloadType);
      packet.setSequenceNumber(after.sequenceNumber + 0x30000);
      packet.setTimestamp(after.timestamp + 2 ** 33);
      packet.setSsrc(after.ssrc);
      const { marker, payloadType, sequenceNumber, timestamp, ssrc } = after;
      matches(packet, { marker, payloadType, sequenceNumber, timestamp, ssrc });
      const expected = writeRtp({ ...before, marker, payloadType, sequenceNumber, timestamp, ssrc });
      assert.ok(inPlace.equals(expected));
      const free = writeRtp(before);
      setMarker(free, marker);
      setPayloadType(free, payloadType);
      setSequenceNumber(free, sequenceNumber);
      setTimestamp(free, timestamp);
      setSsrc(free, ssrc);
      assert.ok(free.equals(expected));
    }),
    { numRuns: 50 },
  );
  t.end();
});

t.test('a template lays out the header once and is patched in place', (t) => {
  const template = new HeaderTemplate({
    payloadType: 96,
    ssrc: 0xdeadbeef,
    mid: { id: 4, value: 'a1' },
    rid: { id: 10, value: 'q' },
    absSendTimeId: 2,
    transportSequenceId: 3,
    audioLevelId: 1,
  });
  const buffer = template.allocate(3, true, 0x1ffff, 2 ** 32 + 7);
  buffer.set([7, 8, 9], template.headerLength);
  template.patchAbsSendTime(buffer, 1_500_000);
  template.patchTransportSequence(buffer, 0x12345);
  template.patchAudioLevel(buffer, 42, true);
  const packet = new RtpPacket();
  t.ok(packet.parse(buffer));
  t.match(packet, { marker: true, payloadType: 96, sequenceNumber: 0xffff, timestamp: 7, ssrc: 0xdeadbeef });
  t.same([...packet.payload()], [7, 8, 9]);
  t.equal(readMid(packet, 4), 'a1');
  t.equal(readRid(packet, 10), 'q');
  t.equal(readAbsSendTime(packet, 2), 1.5 * 2 ** 18);
  t.equal(readTransportSequence(packet, 3), 0x2345);
  t.equal(readAudioLevel(packet, 1), 42);
  t.equal(readVoiceActivity(packet, 1), true);
  t.ok(extensionEquals(packet, 4, Buffer.from('a1')));
  t.notOk(extensionEquals(packet, 4, Buffer.from('a2')));
  t.same(
    [readMid(packet, 5), readAbsSendTime(packet, 5), readTransportSequence(packet, 5), readAudioLevel(packet, 5)],
    [undefined, -1, -1, -1],
  );

  const plain = new HeaderTemplate({ payloadType: 111, ssrc: 1 });
  const bare = plain.allocate(0, false, 1, 1);
  const before = Buffer.from(bare);
  plain.patchAbsSendTime(bare, 5);
  plain.patchTransportSequence(bare, 5);
  plain.patchAudioLevel(bare, 5, true);
  t.ok(bare.equals(before), 'what was not negotiated is not written');
  t.equal(plain.headerLength, 12);
  t.end();
});

t.test('extensions that do not fit are refused', (t) => {
  t.throws(() => new HeaderTemplate({ payloadType: 96, ssrc: 1, mid: { id: 15, value: '0' } }), {
    code: 'SLUICE_SDP_INVALID',
  });
  t.throws(() => new HeaderTemplate({ payloadType: 96, ssrc: 1, mid: { id: 1, value: 'x'.repeat(17) } }), {
    code: 'SLUICE_SDP_INVALID',
  });
  t.end();
});

t.test('abs-send-time counts 64 s in 6.18 fixed point and wraps', (t) => {
  t.equal(absSendTime(0), 0);
  t.equal(absSendTime(1_000_000), 0x40000);
  t.equal(absSendTime(63_999_999.9), 0xffffff);
  t.equal(absSendTime(64_000_000), 0);
  t.equal(absSendTime(64_000_000 * 1e6 + 500_000), 0x20000);
  t.end();
});

t.test('isRtcp tells RTCP from RTP with the marker bit', (t) => {
  t.ok(isRtcp(Buffer.from([0x80, 200, 0, 1])));
  t.ok(isRtcp(Buffer.from([0x8f, 206, 0, 1])));
  t.notOk(isRtcp(Buffer.from([0x80, 0x80 | 96, 0, 1])));
  t.notOk(isRtcp(Buffer.from([0x80, 111, 0, 1])));
  t.notOk(isRtcp(Buffer.from([0x80, 200])));
  t.notOk(isRtcp(Buffer.from([0x00, 200, 0, 1])));
  t.end();
});
