import assert from 'node:assert/strict';
import t from 'tap';
import { JitterBuffer } from '../../src/engine/rtp/jitter-buffer.js';
import { noise as noiseOf } from '../engine/audio-simulation.js';

const ms = 1000;
const tickUs = 20 * ms;
/** CELT, 20 ms, of nothing. */
const packet20 = Uint8Array.of(0xfb, 1, 0, 0);

/** A deterministic network: delays in ms by index, and what is lost. What the buffer wants stretched is stretched. */
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
  const pull = (nowUs: number): void => {
    for (let result = buffer.pull(nowUs); result; result = buffer.pull(nowUs)) {
      if (result.type !== 'packet') continue;
      assert.ok(result.packet.sequence > last, 'in order');
      last = result.packet.sequence;
      buffer.stretched(Math.max(-240, Math.min(240, result.stretchMs * 48)), true);
    }
  };
  for (let nowUs = 0; next < arrivals.length; nowUs += 5 * ms) {
    for (; next < arrivals.length && arrivals[next]!.atUs <= nowUs; next++) {
      const { i, atUs } = arrivals[next]!;
      buffer.insert(i, i * 960, packet20, atUs);
      pull(atUs);
    }
    pull(nowUs);
  }
  const { packetsReceived, packetsEmitted, packetsDiscarded, packetsDuplicated } = buffer.stats;
  assert.equal(packetsReceived, packetsEmitted + packetsDiscarded + packetsDuplicated + buffer.held);
  return buffer;
}

const noise = (i: number): number => noiseOf(1, i);
const delayOf = ({ stats }: JitterBuffer): number => (stats.jitterBufferDelay / stats.jitterBufferEmittedCount) * 1000;

t.test('jitter of 60 ms: the delay adapts, and hardly anything is concealed', (t) => {
  const buffer = simulate(
    3000,
    (i) => 50 + noise(i) * 60,
    () => false,
  );
  t.ok(buffer.targetDelayMs >= 75 && buffer.targetDelayMs <= 84, `target ${buffer.targetDelayMs} ms`);
  const { concealedSamples, totalSamplesReceived } = buffer.stats;
  t.ok(concealedSamples / totalSamplesReceived < 0.01, `${concealedSamples / 480} times 10 ms of 6000 concealed`);
  t.ok(delayOf(buffer) < 40, `${delayOf(buffer)} ms in the buffer, with 60 ms of jitter`);
  const calm = simulate(
    500,
    () => 50,
    () => false,
  );
  t.ok(delayOf(calm) < 3 && calm.stats.concealedSamples === 0, `without jitter ${delayOf(calm)} ms`);
  t.end();
});

t.test('jitter that comes and goes: up within a second, down within 40 s, never beyond the bounds', (t) => {
  const target = (packets: number, jitterMs: (i: number) => number): number =>
    simulate(
      packets,
      (i) => 50 + noise(i) * jitterMs(i),
      () => false,
    ).targetDelayMs;
  const late = (i: number): number => (i > 500 ? 80 : 0);
  t.ok(target(500, late) <= 24, 'calm');
  t.ok(target(550, late) >= 80, 'a second later');
  const gone = (i: number): number => (i > 500 && i < 1000 ? 80 : 0);
  t.ok(target(1250, gone) > 50, 'not forgotten at once');
  t.ok(target(3000, gone) <= 24, 'but in the end');
  t.ok(target(1000, () => 600) <= 200, 'bound');
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

t.test('a sender clock that is 0.1 % off, either way, keeps the delay where it is for an hour', (t) => {
  for (const factor of [0.999, 1.001]) {
    const buffer = simulate(
      180_000,
      () => 20,
      () => false,
      factor,
    );
    const { insertedSamplesForDeceleration, removedSamplesForAcceleration, concealedSamples } = buffer.stats;
    t.ok(buffer.heldMs <= 20, `${buffer.heldMs} ms held`);
    t.ok(delayOf(buffer) < 8, `${delayOf(buffer)} ms`);
    t.equal(concealedSamples, 0);
    // 0.1 % of an hour is 3.6 s too much or too little.
    const stretched = (factor < 1 ? removedSamplesForAcceleration : insertedSamplesForDeceleration) / 48_000;
    t.ok(stretched > 3.5 && stretched < 3.7, `${stretched} s stretched`);
  }
  t.end();
});
