import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { JitterBuffer, type JitterBufferResult } from '../../src/engine/rtp/jitter-buffer.js';
import { isOpusDtx, opusDurationSamples } from '../../src/engine/rtp/opus-duration.js';
import { hasOpusFec } from '../../src/engine/rtp/opus-fec.js';

const ms = 1000;
const tickUs = 20 * ms;

/** An Opus packet of the wanted length (CELT, 20 ms frames; 10 ms ones for 10) that carries nothing. */
function opus(durationMs: number): Uint8Array {
  if (durationMs === 10) return Uint8Array.of(0xf0, 0, 0);
  return Uint8Array.of(0xfb, durationMs / 20, 0, 0);
}

const packet20 = opus(20);
const describe = (result: JitterBufferResult | undefined): string => {
  if (!result) return '-';
  if (result.type === 'packet') return `${result.packet.sequence}`;
  if (result.type === 'lost') return result.next ? `lost<${result.next.sequence}` : 'lost';
  return result.reason;
};

function conserved(buffer: JitterBuffer): void {
  const { packetsReceived, packetsEmitted, packetsDiscarded, packetsDuplicated, packetsEmpty } = buffer.stats;
  assert.equal(packetsReceived, packetsEmitted + packetsDiscarded + packetsDuplicated + packetsEmpty + buffer.held);
}

/** Everything that is due at a moment. */
function due(buffer: JitterBuffer, atMs: number): string {
  const played: string[] = [];
  for (let result = buffer.pull(atMs * ms); result; result = buffer.pull(atMs * ms)) played.push(describe(result));
  return played.join(' ');
}

/** What is due every 5 ms, in one line: times are left out, what lasts is told once. */
function play(buffer: JitterBuffer, fromMs: number, toMs: number): string {
  const played: string[] = [];
  for (let atMs = fromMs; atMs < toMs; atMs += 5)
    for (const word of due(buffer, atMs).split(' ')) if (word !== '' && word !== played.at(-1)) played.push(word);
  return played.join(' ');
}

t.test('the length of an Opus packet is in its first bytes', (t) => {
  for (const durationMs of [10, 20, 40, 60, 120]) t.equal(opusDurationSamples(opus(durationMs)), durationMs * 48);
  t.equal(opusDurationSamples(Uint8Array.of(0x00, 1)), 480, 'SILK 10 ms');
  t.equal(opusDurationSamples(Uint8Array.of(0x19, 1)), 5760, 'SILK, twice 60 ms');
  t.equal(opusDurationSamples(Uint8Array.of(0x68, 1)), 960, 'hybrid 20 ms');
  t.equal(opusDurationSamples(Uint8Array.of(0x80, 1)), 120, 'CELT 2.5 ms');
  t.equal(opusDurationSamples(opus(140)), 0, 'longer than Opus allows');
  t.equal(opusDurationSamples(Uint8Array.of(0xfb)), 0, 'cut short');
  t.equal(opusDurationSamples(new Uint8Array(0)), 0);
  t.same([isOpusDtx(Uint8Array.of(0xf8)), isOpusDtx(packet20)], [true, false]);
  t.end();
});

t.test('order is restored, a loss shows the packet behind it, duplicates and late packets are told apart', (t) => {
  const buffer = new JitterBuffer({ minDelayMs: 100 });
  t.equal(due(buffer, 0), '');
  for (const [sequence, atMs] of [
    [10, 0],
    [12, 41],
    [11, 42],
    [12, 42],
  ] as const)
    buffer.insert(sequence, sequence * 960, packet20, atMs * ms);
  t.equal(due(buffer, 75), '', 'the first waits as long as the least delay says, but for itself');
  t.equal(due(buffer, 80), '10');
  buffer.insert(14, 14 * 960, packet20, 80 * ms);
  t.equal(due(buffer, 100), '11');
  t.equal(due(buffer, 120), '12');
  t.equal(due(buffer, 140), '', 'what is missing is waited for, for a moment');
  t.equal(due(buffer, 150), 'lost');
  t.equal(buffer.insert(13, 13 * 960, packet20, 155 * ms), false);
  t.equal(buffer.insert(12, 12 * 960, packet20, 155 * ms), false);
  t.equal(due(buffer, 160), '14');
  t.match(buffer.stats, {
    packetsReceived: 7,
    packetsEmitted: 4,
    packetsDiscarded: 1,
    packetsLate: 1,
    packetsDuplicated: 2,
    concealedSamples: 960,
    concealmentEvents: 1,
    jitterBufferEmittedCount: 4 * 960,
    totalSamplesReceived: 5 * 960,
  });
  t.ok(Math.abs(buffer.stats.jitterBufferDelay - (0.08 + 0.058 + 0.079 + 0.08) * 960) < 1e-6);
  conserved(buffer);
  t.end();
});

