import t from 'tap';
import { audioData } from '../../src/media/audio-data.js';
import { SentSound } from '../../src/speech/sent-sound.js';

const RATE = 16_000;

/** Chunks of 20 ms whose samples are their own ms, from one ms to another. */
function fill(sound: SentSound, fromMs: number, toMs: number): void {
  for (let ms = fromMs; ms < toMs; ms += 20) {
    const data = Int16Array.from({ length: 320 }, (_, i) => ms + Math.floor(i / 16));
    sound.add(audioData(data, RATE, 1, ms * 1000));
  }
}

t.test('times of a connection lie on the media clock, on the right side of gaps', (t) => {
  const sound = new SentSound(RATE, 10_000);
  fill(sound, 5000, 6000);
  fill(sound, 9000, 9500);
  t.equal(sound.timeUs(0, 'begins'), 5_000_000);
  t.equal(sound.timeUs(0.25, 'begins'), 5_250_000);
  t.equal(sound.timeUs(1, 'ends'), 6_000_000, 'what ends there');
  t.equal(sound.timeUs(1, 'begins'), 9_000_000, 'what begins there');
  t.equal(sound.timeUs(1.25, 'ends'), 9_250_000);
  t.equal(sound.timeUs(-1, 'begins'), 5_000_000);
  t.equal(sound.timeUs(3600, 'ends'), 9_500_000, 'no later than what was sent');
  t.end();
});

t.test('what was not settled is sent again, from there on to the sample', (t) => {
  const sound = new SentSound(RATE, 10_000);
  fill(sound, 0, 1000);
  fill(sound, 3000, 3100);
  sound.settle(0.905);
  const samples = sound.again().flatMap(({ data }) => [...data]);
  t.equal(samples.length, (95 + 100) * 16);
  t.same([samples[0], samples[95 * 16 - 1], samples[95 * 16], samples.at(-1)], [905, 999, 3000, 3099]);
  t.equal(sound.timeUs(0, 'begins'), 905_000);
  t.equal(sound.timeUs(0.095, 'begins'), 3_000_000);
  sound.settle(3600);
  t.same(sound.again(), []);
  fill(sound, 4000, 4020);
  t.equal(sound.timeUs(0, 'begins'), 4_000_000);
  t.end();
});

t.test('no more is kept than asked for, and times stay right', (t) => {
  const sound = new SentSound(RATE, 1000);
  fill(sound, 0, 600);
  t.notOk(sound.isFull);
  fill(sound, 600, 60_000);
  t.ok(sound.isFull);
  t.equal(sound.timeUs(59.5, 'begins'), 59_500_000);
  const kept = sound.again();
  t.same([kept.length, kept[0]?.timestamp], [50, 59_000_000]);
  t.end();
});
