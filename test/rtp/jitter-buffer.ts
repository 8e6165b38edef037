import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { JitterBuffer, type JitterBufferResult } from '../../src/engine/rtp/jitter-buffer.js';
import { isOpusDtx, opusDurationSamples } from '../../src/engine/rtp/opus-duration.js';

const ms = 1000;
const tickUs = 20 * ms;

/** An Opus packet of the wanted length (CELT, 20 ms frames; 10 ms ones for 10) that carries nothing. */
function opus(durationMs: number): Uint8Array {
  if (durationMs === 10) return Uint8Array.of(0xf0, 0, 0);
  return Uint8Array.of(0xfb, durationMs / 20, 0, 0);
}

const packet20 = opus(20);
const describe = (result: JitterBufferResult): string => {
  if (result.type === 'packet') return `${result.packet.sequence}`;
  if (result.type === 'lost') return result.next ? `lost<${result.next.sequence}` : 'lost';
  return result.reason;
};

function conserved(buffer: JitterBuffer): void {
  const { packetsReceived, packetsEmitted, packetsDiscarded, packetsDuplicated, packetsEmpty } = buffer.stats;
  assert.equal(packetsReceived, packetsEmitted + packetsDiscarded + packetsDuplicated + packetsEmpty + buffer.held);
}