t.test('without jitter a packet is played when it comes', (t) => {
  const buffer = new JitterBuffer();
  for (let i = 0; i < 50; i++) {
    buffer.insert(i, i * 960, packet20, i * tickUs + 7 * ms);
    t.equal(due(buffer, i * 20 + 7), `${i}`);
  }
  t.equal(buffer.stats.jitterBufferDelay, 0);
  t.ok(buffer.targetDelayMs <= 22, `target ${buffer.targetDelayMs} ms, a packet and next to nothing`);
  t.end();
});

t.test('a copy in the next packet is used as soon as the lost one is due', (t) => {
  const buffer = new JitterBuffer({ minDelayMs: 120 });
  const withCopy = Uint8Array.of(0x48, 0x40, 0, 0);
  t.ok(hasOpusFec(withCopy));
  for (const sequence of [0, 2, 3]) buffer.insert(sequence, sequence * 960, withCopy, sequence * tickUs);
  t.equal(play(buffer, 0, 120), '0');
  buffer.insert(6, 6 * 960, withCopy, 120 * ms);
  t.equal(due(buffer, 120), 'lost<2');
  t.equal(play(buffer, 120, 250), '2 3 lost lost<6 6');
  t.match(buffer.stats, { fecPacketsReceived: 4, fecPacketsDiscarded: 2, concealedSamples: 960, concealmentEvents: 1 });
  conserved(buffer);
  t.end();
});

t.test('packets of 10, 40 and 60 ms play as long as they are', (t) => {
  const buffer = new JitterBuffer({ minDelayMs: 200 });
  let timestamp = 0;
  const durations = [10, 10, 60, 40, 20, 10, 10];
  durations.forEach((durationMs, i) => {
    buffer.insert(i, timestamp, opus(durationMs), (timestamp * 1000) / 48);
    timestamp += durationMs * 48;
  });
  t.equal(buffer.heldMs, 160);
  const starts: number[] = [];
  for (let atMs = 160; atMs < 400; atMs += 5)
    for (const word of due(buffer, atMs).split(' ')) if (/^\d/.test(word)) starts.push(atMs);
  t.same(
    starts.map((start) => start - starts[0]!),
    [0, 10, 20, 80, 120, 140, 150],
  );
  t.end();
});

t.test('a pause of the source (timestamp jumps, sequence does not) is kept', (t) => {
  const buffer = new JitterBuffer({ minDelayMs: 100 });
  const dtx = Uint8Array.of(0xf8);
  buffer.insert(1, 0, packet20, 0);
  buffer.insert(2, 960, dtx, 20 * ms);
  buffer.insert(3, 4 * 960, packet20, 80 * ms);
  t.equal(play(buffer, 0, 165), '1 2 dtx 3');
  t.equal(buffer.stats.jitterBufferDelay, 3 * 0.08 * 960);
  const alone = new JitterBuffer();
  alone.insert(1, 0, dtx, 0);
  t.equal(play(alone, 0, 385), '1 dtx');
  t.equal(alone.stats.concealedSamples, 0, 'an announced pause is not concealed');
  alone.insert(2, 20 * 960, packet20, 400 * ms);
  t.equal(play(alone, 400, 420), '2', 'and what comes after it is played at once');
  t.end();
});

