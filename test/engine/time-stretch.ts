import t from 'tap';
import { DriftCompensator } from '../../src/engine/audio/drift-compensator.js';
import { TimeStretch } from '../../src/engine/audio/time-stretch.js';
import { channel, concat, sine, speech, toneAmplitude } from '../codecs/tones.js';
import { largestBreak } from './audio-simulation.js';

function meanSquare(samples: Int16Array): number {
  return samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
}

/** The mean level of a tone whose phase may creep. */
function levelOf(samples: Int16Array, frequency: number, rate: number): number {
  const levels: number[] = [];
  for (let at = 0; at + rate / 10 <= samples.length; at += rate / 10)
    levels.push(toneAmplitude(samples.subarray(at, at + rate / 10), frequency, rate));
  return levels.reduce((sum, level) => sum + level, 0) / levels.length;
}

/** Every third block of 20 ms made longer (or shorter). */
function stretchAll(samples: Int16Array, rate: number, channels: number, longer: boolean, mostMs = 15): Int16Array {
  const stretch = new TimeStretch(rate, channels);
  const length = (rate / 50) * channels;
  const blocks: Int16Array[] = [];
  for (let at = 0; at < samples.length; at += length) {
    const block = samples.subarray(at, at + length);
    stretch.hear(meanSquare(block));
    const splice = at % (3 * length) === length ? stretch.find(block, mostMs, meanSquare(block)) : undefined;
    if (!splice) blocks.push(block);
    else blocks.push(longer ? stretch.lengthen(block, splice) : stretch.shorten(block, splice));
  }
  return concat(blocks);
}

t.test('tones are made longer and shorter without a break, at their pitch and level', (t) => {
  for (const rate of [48_000, 16_000, 8000]) {
    for (const frequency of [90, 100, 150, 440, 1000, 3000, 7000, 12_000]) {
      if (frequency > rate * 0.45) continue;
      for (const longer of [true, false]) {
        const before = sine(frequency, rate, rate * 2);
        const after = stretchAll(before, rate, 1, longer);
        const changed = after.length / before.length;
        const name = `${frequency} Hz at ${rate} Hz, ${longer ? 'longer' : 'shorter'}: ${changed.toFixed(2)} x`;
        t.ok(longer ? changed > 1.1 : changed < 0.9, name);
        t.ok(
          largestBreak(after, frequency, rate) < 25,
          `${name}, largest break ${largestBreak(after, frequency, rate)}`,
        );
        t.ok(
          Math.abs(levelOf(after, frequency, rate) - 10_000) < 300,
          `${name}, level ${levelOf(after, frequency, rate)}`,
        );
      }
    }
  }
  t.end();
});

t.test('a voice stays a voice: whole periods are taken out or put in', (t) => {
  const rate = 48_000;
  const before = speech(rate, rate * 3);
  for (const longer of [true, false]) {
    const stretch = new TimeStretch(rate, 1);
    const likeness: number[] = [];
    for (let at = 0; at < before.length; at += 960) {
      const block = before.subarray(at, at + 960);
      const splice = stretch.find(block, 15, meanSquare(block));
      if (splice) likeness.push(splice.likeness);
    }
    likeness.sort((a, b) => a - b);
    t.ok(likeness[likeness.length >> 1]! > 0.97, `half of the splices fit to ${likeness[likeness.length >> 1]}`);
    const after = stretchAll(before, rate, 1, longer);
    t.ok(Math.abs(Math.sqrt(meanSquare(after) / meanSquare(before)) - 1) < 0.05, 'as loud as before');
  }
  t.end();
});

t.test('noise keeps its power, silence takes any splice, channels stay together', (t) => {
  const rate = 48_000;
  let seed = 1;
  const hiss = Int16Array.from({ length: rate * 2 }, () => {
    seed = Math.imul(seed, 1_103_515_245) + 12_345;
    return (seed >> 16) / 8;
  });
  for (const longer of [true, false]) {
    const ratio = meanSquare(stretchAll(hiss, rate, 1, longer)) / meanSquare(hiss);
    t.ok(ratio > 0.95 && ratio < 1.1, `power ${ratio.toFixed(3)} x`);
  }
  const stretch = new TimeStretch(rate, 1);
  t.same(stretch.find(new Int16Array(960), 9, 0), { at: 0, lag: 432, likeness: 1 });
  t.equal(stretch.find(new Int16Array(960), 1, 0), undefined, 'less than a period is not worth a splice');
  const both = stretchAll(sine([440, 1000], rate, rate), rate, 2, false);
  t.ok(largestBreak(channel(both, 0, 2), 440, rate) < 40);
  t.ok(largestBreak(channel(both, 1, 2), 1000, rate) < 40);
  const opposite = sine(440, rate, rate);
  const cancelling = Int16Array.from({ length: rate * 2 }, (_, i) => (i & 1 ? -1 : 1) * opposite[i >> 1]!);
  t.ok(
    largestBreak(channel(stretchAll(cancelling, rate, 2, true), 0, 2), 440, rate) < 25,
    'also where they cancel out',
  );
  t.end();
});

t.test('drift is compensated for without a seam, where it begins and where it changes', async (t) => {
  for (const rate of [48_000, 16_000, 8000]) {
    const compensator = new DriftCompensator(rate, 1, (error) => t.fail(String(error)));
    const length = rate / 50;
    const source = sine(440, rate, rate * 60);
    const blocks: Int16Array[] = [];
    const play = (from: number, to: number, ppm: number): void => {
      for (let i = from; i < to; i++)
        blocks.push(compensator.process(source.subarray(i * length, (i + 1) * length), ppm));
    };
    play(0, 100, 0);
    t.ok(
      blocks.every((block) => block.length === length),
      'nothing is done before it is asked for',
    );
    // The resampler opens in its own time.
    for (let i = 100; i < 200; i += 5) {
      play(i, i + 5, 200);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    play(200, 1500, 200);
    play(1500, 3000, -100);
    compensator.close();
    const all = concat(blocks);
    t.ok(largestBreak(all, 440, rate) < 40, `${rate} Hz: largest break ${largestBreak(all, 440, rate)}`);
    const shorter = source.length - all.length;
    const expected = (1300 * length * 200 - 1500 * length * 100) / 1e6;
    t.ok(
      Math.abs(shorter - expected) < 45 + (100 * length * 200) / 1e6,
      `${shorter} samples shorter, ${expected} expected`,
    );
  }
});
