import fc from 'fast-check';
import { packets } from 'rtp.js';
import t from 'tap';
import { parseRtcp } from '../../src/engine/rtp/rtcp.js';
import { TwccRecorder, parseTwccFeedback } from '../../src/engine/rtp/twcc.js';

/** All feedback as a map of unwrapped transport sequence to arrival; undefined stands for lost. */
function readAll(buffers: readonly Buffer[], base: number): Map<number, number | undefined> {
  const statuses = new Map<number, number | undefined>();
  for (const buffer of buffers) {
    const [report] = parseRtcp(buffer);
    if (report?.type !== 'twcc') throw new Error('not transport-wide feedback');
    const feedback = parseTwccFeedback(report.packet);
    if (!feedback) throw new Error('malformed');
    const start = base + (((feedback.baseSequence - base) << 16) >> 16);
    feedback.arrivalUs.forEach((arrivalUs, i) =>
      statuses.set(start + i, Number.isNaN(arrivalUs) ? undefined : arrivalUs),
    );
  }
  return statuses;
}

t.test('a packet laid out byte by byte as the draft says', (t) => {
  const recorder = new TwccRecorder(0x01020304);
  recorder.record(10, 64_000 * 5 + 1000);
  recorder.record(11, 64_000 * 5 + 2000);
  recorder.record(13, 64_000 * 5 + 102_000);
  const [packet, ...more] = recorder.build(0x05060708);
  t.equal(more.length, 0);
  t.same(
    [...packet!],
    [
      ...[0x8f, 205, 0, 6, 1, 2, 3, 4, 5, 6, 7, 8],
      ...[0, 10, 0, 4, 0, 0, 5, 0],
      // small, small, lost, large as a vector of two-bit symbols
      ...[0b11010100, 0b10000000],
      ...[4, 4, 0x01, 0x90],
      ...[0, 0],
    ],
  );
  t.same(recorder.build(1), [], 'nothing new, nothing to say');
  recorder.record(14, 64_000 * 9);
  t.equal(recorder.build(1)[0]?.[19], 1, 'feedback is counted');
  t.ok(packets.isRtcp(new DataView(packet!.buffer, packet!.byteOffset, packet!.byteLength)));
  t.end();
});

t.test(
  'what was recorded comes back to a quarter of a millisecond, across the wrap, with loss, reordering and duplicates',
  (t) => {
    const step = fc.record({
      lost: fc.integer({ min: 0, max: 9 }),
      gapUs: fc.integer({ min: 0, max: 40_000 }),
      late: fc.integer({ min: 0, max: 9 }),
    });
    t.doesNotThrow(
      () =>
        fc.assert(
          fc.property(
            fc.integer({ min: 0, max: 65535 }),
            fc.array(step, { minLength: 1, maxLength: 900 }),
            (start, steps) => {
              const recorder = new TwccRecorder(1);
              const expected = new Map<number, number>();
              let timeUs = 1e9;
              let sequence = start;
              const buffers: Buffer[] = [];
              steps.forEach(({ lost, gapUs, late }, i) => {
                sequence += lost === 9 ? 20 : lost === 8 ? 2 : 1;
                timeUs += gapUs === 40_000 ? 9e6 : gapUs;
                const arrived = late === 9 && expected.size > 0 ? sequence - 1 : sequence;
                recorder.record(arrived & 0xffff, timeUs);
                if (!expected.has(arrived) && arrived > start) expected.set(arrived, timeUs);
                if (i % 300 === 299) buffers.push(...recorder.build(2));
              });
              buffers.push(...recorder.build(2));
              const statuses = readAll(buffers, start);
              for (const [at, arrivalUs] of statuses) {
                const wanted = expected.get(at);
                if ((wanted === undefined) !== (arrivalUs === undefined))
                  throw new Error(`${at}: ${String(wanted)} became ${String(arrivalUs)}`);
                if (wanted !== undefined && Math.abs((arrivalUs ?? 0) - Math.floor(wanted / 250) * 250) > 0)
                  throw new Error(`${at} at ${wanted}`);
              }
              for (const at of expected.keys()) if (!statuses.has(at)) throw new Error(`${at} was not reported`);
              for (const buffer of buffers) if (buffer.length > 1200) throw new Error(`${buffer.length} bytes`);
            },
          ),
          { numRuns: 60 },
        ),
      'every packet is reported once, at its time',
    );
    t.end();
  },
);

t.test('a late packet is reported again, one from before the window is dropped', (t) => {
  const recorder = new TwccRecorder(1);
  recorder.record(100, 1000);
  recorder.record(102, 2000);
  recorder.build(2);
  recorder.record(101, 64_000 + 3000);
  t.same(
    [...readAll(recorder.build(2), 100)],
    [
      [101, 67_000],
      [102, 2000],
    ],
  );
  recorder.record(102 + 5000, 1e6);
  recorder.record(101, 1e6);
  t.equal(recorder.dropped, 1);
  const statuses = readAll(recorder.build(2), 100);
  t.equal(statuses.get(5102), 1e6);
  t.ok(statuses.size <= 4096);
  t.end();
});

t.test('arrivals too far apart for one packet take several, whichever way', (t) => {
  const recorder = new TwccRecorder(1);
  recorder.record(1, 100e6);
  recorder.record(3, 100e6 + 250);
  recorder.record(2, 109e6);
  recorder.record(4, 118e6);
  const buffers = recorder.build(2);
  t.equal(buffers.length, 4, '16 bits of 0.25 ms are 8.19 s');
  t.same([...readAll(buffers, 1).values()], [100e6, 109e6, 100e6 + 250, 118e6]);
  t.end();
});

t.test('malformed feedback is refused, and never throws', (t) => {
  const recorder = new TwccRecorder(1);
  for (let i = 0; i < 40; i++) if (i % 3) recorder.record(i, i * 5000);
  const [packet] = recorder.build(2);
  t.ok(parseTwccFeedback(packet!));
  for (let length = 0; length < packet!.length - 3; length++)
    t.equal(parseTwccFeedback(packet!.subarray(0, length)), undefined);
  const empty = Buffer.from([0x8f, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0]);
  t.equal(parseTwccFeedback(empty), undefined, 'runs of nothing');
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      parseTwccFeedback(bytes);
    }),
    { numRuns: 500 },
  );
  t.end();
});
