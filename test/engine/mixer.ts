import t from 'tap';
import { Mixer } from '../../src/engine/audio/mixer.js';
import type { AudioFormat } from '../../src/engine/port.js';
import { SAMPLE_RATES, type AudioData, audioData } from '../../src/media/audio-data.js';
import { channel, concat, sine, toneAmplitude } from '../codecs/tones.js';
import { align, chirp } from '../support/signal.js';
import { AudioSimulation, encodeAll, largestBreak, noise, Recorder, type Path } from './audio-simulation.js';

const RATE = 48_000;
const FORMAT = { sampleRate: RATE, numberOfChannels: 2 };
/** None of them fits a period: a period left out or doubled would be a break. */
const tones = new Map<number, Uint8Array[]>();
for (const frequency of [401, 703, 1109]) {
  const packets = await encodeAll(sine(frequency, RATE, RATE * 2, 6000), { application: 'audio', bitrate: 64_000 });
  tones.set(frequency, packets.slice(50));
}

function setUp(format: AudioFormat = FORMAT, ptimeMs?: 10 | 20) {
  const values: AudioData[] = [];
  const push = (period: Int16Array, timestampUs: number): void => {
    values.push(audioData(period.slice(), format.sampleRate, format.numberOfChannels, timestampUs));
  };
  return { values, mixer: new Mixer(format, { push }, ptimeMs) };
}

async function source(frequency: number, path: Path): Promise<AudioSimulation> {
  const packets = tones.get(frequency)!;
  const simulation = new AudioSimulation((packet) => packets[packet % packets.length]!, path);
  // Loads what decoding needs; the mix has a decoder of its own.
  const recorder = new Recorder();
  await simulation.listen(recorder);
  simulation.receiver.remove(recorder);
  return simulation;
}

/** Lets time pass for all sources, with a beat of the mix each 20 ms or less, some way behind theirs. */
async function run(
  sources: readonly AudioSimulation[],
  mixer: Mixer,
  ms: number,
  phaseMs = 13,
  periodMs = 20,
): Promise<void> {
  for (const one of sources) await one.settle();
  for (let at = 0; at < ms; at += periodMs) {
    for (const one of sources) one.run(phaseMs);
    mixer.tick(sources[0]!.nowUs);
    for (const one of sources) one.run(periodMs - phaseMs);
    if (at % 1000 === 0) for (const one of sources) await one.settle();
  }
}

await t.test(
  'a mix is the sum of its sources, without a break, whatever their phases, jitter and clocks',
  async (t) => {
    const { values, mixer } = setUp();
    const sources = [
      await source(401, { delayMs: () => 3 }),
      await source(703, { delayMs: (i) => 11 + 20 * noise(1, i), ppm: 300 }),
      await source(1109, { delayMs: () => 17.5, ppm: -300 }),
    ];
    for (const { receiver } of sources) mixer.add(receiver);
    await run(sources, mixer, 60_000);
    t.equal(values.length, 3000);
    t.same(
      values.map(({ timestamp }) => timestamp),
      values.map((_, i) => values[0]!.timestamp + i * 20_000),
    );
    const window = RATE / 5;
    for (const end of [1000, 2000, 3000]) {
      const heard = channel(concat(values.slice(end - 10, end).map(({ data }) => data)), 1, 2);
      for (const frequency of tones.keys()) {
        const amplitude = toneAmplitude(heard.subarray(0, window), frequency, RATE);
        t.ok(Math.abs(amplitude - 6000) < 400, `${frequency} Hz after ${end / 50} s: ${amplitude.toFixed(0)}`);
      }
    }
    for (const { receiver } of sources) {
      t.ok(receiver.stats.concealedSamples < 5000, `${receiver.stats.concealedSamples} samples concealed`);
    }
  },
);

