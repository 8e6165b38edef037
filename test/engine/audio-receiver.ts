import t, { type Test } from 'tap';
import { openMediaFile } from '../../src/codecs/media-file.js';
import { createOpusEncoder } from '../../src/codecs/opus.js';
import type { EncodedAudioChunk } from '../../src/media/encoded-chunk.js';
import { channel, concat, sine, toneAmplitude } from '../codecs/tones.js';
import { PACKAGE_ROOT } from '../support/package-root.js';
import { align, decimate } from '../support/signal.js';
import { AudioSimulation, encodeAll, largestBreak, noise, Recorder } from './audio-simulation.js';

const RATE = 48_000;
const PERIOD_SAMPLES = 960;

async function readSpeech(): Promise<Int16Array> {
  const file = await openMediaFile(`${PACKAGE_ROOT}/pipelines/media/speech.ogg`);
  const parts: Int16Array[] = [];
  for await (const value of file.read({ audio: { sampleRate: RATE, numberOfChannels: 1 } }))
    if (value.kind === 'audio') parts.push(value.data);
  return concat(parts);
}

const speech = await readSpeech();
const speechWithFec = await encodeAll(speech, { fec: true, packetLossPercent: 5 });
const tone = (await encodeAll(sine(441, RATE, RATE * 2), { application: 'audio', bitrate: 64_000 })).slice(50);

/** A tone without end. Its periods do not fit a packet: one left out or doubled would be a break. */
const tonePacket = (packet: number): Uint8Array => tone[packet % tone.length]!;

