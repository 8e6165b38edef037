import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import {
  H264Depacketizer,
  H264Packetizer,
  inspectH264,
  isH264KeyFrame,
  splitAnnexB,
} from '../../src/engine/rtp/h264.js';

const sps = [0x67, 1, 2, 3];
const pps = [0x68, 4, 5];
const idr = (length: number) => [0x65, ...Array.from({ length: length - 1 }, (_, i) => (i % 254) + 1)];
const slice = [0x41, 9, 9];

const annexB = (...units: number[][]) => Uint8Array.from(units.flatMap((unit) => [0, 0, 0, 1, ...unit]));

function packetize(frame: Uint8Array, maxPayload: number): Uint8Array[] {
  const packetizer = new H264Packetizer();
  const count = packetizer.begin(frame, maxPayload);
  return Array.from({ length: count }, (_, i) => {
    const target = new Uint8Array(packetizer.length(i) + 2);
    packetizer.write(i, target, 2);
    return target.subarray(2);
  });
}

t.test('Annex B is split at start codes of three and four bytes', (t) => {
  const data = Uint8Array.from([0, 0, 1, ...sps, 0, 0, 0, 1, ...pps, 0, 0, 1, 0x65, 0, 0, 3, 1, 0, 0, 0, 0, 1, 7]);
  t.same(
    splitAnnexB(data).map((unit) => [...unit]),
    [sps, pps, [0x65, 0, 0, 3, 1], [7]],
  );
  t.same(splitAnnexB(Uint8Array.from([1, 2, 3])), []);
  t.same(splitAnnexB(Uint8Array.from([0, 0, 1])), []);
  t.same(splitAnnexB(new Uint8Array(0)), []);
  t.ok(isH264KeyFrame(annexB(sps, pps, idr(5))));
  t.notOk(isH264KeyFrame(annexB(slice)));
  t.end();
});

t.test('small units travel together, large ones in parts, byte by byte as RFC 6184 says', (t) => {
  const payloads = packetize(annexB([0x09, 0xf0], sps, pps, idr(21)), 16);
  t.same(
    payloads.map((payload) => [...payload]),
    [
      [0x78, 0, 4, ...sps, 0, 3, ...pps],
      [0x7c, 0x85, ...idr(21).slice(1, 11)],
      [0x7c, 0x45, ...idr(21).slice(11)],
    ],
  );
  t.same(
    packetize(annexB(slice), 16).map((payload) => [...payload]),
    [slice],
  );
  t.same(payloads.map(inspectH264), [
    { idr: false, sps: true, nalStart: true },
    { idr: true, sps: false, nalStart: true },
    { idr: true, sps: false, nalStart: false },
  ]);
  t.same(inspectH264(Uint8Array.from(slice)), { idr: false, sps: false, nalStart: true });
  t.same(packetize(new Uint8Array(0), 16), []);
  t.end();
});

t.test('an access unit comes back whole', (t) => {
  // Bytes above zero: no start code can be among them.
  const unit = fc
    .tuple(
      fc.constantFrom(0x67, 0x68, 0x65, 0x41, 0x06),
      fc.array(fc.integer({ min: 1, max: 255 }), { minLength: 1, maxLength: 400 }),
    )
    .map(([header, body]) => [header, ...body]);
  fc.assert(
    fc.property(
      fc.array(unit, { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 8, max: 300 }),
      (units, maxPayload) => {
        const frame = annexB(...units, sps, pps);
        const payloads = packetize(frame, maxPayload);
        for (const payload of payloads) assert.ok(payload.length <= maxPayload);
        assert.deepEqual([...(new H264Depacketizer().join(payloads) ?? [])], [...frame]);
      },
    ),
    { numRuns: 60 },
  );
  t.end();
});

t.test('a key picture without parameter sets gets those of before', (t) => {
  const depacketizer = new H264Depacketizer();
  t.same([...depacketizer.join(packetize(annexB(idr(5)), 100))!], [...annexB(idr(5))], 'none known yet');
  depacketizer.join(packetize(annexB(sps, pps, idr(5)), 100));
  t.same([...depacketizer.join(packetize(annexB(idr(9)), 100))!], [...annexB(sps, pps, idr(9))]);
  t.same([...depacketizer.join(packetize(annexB([0x67, 9], idr(9)), 100))!], [...annexB(pps, [0x67, 9], idr(9))]);
  t.same([...depacketizer.join(packetize(annexB(slice), 100))!], [...annexB(slice)]);
  t.end();
});

t.test('payloads that do not fit together are refused, and garbage never throws', (t) => {
  const depacketizer = new H264Depacketizer();
  const [first, second, third] = packetize(annexB(idr(60)), 25);
  t.equal(depacketizer.join([second!, third!]), undefined, 'begins in the middle');
  t.equal(depacketizer.join([first!, second!]), undefined, 'does not end');
  t.equal(depacketizer.join([first!, Uint8Array.from(slice)]), undefined, 'another unit in between');
  t.equal(depacketizer.join([first!, Uint8Array.from(slice), third!]), undefined, 'and goes on behind it');
  t.equal(depacketizer.join([]), undefined);
  t.equal(inspectH264(Uint8Array.of(0x78, 0, 9, 1, 2)), undefined, 'an aggregated length that lies');
  t.equal(inspectH264(Uint8Array.of(0x78, 0, 0)), undefined);
  t.equal(inspectH264(Uint8Array.of(0x7d, 0x85, 1)), undefined, 'FU-B belongs to another mode');
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 4 }), (payloads) => {
      depacketizer.join(payloads);
      payloads.forEach(splitAnnexB);
    }),
    { numRuns: 500 },
  );
  t.end();
});