for (const [ptimeMs, phasesMs, laterMs] of [
  [20, [1, 7, 13, 19], 30],
  [10, [1, 4, 9], 20],
] as const) {
  await t.test(
    `one source in a mix of ${ptimeMs} ms is heard ${laterMs} ms later than by itself, and as whole`,
    async (t) => {
      for (const phaseMs of phasesMs) {
        const { values, mixer } = setUp(FORMAT, ptimeMs);
        const simulation = await source(401, { delayMs: () => 4 });
        const alone = new Recorder(RATE, 2);
        simulation.receiver.add(alone);
        mixer.add(simulation.receiver);
        await run([simulation], mixer, 2000, phaseMs, ptimeMs);
        const mixed = channel(concat(values.map(({ data }) => data)), 0, 2);
        const heard = channel(concat(alone.periods), 0, 2);
        const at = (samples: Int16Array): number => samples.findIndex((sample) => sample > 3000);
        // A period that is given out at the beat is heard from the beat on.
        const [mixedMs, aloneMs] = [phaseMs + at(mixed) / 48, 4 + at(heard) / 48];
        const later = mixedMs - aloneMs;
        t.ok(Math.abs(later - laterMs) < 3, `beats at ${phaseMs} ms: ${later.toFixed(1)} ms later`);
        t.ok(largestBreak(mixed.subarray(at(mixed) + 4800), 401, RATE) < 40);
      }
    },
  );
}

for (const numberOfChannels of [1, 2]) {
  await t.test(
    `chunks of 10 and 20 ms hold all sources at every rate, of ${numberOfChannels} channel(s)`,
    async (t) => {
      for (const sampleRate of SAMPLE_RATES) {
        for (const ptimeMs of [10, 20] as const) {
          const { values, mixer } = setUp({ sampleRate, numberOfChannels }, ptimeMs);
          const sources = [await source(401, { delayMs: () => 3 }), await source(703, { delayMs: () => 11 })];
          for (const { receiver } of sources) mixer.add(receiver);
          await run(sources, mixer, 1000, 7, ptimeMs);
          t.equal(values.length, 1000 / ptimeMs);
          t.ok(values.every(({ numberOfFrames }) => numberOfFrames === (sampleRate * ptimeMs) / 1000));
          t.same(
            values.map(({ timestamp }) => timestamp),
            values.map((_, i) => values[0]!.timestamp + i * ptimeMs * 1000),
          );
          const heard = concat(values.map(({ data }) => data));
          for (let side = 0; side < numberOfChannels; side++) {
            const half = channel(heard, side, numberOfChannels).subarray(-sampleRate / 2);
            const levels = [401, 703].map((hz) => toneAmplitude(half, hz, sampleRate));
            t.ok(
              levels.every((level) => Math.abs(level - 6000) < 300),
              `${sampleRate} Hz, ${ptimeMs} ms: ${levels.map((level) => level.toFixed(0)).join(', ')}`,
            );
            for (const { receiver } of sources) t.equal(receiver.stats.concealedSamples, 0);
          }
          mixer.close();
        }
      }
    },
  );
}

await t.test('sources that are too loud together are turned down alike, and nothing is cut off', async (t) => {
  const { values, mixer } = setUp();
  const loud: AudioSimulation[] = [];
  for (const hz of [401, 703, 1109]) {
    const packets = await encodeAll(sine(hz, RATE, RATE * 2, 30_000), { application: 'audio', bitrate: 128_000 });
    const simulation = new AudioSimulation((packet) => packets[50 + (packet % 50)]!);
    await simulation.listen(new Recorder());
    loud.push(simulation);
    mixer.add(simulation.receiver);
  }
  await run(loud, mixer, 2000);
  const heard = channel(concat(values.map(({ data }) => data)), 0, 2).subarray(-RATE);
  const levels = [401, 703, 1109].map((hz) => toneAmplitude(heard, hz, RATE));
  t.ok(
    levels.every((level) => Math.abs(level - 11_000) < 1000),
    levels.map((level) => level.toFixed(0)).join(', '),
  );
  // Cut off, they would make others: sums and differences of theirs.
  for (const hz of [302, 2 * 401 + 703, 2 * 703 - 1109, 3 * 401, 703 + 1109 - 401]) {
    const level = toneAmplitude(heard, hz, RATE);
    t.ok(level < 150, `${hz} Hz: ${level.toFixed(0)}`);
  }
});