/** How alike what was heard is to what was said, in half of each second; time may have been stretched in between. */
function likeness(said: Int16Array, heard: Int16Array): number[] {
  const [a, b] = [decimate(said, 6), decimate(heard, 6)];
  const [window, reach] = [4000, 1200];
  const found: number[] = [];
  for (let at = reach; at + window <= b.length && at + window <= a.length; at += 2 * window) {
    const slice = b.subarray(at, at + window);
    if (Math.hypot(...slice) / Math.sqrt(window) < 100) continue;
    // Later by the delay, never earlier.
    found.push(align(a.subarray(at - reach, at + window), slice, 1).peak);
  }
  return found;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function countLost(isLost: (packet: number) => boolean, packets: number): number {
  let lost = 0;
  for (let i = 0; i < packets; i++) if (isLost(i)) lost++;
  return lost;
}

function comment(t: Test, simulation: AudioSimulation, lost: number, packets: number): void {
  const { stats } = simulation.receiver;
  const recovered = stats.fecPacketsReceived - stats.fecPacketsDiscarded;
  const share = (samples: number): string => ((100 * samples) / stats.totalSamplesReceived).toFixed(2);
  t.comment(
    `${packets} packets: ${lost} lost, ${recovered} recovered by FEC; ${share(stats.concealedSamples)} % concealed, ` +
      `${share(stats.concealedSamples - stats.silentConcealedSamples)} % of it not in silence; ` +
      `target delay ${simulation.receiver.targetDelayMs} ms`,
  );
}

await t.test('5 % loss and 30 ms of jitter: speech stays what it was, and FEC does nearly all', async (t) => {
  const isLost = (i: number): boolean => noise(7, i) < 0.05;
  const simulation = new AudioSimulation((i) => speechWithFec[i % speechWithFec.length]!, {
    isLost,
    delayMs: (i) => 30 + 30 * noise(1, i),
  });
  const recorder = new Recorder();
  await simulation.listen(recorder);
  // Until the loss is known nothing waits for FEC; it is counted all the same.
  const rounds = 4;
  const packets = speechWithFec.length * rounds;
  simulation.run(packets * 20);
  const { concealedSamples, totalSamplesReceived, fecPacketsReceived, fecPacketsDiscarded } = simulation.receiver.stats;
  comment(t, simulation, countLost(isLost, packets), packets);
  const heard = concat(recorder.periods);
  const said = new Int16Array(speech.length * rounds);
  for (let i = 0; i < rounds; i++)
    said.set(speech.subarray(0, speechWithFec.length * 960), i * speechWithFec.length * 960);
  const alike = likeness(said, heard);
  t.comment(`likeness ${mean(alike).toFixed(3)}, without any loss ${mean(await cleanLikeness()).toFixed(3)}`);
  t.ok(mean(alike) > 0.8, `likeness ${mean(alike)}`);
  t.ok(concealedSamples / totalSamplesReceived < 0.015);
  const { silentConcealedSamples } = simulation.receiver.stats;
  t.ok((concealedSamples - silentConcealedSamples) / totalSamplesReceived < 0.01, 'less than 1 % of what is heard');
  t.ok(fecPacketsReceived - fecPacketsDiscarded > countLost(isLost, packets) * 0.6);
  t.ok(Math.abs(recorder.periods.length - packets) < 6, 'as much was heard as was said');
});

async function cleanLikeness(): Promise<number[]> {
  const simulation = new AudioSimulation((i) => speechWithFec[i % speechWithFec.length]!);
  const recorder = new Recorder();
  await simulation.listen(recorder);
  simulation.run(speechWithFec.length * 20);
  return likeness(speech, concat(recorder.periods));
}

await t.test('what FEC brings back is nearer to what was said than what concealment makes up', async (t) => {
  const hear = async (packets: readonly Uint8Array[]): Promise<number> => {
    const simulation = new AudioSimulation((i) => packets[i]!, { isLost: (i) => i % 6 === 5 });
    const recorder = new Recorder();
    await simulation.listen(recorder);
    simulation.run((packets.length - 1) * 20);
    const { stats } = simulation.receiver;
    const alike = mean(likeness(speech, concat(recorder.periods)));
    const copies = stats.fecPacketsReceived - stats.fecPacketsDiscarded;
    t.comment(`${Math.floor(packets.length / 6)} lost, ${copies} copies used: likeness ${alike.toFixed(3)}`);
    return alike;
  };
  const [withFec, without] = [await hear(speechWithFec), await hear(await encodeAll(speech))];
  t.ok(withFec > without + 0.1);
  t.ok(withFec > 0.85);
});

await t.test('20 % loss for 2 s: all is well again within a second of its end', async (t) => {
  const isLost = (i: number): boolean => i >= 250 && i < 350 && noise(9, i) < 0.2;
  const simulation = new AudioSimulation((i) => speechWithFec[i]!, { isLost, delayMs: (i) => 20 + 30 * noise(1, i) });
  const recorder = new Recorder();
  await simulation.listen(recorder);
  simulation.run(5000);
  const before = simulation.receiver.stats;
  simulation.run(2100);
  comment(t, simulation, countLost(isLost, 350), 350);
  t.ok(simulation.receiver.stats.concealedSamples > before.concealedSamples, 'it was heard');
  simulation.run(900);
  const recovered = simulation.receiver.stats;
  simulation.run(5000);
  t.equal(simulation.receiver.stats.concealedSamples, recovered.concealedSamples, 'nothing is concealed after that');
  const alike = likeness(speech.subarray(8 * RATE), concat(recorder.periods).subarray(8 * RATE));
  t.ok(mean(alike) > 0.85, `likeness after it ${mean(alike).toFixed(3)}`);
});

await t.test(
  'a clean network: nothing waits, nothing is made up, and every sample is that of the source',
  async (t) => {
    const simulation = new AudioSimulation(tonePacket, { delayMs: () => 10 });
    const recorder = new Recorder();
    await simulation.listen(recorder);
    simulation.run(10_000);
    const { stats } = simulation.receiver;
    t.equal(recorder.periods.length, 500);
    t.match(stats, {
      packetsReceived: 500,
      packetsEmitted: 500,
      concealedSamples: 0,
      silentConcealedSamples: 0,
      concealmentEvents: 0,
      insertedSamplesForDeceleration: 0,
      removedSamplesForAcceleration: 0,
      jitterBufferDelay: 0,
      jitterBufferEmittedCount: 500 * PERIOD_SAMPLES,
      totalSamplesReceived: 500 * PERIOD_SAMPLES,
    });
    t.ok(Math.abs(stats.jitterBufferTargetDelay / stats.jitterBufferEmittedCount - 0.022) < 1e-6);
    t.ok(Math.abs(stats.audioLevel - 10_000 / 32_768 / Math.SQRT2) < 0.01, `level ${stats.audioLevel}`);
    t.ok(Math.abs(stats.totalSamplesDuration - 10) < 1e-6);
    t.ok(Math.abs(stats.totalAudioEnergy - 10 * stats.audioLevel ** 2) < 0.1, `energy ${stats.totalAudioEnergy}`);
    t.ok(largestBreak(concat(recorder.periods.slice(5)), 441, RATE) < 40);
    t.same(
      recorder.timestampsUs.map((timestamp, i) => timestamp - i * 20_000),
      recorder.timestampsUs.map(() => recorder.timestampsUs[0]),
    );
  },
);

await t.test('what is heard has the time at which it was said', async (t) => {
  const click = new Int16Array(RATE * 3);
  click.fill(20_000, RATE * 2.5, RATE * 2.5 + 24);
  const packets = await encodeAll(click, { application: 'audio', bitrate: 128_000 });
  const simulation = new AudioSimulation((i) => packets[Math.min(i, 149)]!, { delayMs: (i) => 30 + 5 * noise(4, i) });
  const recorder = new Recorder();
  await simulation.listen(recorder);
  simulation.run(3000);
  const heard = concat(recorder.periods);
  const at = heard.indexOf(heard.reduce((most, sample) => Math.max(most, sample), 0));
  const heardUs = recorder.timestampsUs[Math.floor(at / PERIOD_SAMPLES)]! + ((at % PERIOD_SAMPLES) * 1000) / 48;
  // The least delay on the way belongs to it: that is all that this side can know.
  t.ok(Math.abs(heardUs - 2_530_000) < 6000, `${heardUs.toFixed(0)} us`);
});

await t.test('jitter that comes and goes is followed by stretching time, without a break in a tone', async (t) => {
  const simulation = new AudioSimulation(tonePacket, {
    delayMs: (i) => 20 + (i > 500 && i < 1500 ? 60 : 0) * noise(2, i),
    isDoubled: (i) => i % 7 === 0,
  });
  const recorder = new Recorder();
  await simulation.listen(recorder);
  simulation.run(80_000);
  const { stats } = simulation.receiver;
  t.ok(stats.insertedSamplesForDeceleration + stats.concealedSamples > 40 * 48, 'it was waited');
  t.ok(stats.removedSamplesForAcceleration > 40 * 48, 'and caught up');
  t.ok(stats.packetsDuplicated > 500);
  const late = concat(recorder.periods.slice(2500));
  t.ok(largestBreak(late, 441, RATE) < 40, `largest break ${largestBreak(late, 441, RATE)}`);
  const level = toneAmplitude(concat(recorder.periods.slice(1000, 1010)), 441, RATE);
  t.ok(Math.abs(level - 10_000) < 700, `level ${level}`);
  t.ok(Math.abs(recorder.periods.length - 4000) <= 5, `${recorder.periods.length} periods in 80 s`);
  t.ok(simulation.receiver.targetDelayMs <= 24, `target ${simulation.receiver.targetDelayMs} ms in the end`);
});

await t.test('what came while the machine stood still is heard, and nothing is made up in its place', async (t) => {
  const simulation = new AudioSimulation(tonePacket);
  const recorder = new Recorder();
  await simulation.listen(recorder);
  simulation.run(2000);
  for (let times = 0; times < 10; times++) {
    simulation.standStill(130);
    simulation.run(500);
  }
  t.equal(simulation.receiver.stats.concealedSamples, 0);
  t.ok(largestBreak(concat(recorder.periods.slice(5)), 441, RATE) < 40);
  t.ok(recorder.periods.length >= 405, `${recorder.periods.length} periods in 8.3 s`);
});

await t.test('readers of different formats, and one of packets, get the same at the same time', async (t) => {
  const simulation = new AudioSimulation(tonePacket, {
    // It grows so slowly that nothing comes too late: time is stretched, and nothing is made up.
    delayMs: (i) => 20 + Math.max(0, Math.min(40, (i - 500) / 30)) * noise(5, i),
    ppm: 150,
  });
  const recorders = [new Recorder(RATE, 2), new Recorder(16_000, 1), new Recorder(44_100, 1), new Recorder(8000, 1)];
  const chunks: EncodedAudioChunk[] = [];
  simulation.receiver.addEncoded({ encodedAudio: (chunk) => void chunks.push(chunk) });
  for (const recorder of recorders) await simulation.listen(recorder);
  for (let i = 0; i < 60; i++) {
    simulation.run(1000);
    // The resamplers open when the drift is known.
    await simulation.settle();
  }
  const [first] = recorders;
  t.ok(Math.abs(first!.periods.length - 3000) < 5, `${first!.periods.length} periods`);
  for (const { format, periods } of recorders) {
    const name = `${format.sampleRate}/${format.numberOfChannels}`;
    t.ok(Math.abs(periods.length - first!.periods.length) <= 1, `${name}: ${periods.length} periods`);
    const mono = concat(periods.slice(100)).filter((_, i) => i % format.numberOfChannels === 0);
    t.ok(Math.abs(toneAmplitude(mono.subarray(0, format.sampleRate / 5), 441, format.sampleRate) - 10_000) < 600, name);
    t.ok(largestBreak(mono, 441, format.sampleRate) < 80, `${name}: ${largestBreak(mono, 441, format.sampleRate)}`);
  }
  const { stats } = simulation.receiver;
  t.equal(stats.concealedSamples, 0);
  t.ok(stats.insertedSamplesForDeceleration > 20 * 48);
  t.equal(chunks.length, stats.packetsEmitted);
  const from = chunks[0]!.data;
  t.equal(Buffer.compare(from, tonePacket(0)), 0);
  t.ok(
    chunks.every(({ data }, i) => Buffer.compare(data, tonePacket(i)) === 0),
    'every packet, in order',
  );
});

await t.test('a source that pauses unannounced fades away, and comes back with its time', async (t) => {
  const simulation = new AudioSimulation(tonePacket, { isLost: (i) => i >= 100 && i < 200, delayMs: () => 5 });
  const recorder = new Recorder();
  await simulation.listen(recorder);
  simulation.run(5000);
  const heard = concat(recorder.periods);
  t.ok(Math.abs(heard.length - 5 * RATE) < 2 * PERIOD_SAMPLES, 'silence is given too');
  const pause = heard.subarray(2.3 * RATE, 3.9 * RATE);
  t.ok(pause.every((sample) => sample === 0));
  let largest = 0;
  for (let i = 1; i < heard.length; i++) largest = Math.max(largest, Math.abs(heard[i]! - heard[i - 1]!));
  // 441 Hz at 10,000 moves by 524 from one sample to the next.
  t.ok(largest < 900, `no step is larger than ${largest}`);
  const back = recorder.periods.findIndex((period, i) => i > 120 && period.some((sample) => sample !== 0));
  t.ok(Math.abs(back - 200) <= 1, `sound again in period ${back}`);
  t.ok(Math.abs(recorder.timestampsUs[back]! - recorder.timestampsUs[50]! - (back - 50) * 20_000) <= 20_000);
  t.equal(simulation.receiver.stats.concealedSamples, 4320);
});

await t.test('time stamps that are a few samples off, as of a server that writes its own, are no fault', async (t) => {
  for (const rate of [48_000, 44_100, 16_000, 12_000]) {
    for (const [each, packets] of [
      [1, 100],
      [7, 20],
      [121, 10],
    ] as const) {
      const skew = (i: number): number => Math.min(Math.max(0, i - 100), packets) * each;
      const simulation = new AudioSimulation(tonePacket, { skew, delayMs: () => 5 });
      const recorder = new Recorder(rate);
      await simulation.listen(recorder);
      simulation.run(5000);
      const heard = concat(recorder.periods);
      const amplitude = toneAmplitude(heard.subarray(-rate), 441, rate);
      t.ok(Math.abs(amplitude / 10_000 - 1) < 0.05, `${each} samples ${packets} times at ${rate} Hz: ${amplitude}`);
      const { concealedSamples } = simulation.receiver.stats;
      t.ok(concealedSamples <= each * packets, `${concealedSamples} samples are made up`);
    }
  }
});

await t.test(
  'a source that is silent for 200 ms in the middle of a loud tone fades away, and no noise stands for it',
  async (t) => {
    const encoder = await createOpusEncoder({ sampleRate: RATE, numberOfChannels: 2 });
    const packets = Array.from(
      { length: 250 },
      (_, i) => new Uint8Array(encoder.encode(sine([440, 440], RATE, PERIOD_SAMPLES, 10_000, i * PERIOD_SAMPLES))),
    );
    encoder.close();
    for (const jitterMs of [0, 60]) {
      const simulation = new AudioSimulation((packet) => packets[packet]!, {
        isNotSent: (packet) => packet >= 200 && packet < 210,
        delayMs: (packet) => (packet < 150 && packet % 7 === 0 ? jitterMs : 0),
      });
      const recorder = new Recorder(RATE, 2);
      await simulation.listen(recorder);
      simulation.run(4700);
      const heard = channel(concat(recorder.periods), 0, 2);
      const quiet = longestQuiet(heard.subarray(3.9 * RATE));
      t.ok(
        quiet >= 0.11 * RATE,
        `${(quiet * 1000) / RATE} ms of silence in the gap, jitter of ${jitterMs} ms before it`,
      );
      const peak = heard.subarray(RATE).reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
      t.ok(peak < 11_000, `nothing is louder than the tone: ${peak}`);
    }
  },
);

/** The longest run of samples that nobody hears. */
function longestQuiet(samples: Int16Array): number {
  let [longest, run] = [0, 0];
  for (const sample of samples) {
    run = Math.abs(sample) < 100 ? run + 1 : 0;
    longest = Math.max(longest, run);
  }
  return longest;
}

await t.test('both channels of a source that has two, from the packet on that has two', async (t) => {
  const stereo: Uint8Array[] = [];
  const encoder = await createOpusEncoder({ sampleRate: RATE, numberOfChannels: 2, bitrate: 96_000 });
  for (let i = 0; i <= 150; i++)
    stereo.push(new Uint8Array(encoder.encode(sine([441, 1003], RATE, PERIOD_SAMPLES, 10_000, i * PERIOD_SAMPLES))));
  encoder.close();
  for (const stereoFrom of [0, 50]) {
    const simulation = new AudioSimulation((i) => (i < stereoFrom ? tonePacket(i) : stereo[i]!));
    const recorder = new Recorder(RATE, 2);
    await simulation.listen(recorder);
    for (let i = 0; i < 15; i++) {
      simulation.run(200);
      await simulation.settle();
    }
    t.ok(Math.abs(recorder.periods.length - 150) <= 1);
    const early = concat(recorder.periods.slice(20, 45));
    const late = concat(recorder.periods.slice(-20));
    const level = (samples: Int16Array, at: 0 | 1, frequency: number): number =>
      toneAmplitude(channel(samples, at, 2), frequency, RATE);
    t.ok(level(late, 0, 441) > 9000 && level(late, 0, 1003) < 500, 'left');
    t.ok(level(late, 1, 1003) > 9000 && level(late, 1, 441) < 500, 'right');
    if (stereoFrom > 0) t.ok(level(early, 0, 441) > 9000 && level(early, 1, 441) > 9000, 'before it the one in both');
  }
});

await t.test(
  'another source on the same track is followed without a wait, and a receiver that is closed is silent',
  async (t) => {
    const simulation = new AudioSimulation(tonePacket);
    const recorder = new Recorder();
    await simulation.listen(recorder);
    simulation.run(1000);
    simulation.receiver.restart();
    for (let i = 0; i < 50; i++) {
      simulation.receiver.receive(7000 + i, 9_000_000 + i * 960, tonePacket(i), simulation.nowUs + i * 20_000 + 3000);
      simulation.receiver.tick(simulation.nowUs + i * 20_000 + 5000);
    }
    t.ok(Math.abs(recorder.periods.length - 100) <= 1, `${recorder.periods.length} periods in 2 s`);
    t.ok(toneAmplitude(concat(recorder.periods.slice(-20)), 441, RATE) > 9000);
    t.ok(
      recorder.timestampsUs.every((timestamp, i) => i === 0 || timestamp > recorder.timestampsUs[i - 1]!),
      'time does not go back',
    );
    simulation.receiver.close();
    const { length } = recorder.periods;
    simulation.receiver.add(recorder);
    simulation.run(1000);
    t.equal(recorder.periods.length, length);
  },
);
