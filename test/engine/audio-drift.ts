import t from 'tap';
import type { AudioConsumer } from '../../src/engine/audio/audio-consumer.js';
import { sine } from '../codecs/tones.js';
import { AudioSimulation, encodeAll, noise } from './audio-simulation.js';

const RATE = 8000;
const FREQUENCY = 401;
const AMPLITUDE = 10_000;
const HOURS = 8;
/** Seconds in which the clocks are not known yet, and the decoder finds its state. */
const SETTLING_S = 5;

/** Listens to a tone: how far each sample is from where the two before it lead, and how loud each period is. */
class ToneWatch implements AudioConsumer {
  readonly format = { sampleRate: RATE, numberOfChannels: 1 };
  periods = 0;
  largestBreak = 0;
  lowest = Infinity;
  highest = 0;
  readonly #factor = 2 * Math.cos((2 * Math.PI * FREQUENCY) / RATE);
  #last = 0;
  #beforeLast = 0;

  audio(period: Int16Array): void {
    let [last, beforeLast, largest, energy] = [this.#last, this.#beforeLast, 0, 0];
    for (let i = 0; i < period.length; i++) {
      const sample = period[i]!;
      const error = Math.abs(sample - this.#factor * last + beforeLast);
      if (error > largest) largest = error;
      energy += sample * sample;
      beforeLast = last;
      last = sample;
    }
    this.#last = last;
    this.#beforeLast = beforeLast;
    if (++this.periods <= SETTLING_S * 50) return;
    if (largest > this.largestBreak) this.largestBreak = largest;
    const level = Math.sqrt((2 * energy) / period.length);
    if (level < this.lowest) this.lowest = level;
    if (level > this.highest) this.highest = level;
  }
}

// Long packets of a narrow band: decoding is what this test spends its time on. The loop of 3 s holds whole periods.
const packets = await encodeAll(sine(FREQUENCY, RATE, RATE * 6, AMPLITUDE), {
  sampleRate: RATE,
  bitrate: 20_000,
  packetMs: 60,
});
const loop = packets.slice(50, 100);

await t.test(
  `${HOURS} hours from a clock that is off by 200 ppm, one way and the other: no click, no growing delay`,
  async (t) => {
    const half = (HOURS * 3_600_000) / 60 / 2;
    const simulation = new AudioSimulation((packet) => loop[packet % loop.length]!, {
      packetMs: 60,
      ppm: (packet) => (packet < half ? 200 : -200),
      delayMs: (packet) => 20 + 8 * noise(1, packet),
    });
    const watch = new ToneWatch();
    await simulation.listen(watch);
    const { receiver } = simulation;
    const delaysMs: number[] = [];
    const driftsPpm: number[] = [];
    let before = receiver.stats;
    for (let minute = 0; minute < HOURS * 60; minute++) {
      simulation.run(60_000);
      const { stats } = receiver;
      const samples = stats.jitterBufferEmittedCount - before.jitterBufferEmittedCount;
      delaysMs.push((1000 * (stats.jitterBufferDelay - before.jitterBufferDelay)) / samples);
      driftsPpm.push(receiver.driftPpm);
      before = stats;
      // The resampler opens when the drift is known.
      if (minute < 3) await simulation.settle();
    }
    const { stats } = receiver;
    const [least, most] = [Math.min(...delaysMs.slice(2)), Math.max(...delaysMs.slice(2))];
    const stretchedMs = (stats.insertedSamplesForDeceleration + stats.removedSamplesForAcceleration) / 48;
    const [first, second] = [driftsPpm[HOURS * 30 - 1]!, driftsPpm[HOURS * 60 - 1]!];
    t.comment(
      `largest break ${watch.largestBreak.toFixed(0)} of ${AMPLITUDE}, level ${watch.lowest.toFixed(0)} to ` +
        `${watch.highest.toFixed(0)}; delay of a minute ${least.toFixed(1)} to ${most.toFixed(1)} ms; ` +
        `${stats.concealedSamples} samples concealed, ${stretchedMs.toFixed(0)} ms stretched; ` +
        `drift found ${first.toFixed(1)} and ${second.toFixed(1)} ppm`,
    );
    t.ok(Math.abs(watch.periods - HOURS * 180_000) < 10, `${watch.periods} periods`);
    t.ok(Math.abs(first - 200) < 3 && Math.abs(second + 200) < 3, 'the clocks are known');
    t.equal(stats.concealedSamples, 0);
    t.equal(stats.packetsDiscarded, 0);
    // A period left out or doubled would be a break of 1,250.
    t.ok(watch.largestBreak < 150, 'no click');
    t.ok(watch.lowest > 0.9 * AMPLITUDE && watch.highest < 1.1 * AMPLITUDE, 'no hole, no doubling');
    t.ok(most < 16 && most - least < 10, 'the delay stays where jitter of 8 ms needs it');
    // Only while the clocks are not known: in the first minute, and when they change.
    t.ok(stretchedMs < 150, 'and is not held by stretching');
  },
);