t.test(
  'a pause that was not announced is concealed for 90 ms, also when what follows is there before it is due',
  (t) => {
    const buffer = new JitterBuffer({ minDelayMs: 180 });
    buffer.insert(1, 0, packet20, 0);
    t.equal(play(buffer, 0, 200), '1 lost');
    buffer.insert(2, 960 + 180 * 48, packet20, 200 * ms);
    t.equal(play(buffer, 200, 385), 'lost idle 2');
    t.equal(buffer.stats.concealedSamples, 4320);
    t.end();
  },
);

t.test('a source that falls silent is concealed for 90 ms and then taken as paused', (t) => {
  const buffer = new JitterBuffer();
  buffer.insert(1, 0, packet20, 0);
  t.equal(play(buffer, 0, 200), '1 lost idle');
  t.equal(buffer.stats.concealedSamples, 4320);
  buffer.insert(2, 500 * 960, packet20, 1000 * ms);
  t.equal(play(buffer, 1000, 1020), 'buffering 2', 'however far the timestamps went on');
  t.end();
});

t.test('an underrun makes the delay grow by as much as the packet is late; one that was a loss does not', (t) => {
  const grown = new JitterBuffer();
  grown.insert(1, 0, packet20, 0);
  t.equal(play(grown, 0, 40), '1 lost');
  grown.insert(2, 960, packet20, 37 * ms);
  t.equal(due(grown, 37), '2', 'after 10 ms that were concealed');
  t.equal(grown.stats.concealedSamples, 480);
  t.ok(Math.abs(grown.playUs! - 52 * ms) < 3 * ms, `next at ${grown.playUs! / ms} ms, not at 40`);

  const lost = new JitterBuffer();
  lost.insert(1, 0, packet20, 0);
  t.equal(play(lost, 0, 40), '1 lost');
  lost.insert(3, 1920, packet20, 40 * ms);
  lost.insert(4, 2880, packet20, 60 * ms);
  t.equal(play(lost, 40, 75), 'lost 3 4');
  t.equal(lost.stats.concealedSamples, 960, 'packet 2, and no more');
  t.end();
});

t.test('a player that cannot wait gets something', (t) => {
  const buffer = new JitterBuffer();
  buffer.insert(1, 0, packet20, 0);
  t.equal(due(buffer, 0), '1');
  t.equal(due(buffer, 25), '');
  t.equal(describe(buffer.pull(25 * ms, true)), 'lost');
  t.end();
});

t.test('what is held stays within its bound when nobody pulls, and the newest is kept', (t) => {
  const kept: number[] = [];
  const buffer = new JitterBuffer({ maxMs: 300, onLeftOut: (packet) => kept.push(packet.sequence) });
  for (let i = 0; i < 1000; i++) {
    buffer.insert(i, i * 960, packet20, i * tickUs);
    assert.ok(buffer.heldMs <= 300);
  }
  conserved(buffer);
  for (const word of play(buffer, 20_000, 20_300).split(' ')) if (/^\d/.test(word)) kept.push(Number(word));
  t.same(
    kept,
    kept.map((_, i) => i),
    'who keeps packets gets those that are left out as well',
  );
  t.equal(kept.length, 1000);
  t.end();
});

t.test('a delay that is off is told, until what was played has changed it', (t) => {
  const buffer = new JitterBuffer();
  // 100 ms late and all at once at the start, punctual from then on.
  for (let i = 0; i < 6; i++) buffer.insert(i, i * 960, packet20, 0);
  let shortened = 0;
  for (let i = 6; i < 1000; i++) {
    buffer.insert(i, i * 960, packet20, (i - 6) * tickUs);
    for (let result = buffer.pull((i - 6) * tickUs); result; result = buffer.pull((i - 6) * tickUs)) {
      if (result.type !== 'packet' || result.stretchMs === 0) continue;
      const samples = Math.max(-480, Math.round(result.stretchMs * 48));
      buffer.stretched(samples, true);
      shortened -= samples;
    }
  }
  t.equal(buffer.stats.concealedSamples, 0);
  t.equal(buffer.stats.removedSamplesForAcceleration, shortened);
  t.ok(shortened > 4000 && shortened < 5800, `${shortened / 48} ms of the 120 are gone`);
  t.ok(buffer.heldMs <= 20, `${buffer.heldMs} ms held`);
  conserved(buffer);
  t.end();
});