await t.test('a clock that is off makes no break in a mix, while the phase of the beats goes round', async (t) => {
  for (const ppm of [-400, 400]) {
    const { values, mixer } = setUp();
    const simulation = await source(401, { delayMs: (i) => 5 * noise(3, i), ppm });
    mixer.add(simulation.receiver);
    await run([simulation], mixer, 60_000);
    const mixed = channel(concat(values.slice(10).map(({ data }) => data)), 0, 2);
    t.ok(largestBreak(mixed, 401, RATE) < 40, `${ppm} ppm: largest break ${largestBreak(mixed, 401, RATE)}`);
    t.equal(simulation.receiver.stats.concealedSamples, 0);
  }
});

await t.test('after beats were left out the delay of a mix is what it was', async (t) => {
  const packets = await encodeAll(chirp(RATE, RATE * 8));
  const { values, mixer } = setUp();
  const simulation = new AudioSimulation((packet) => packets[packet]!);
  const alone = new Recorder(RATE, 2);
  await simulation.listen(alone);
  mixer.add(simulation.receiver);
  await run([simulation], mixer, 1000);
  simulation.run(300);
  const begun = { mixed: values.length, heard: alone.periods.length };
  await run([simulation], mixer, 3000);
  const mixed = channel(concat(values.slice(begun.mixed + 50).map(({ data }) => data)), 0, 2);
  const heard = channel(concat(alone.periods.slice(begun.heard + 50)), 0, 2);
  // A beat comes 13 ms after the packet that was given out before it, and a period more or less is let be.
  const { lag, peak } = align(heard, mixed);
  t.ok(peak > 0.95 && Math.abs(lag / 48 - 17) < 23, `likeness ${peak.toFixed(2)}, ${(lag / 48).toFixed(1)} ms later`);
});

await t.test('silence when nobody sends, and sources come and go', async (t) => {
  const { values, mixer } = setUp();
  const [stays, goes] = [await source(401, {}), await source(703, {})];
  mixer.add(stays.receiver);
  await run([stays, goes], mixer, 500);
  mixer.add(goes.receiver);
  mixer.add(goes.receiver);
  await run([stays, goes], mixer, 1000);
  const level = (frequency: number): number =>
    toneAmplitude(channel(concat(values.slice(-10).map(({ data }) => data)), 0, 2), frequency, RATE);
  t.ok(Math.abs(level(401) - 6000) < 400 && Math.abs(level(703) - 6000) < 400, 'both, each once');
  mixer.remove(goes.receiver);
  await run([stays, goes], mixer, 500);
  t.ok(level(401) > 5600 && level(703) < 50);
  t.equal(goes.receiver.stats.packetsReceived, 50, 'what nobody hears is not kept');
  mixer.close();
  const empty = setUp();
  empty.mixer.tick(0);
  empty.mixer.tick(20_000);
  t.ok(empty.values.every(({ data }) => data.length === 1920 && data.every((sample) => sample === 0)));
});

await t.test('a receiver that was closed is let go of', async (t) => {
  const { values, mixer } = setUp();
  const [one, other] = [await source(401, {}), await source(703, {})];
  mixer.add(one.receiver);
  mixer.add(other.receiver);
  await run([one, other], mixer, 500);
  t.equal(mixer.size, 2);
  other.receiver.close();
  await run([one, other], mixer, 500);
  t.equal(mixer.size, 1);
  const heard = channel(concat(values.slice(-10).map(({ data }) => data)), 0, 2);
  t.ok(toneAmplitude(heard, 401, RATE) > 5600 && toneAmplitude(heard, 703, RATE) < 50);
});