/** Pulls once a tick, `ticks` times from `startMs` on. */
function play(buffer: JitterBuffer, startMs: number, ticks: number): string {
  return Array.from({ length: ticks }, (_, i) => describe(buffer.pull(startMs * ms + i * tickUs))).join(' ');
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

t.test('order is restored, duplicates and late packets are counted, a loss shows the packet behind it', (t) => {
  const buffer = new JitterBuffer({ minDelayMs: 60 });
  t.equal(describe(buffer.pull(0)), 'idle');
  for (const sequence of [10, 12, 11, 12, 14]) buffer.insert(sequence, sequence * 960, packet20, 0);
  t.equal(play(buffer, 0, 4), '10 11 12 lost<14');
  t.equal(buffer.insert(13, 13 * 960, packet20, 80 * ms), false);
  t.equal(play(buffer, 80, 1), '14');
  t.match(buffer.stats, {
    packetsReceived: 6,
    packetsEmitted: 4,
    packetsDiscarded: 1,
    packetsLate: 1,
    packetsDuplicated: 1,
    concealedSamples: 960,
    concealmentEvents: 1,
    jitterBufferEmittedCount: 4 * 960,
  });
  t.ok(Math.abs(buffer.stats.jitterBufferDelay - (0 + 0.02 + 0.04 + 0.08) * 960) < 1e-6);
  conserved(buffer);
  t.end();
});

t.test('playing starts when the target delay has gathered', (t) => {
  const buffer = new JitterBuffer({ minDelayMs: 40 });
  buffer.insert(1, 0, packet20, 0);
  t.equal(play(buffer, 5, 2), 'buffering buffering');
  t.equal(play(buffer, 45, 1), '1', 'by waiting');
  const other = new JitterBuffer({ minDelayMs: 40 });
  other.insert(1, 0, packet20, 0);
  other.insert(2, 960, packet20, 1 * ms);
  t.equal(play(other, 1, 2), '1 2', 'by having it');
  t.end();
});

t.test('packets of 10, 40 and 60 ms play as long as they are', (t) => {
  const buffer = new JitterBuffer();
  let timestamp = 0;
  const durations = [10, 10, 60, 40, 20, 10, 10];
  durations.forEach((durationMs, i) => {
    buffer.insert(i, timestamp, opus(durationMs), 0);
    timestamp += durationMs * 48;
  });
  t.equal(buffer.heldMs, 160);
  const played: number[] = [];
  let samples = 0;
  for (let tick = 0; tick < 8; tick++) {
    while (samples < (tick + 1) * 960) {
      const result = buffer.pull(tick * tickUs);
      if (result.type !== 'packet') throw new Error(describe(result));
      played.push(result.durationSamples / 48);
      samples += result.durationSamples;
    }
  }
  t.same(played, durations);
  t.end();
});

t.test('a pause of the source (timestamp jumps, sequence does not) is kept', (t) => {
  const buffer = new JitterBuffer({ minDelayMs: 100 });
  const dtx = Uint8Array.of(0xf8);
  buffer.insert(1, 0, packet20, 0);
  buffer.insert(2, 960, dtx, 20 * ms);
  buffer.insert(3, 4 * 960, packet20, 80 * ms);
  t.equal(play(buffer, 100, 5), '1 2 dtx dtx 3');
  const alone = new JitterBuffer();
  alone.insert(1, 0, dtx, 0);
  t.equal(play(alone, 40, 3), '1 dtx dtx');
  t.equal(alone.stats.concealedSamples, 0, 'an announced pause is not concealed');
  alone.insert(2, 20 * 960, packet20, 400 * ms);
  t.equal(play(alone, 400, 3), 'buffering buffering 2', 'a new talk spurt gathers its delay');
  t.end();
});

t.test('a source that falls silent is concealed for 100 ms and then taken as paused', (t) => {
  const buffer = new JitterBuffer();
  buffer.insert(1, 0, packet20, 0);
  t.equal(play(buffer, 40, 8), '1 lost lost lost lost lost idle idle');
  buffer.insert(2, 500 * 960, packet20, 1000 * ms);
  t.equal(play(buffer, 1040, 1), '2', 'however far the timestamps went on');
  t.end();
});

t.test('an underrun makes the delay grow; one that was a loss does not', (t) => {
  const grown = new JitterBuffer();
  grown.insert(1, 0, packet20, 0);
  t.equal(play(grown, 40, 2), '1 lost');
  grown.insert(2, 960, packet20, 70 * ms);
  grown.insert(3, 1920, packet20, 70 * ms);
  t.equal(play(grown, 80, 2), '2 3');
  t.match(grown.stats, { insertedSamplesForDeceleration: 960, concealedSamples: 960 });

  const lost = new JitterBuffer();
  lost.insert(1, 0, packet20, 0);
  t.equal(play(lost, 40, 2), '1 lost');
  lost.insert(3, 1920, packet20, 70 * ms);
  lost.insert(4, 2880, packet20, 70 * ms);
  t.equal(play(lost, 80, 2), '3 4', 'packet 2 has been concealed already');
  t.match(lost.stats, { insertedSamplesForDeceleration: 0, concealedSamples: 960 });
  t.end();
});

t.test('what is held stays within its bound when nobody pulls, and the newest is kept', (t) => {
  const buffer = new JitterBuffer({ maxMs: 300 });
  for (let i = 0; i < 1000; i++) {
    buffer.insert(i, i * 960, packet20, i * tickUs);
    assert.ok(buffer.heldMs <= 300);
  }
  conserved(buffer);
  let last = '';
  for (let i = 0; i < 20 && last !== '999'; i++) last = describe(buffer.pull(1000 * tickUs + i * tickUs));
  t.equal(last, '999');
  t.end();
});

t.test('a burst that leaves too much held is worn off, silent packets first', (t) => {
  const run = (silent: boolean) => {
    const kept: number[] = [];
    const buffer = new JitterBuffer({ onLeftOut: (packet) => kept.push(packet.sequence) });
    // 100 ms late and all at once at the start, punctual from then on; what the estimator remembers of it fades.
    for (let i = 0; i < 6; i++) buffer.insert(i, i * 960, packet20, 0);
    let ticks = 0;
    for (; ticks < 3000; ticks++) {
      buffer.insert(6 + ticks, (6 + ticks) * 960, packet20, ticks * tickUs, silent);
      const result = buffer.pull(ticks * tickUs + 10 * ms);
      if (result.type === 'packet') kept.push(result.packet.sequence);
    }
    conserved(buffer);
    t.equal(buffer.stats.concealedSamples, 0);
    t.ok(
      kept.every((sequence, i) => sequence === i),
      'who keeps packets gets those that are left out as well',
    );
    return buffer.heldMs;
  };
  t.ok(run(true) <= 60, 'silence is left out down to what is needed');
  t.ok(run(false) <= 100, 'sound only when it is much');
  t.end();
});

t.test('a packet without payload closes its gap', (t) => {
  const buffer = new JitterBuffer();
  buffer.insert(1, 0, packet20, 0);
  buffer.insert(2, 960, new Uint8Array(0), 0);
  buffer.insert(3, 960, packet20, 0);
  t.equal(play(buffer, 20, 2), '1 3');
  t.equal(buffer.insert(4, 1920, Uint8Array.of(0xfb), 0), false, 'a malformed one is refused');
  conserved(buffer);
  t.end();
});

t.test('a source that starts anew is followed, told or not', (t) => {
  const buffer = new JitterBuffer();
  buffer.insert(50_000, 9e6, packet20, 0);
  t.equal(play(buffer, 40, 1), '50000');
  buffer.insert(50_002, 9e6 + 1920, packet20, 60 * ms);
  buffer.reset();
  t.equal(buffer.stats.packetsDiscarded, 1);
  buffer.insert(3, 100, packet20, 80 * ms);
  t.equal(play(buffer, 120, 1), '3');
  buffer.insert(9000, 5e6, packet20, 120 * ms);
  t.equal(play(buffer, 160, 1), '9000', 'a leap ahead is not concealed packet by packet');
  for (let i = 10; i < 60; i++) buffer.insert(i, i * 960, packet20, 140 * ms + i * tickUs);
  t.ok(buffer.held > 0, 'nor are lower numbers late for ever');
  conserved(buffer);
  t.end();
});

/** A deterministic network: delays in ms by index, and what is lost. Returns what was played, tick by tick. */
function simulate(
  packets: number,
  delayMs: (i: number) => number,
  isLost: (i: number) => boolean,
  clockFactor = 1,
): JitterBuffer {
  const buffer = new JitterBuffer();
  const arrivals = Array.from({ length: packets }, (_, i) => ({ i, atUs: i * tickUs * clockFactor + delayMs(i) * ms }))
    .filter(({ i }) => !isLost(i))
    .sort((a, b) => a.atUs - b.atUs);
  let next = 0;
  let last = -1;
  for (let tick = 0; next < arrivals.length; tick++) {
    const nowUs = tick * tickUs + 7 * ms;
    for (; next < arrivals.length && arrivals[next]!.atUs <= nowUs; next++) {
      const { i, atUs } = arrivals[next]!;
      buffer.insert(i, i * 960, packet20, atUs);
    }
    const result = buffer.pull(nowUs);
    if (result.type === 'packet') {
      assert.ok(result.packet.sequence > last, 'in order');
      last = result.packet.sequence;
    }
  }
  conserved(buffer);
  return buffer;
}

const noise = (i: number) => ((Math.imul(i + 1, 2654435761) >>> 8) % 1000) / 1000;

t.test('jitter of 60 ms: the delay adapts, and hardly anything is concealed', (t) => {
  const buffer = simulate(
    3000,
    (i) => 50 + noise(i) * 60,
    () => false,
  );
  t.ok(buffer.targetDelayMs >= 60 && buffer.targetDelayMs <= 100, `target ${buffer.targetDelayMs}`);
  t.ok(buffer.stats.concealedSamples / 960 < 60, `${buffer.stats.concealedSamples / 960} of 3000 concealed`);
  const meanMs = (buffer.stats.jitterBufferDelay / buffer.stats.jitterBufferEmittedCount) * 1000;
  t.ok(meanMs < 110, `${meanMs} ms in the buffer`);
  const calm = simulate(
    500,
    () => 50,
    () => false,
  );
  t.ok(calm.targetDelayMs <= 40 && calm.stats.concealedSamples === 0, `without jitter ${calm.targetDelayMs} ms`);
  t.end();
});

t.test('loss of 5 % conceals what is lost and not more', (t) => {
  let lost = 0;
  const buffer = simulate(
    3000,
    () => 20,
    (i) => i > 10 && noise(i * 31) < 0.05 && ++lost > 0,
  );
  t.ok(lost > 100);
  const concealed = buffer.stats.concealedSamples / 960;
  t.ok(concealed >= lost - 2 && concealed <= lost + 2, `${concealed} concealed, ${lost} lost`);
  t.end();
});

t.test('a sender clock that is 0.1 % off, either way, keeps the delay bounded for an hour', (t) => {
  for (const factor of [0.999, 1.001]) {
    const buffer = simulate(
      180_000,
      () => 20,
      () => false,
      factor,
    );
    const { packetsDiscarded, concealedSamples } = buffer.stats;
    t.ok(buffer.heldMs < 200, `${buffer.heldMs} ms held`);
    // 0.1 % of an hour is 180 packets too many or too few.
    const corrected = factor < 1 ? packetsDiscarded : concealedSamples / 960;
    t.ok(corrected > 170 && corrected < 190, `${corrected} corrections`);
  }
  t.end();
});

t.test('every packet is counted, order is kept, the bound holds, whatever comes in', (t) => {
  const event = fc.record({
    step: fc.integer({ min: -30, max: 6 }),
    jump: fc.integer({ min: -2000, max: 500_000 }),
    kind: fc.constantFrom(0, 10, 20, 40, 60, 120),
    waitMs: fc.integer({ min: 0, max: 40 }),
    pulls: fc.integer({ min: 0, max: 3 }),
    rare: fc.integer({ min: 0, max: 19 }),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 300 }), (events) => {
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
        buffer.insert(sequence, sequence * 960 + offset, kind === 0 ? new Uint8Array(0) : opus(kind), nowUs, rare > 15);
        if (rare === 1) {
          buffer.reset();
          last = -1;
        }
        conserved(buffer);
        for (let i = 0; i < pulls; i++) {
          const result = buffer.pull(nowUs);
          assert.ok(result.durationSamples > 0);
          if (result.type !== 'packet') continue;
          assert.ok(result.packet.sequence > last || result.packet.sequence < last - 24);
          last = result.packet.sequence;
        }
        assert.ok(buffer.held <= 256);
        if (buffer.held > 1) assert.ok(buffer.heldMs <= 400 + 120, `${buffer.heldMs}`);
        conserved(buffer);
      }
    }),
    { numRuns: 200 },
  );
  t.end();
});