t.test('a packet without payload closes its gap', (t) => {
  const buffer = new JitterBuffer({ minDelayMs: 60 });
  buffer.insert(1, 0, packet20, 0);
  buffer.insert(2, 960, new Uint8Array(0), 10 * ms);
  buffer.insert(3, 960, packet20, 20 * ms);
  t.equal(play(buffer, 20, 65), '1 3');
  t.equal(buffer.insert(4, 1920, Uint8Array.of(0xfb), 0), false, 'a malformed one is refused');
  conserved(buffer);
  t.end();
});

t.test('a source that starts anew is followed, told or not', (t) => {
  const buffer = new JitterBuffer();
  buffer.insert(50_000, 9e6, packet20, 0);
  t.equal(due(buffer, 0), '50000');
  buffer.insert(50_002, 9e6 + 1920, packet20, 20 * ms);
  buffer.reset();
  t.equal(buffer.stats.packetsDiscarded, 1);
  buffer.insert(3, 100, packet20, 40 * ms);
  t.equal(play(buffer, 40, 50), 'buffering 3');
  buffer.insert(9000, 5e6, packet20, 60 * ms);
  t.equal(due(buffer, 75), '9000', 'a leap ahead is not concealed packet by packet');
  for (let i = 10; i < 60; i++) buffer.insert(i, i * 960, packet20, 140 * ms + i * tickUs);
  t.ok(buffer.held > 0, 'nor are lower numbers late for ever');
  conserved(buffer);
  t.end();
});

t.test('every packet is counted, order is kept, the bound holds, time goes on evenly, whatever comes in', (t) => {
  const event = fc.record({
    step: fc.integer({ min: -30, max: 6 }),
    jump: fc.integer({ min: -2000, max: 500_000 }),
    kind: fc.constantFrom(0, 10, 20, 40, 60, 120),
    waitMs: fc.integer({ min: 0, max: 40 }),
    pulls: fc.integer({ min: 0, max: 3 }),
    rare: fc.integer({ min: 0, max: 19 }),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 300, size: 'max' }), (events) => {
      const buffer = new JitterBuffer({ maxMs: 400 });
      let newest = 0;
      let offset = 0;
      let nowUs = 0;
      let last = -1;
      for (const { step, jump, kind, waitMs, pulls, rare } of events) {
        nowUs += waitMs * ms;
        const sequence = Math.max(0, newest + (step < -3 ? 1 : step));
        newest = Math.max(newest, sequence);
        if (rare === 0) offset += jump;
        const payload = kind === 0 ? new Uint8Array(0) : opus(kind);
        const isTaken = buffer.insert(sequence, sequence * 960 + offset, payload, nowUs);
        assert.ok(buffer.held <= 256);
        if (isTaken && buffer.held > 1) assert.ok(buffer.heldMs <= 400, `${buffer.heldMs} ms held`);
        if (rare === 1) {
          buffer.reset();
          last = -1;
        }
        for (let i = 0; i < pulls; i++) {
          const beforeUs = buffer.playUs;
          const result = buffer.pull(nowUs, rare === 2);
          if (!result) continue;
          assert.ok(result.durationSamples > 0 && Number.isInteger(result.durationSamples));
          if (beforeUs !== undefined && nowUs - beforeUs < 1e6)
            assert.ok(Math.abs(buffer.playUs! - beforeUs - result.durationSamples / 0.048) < 0.01);
          if (result.type !== 'packet') continue;
          assert.ok(result.packet.sequence > last || result.packet.sequence < last - 24);
          last = result.packet.sequence;
        }
        conserved(buffer);
      }
    }),
    { numRuns: 100 },
  );
  t.end();
});
