import { Readable, type Transform } from 'node:stream';
import t from 'tap';
import { audioData, type AudioData } from '../../src/media/audio-data.js';
import { VirtualClock } from '../../src/media/clock.js';
import { parseOptions } from '../../src/media/node.js';
import type { VoiceActivity } from '../../src/media/voice-activity.js';
import { vad as vadNode } from '../../src/nodes/vad.js';
import { vad } from '../../src/nodes.js';
import { sine } from '../codecs/tones.js';
import { testContext } from '../nodes/node-lab.js';
import { spokenClip, whiteNoise } from './voice-detector-suite.js';

const RATE = 48_000;

/** Chunks of `frames` samples. */
function chunks(samples: Int16Array, frames: number): AudioData[] {
  const all: AudioData[] = [];
  for (let at = 0; at < samples.length; at += frames)
    all.push(audioData(samples.subarray(at, at + frames), RATE, 1, (at * 1_000_000) / RATE));
  return all;
}

async function activity(samples: Int16Array, frames = 960, options = {}): Promise<[boolean, number][]> {
  const values = (await Readable.from(chunks(samples, frames)).pipe(vad(options)).toArray()) as VoiceActivity[];
  return values.map(({ isSpeaking, timestamp }) => [isSpeaking, timestamp / 1000]);
}

/** The speech clip, mono, with a second of soft noise before and two after each of two copies of its first `seconds`. */
async function speech(seconds: number): Promise<Int16Array> {
  const words = (await spokenClip(RATE)).subarray(0, seconds * RATE);
  const noise = (length: number): Int16Array => Int16Array.from({ length }, (_, i) => ((i * 7919) % 41) - 20);
  const all = new Int16Array(7 * RATE + 2 * words.length);
  all.set(noise(all.length));
  all.set(words, RATE);
  all.set(words, 3 * RATE + words.length + RATE);
  return all;
}

t.test('speech is found where it is, whatever the length of the chunks', async (t) => {
  const samples = await speech(2);
  for (const frames of [960, 480, 441, 4800]) {
    const found = await activity(samples, frames);
    t.comment(`${frames}: ${found.join(' ')}`);
    t.equal(found[0]?.[0], true);
    const first = found[0]?.[1] ?? NaN;
    t.ok(first > 900 && first < 1700, `the first words begin at ${first} ms, of 1000`);
    const second = found.findLast(([isSpeaking, ms]) => isSpeaking && ms > 4500);
    t.ok(second, 'the second ones are found');
    t.ok(
      found.every(([isSpeaking], i) => isSpeaking === (i % 2 === 0)),
      'beginnings and ends in turn',
    );
    const [isSpeaking, lastMs] = found.at(-1) ?? [];
    t.ok(isSpeaking === false && lastMs! > 7000 && lastMs! < 9000, `the last end at ${lastMs} ms`);
    t.ok(
      found.every(([, ms], i) => i === 0 || ms > found[i - 1]![1]),
      'time goes on',
    );
  }
});

t.test('the noise of a room, tones and silence are no speech', async (t) => {
  let seed = 1;
  const noise = Int16Array.from({ length: 4 * RATE }, () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return (seed / 2 ** 31 - 1) * 60;
  });
  t.same(await activity(noise), []);
  t.same(await activity(new Int16Array(4 * RATE)), []);
  const tone = await activity(sine([1000], RATE, 4 * RATE, 8000, 0));
  t.ok(tone.length <= 2, `a tone is taken for speech ${tone.length / 2} times`);
});

t.test('speech is found in the noise of a fan, however long that has been there, and the noise is not', async (t) => {
  const clip = (await spokenClip(48_000)).subarray(0, 3 * RATE);
  for (const amplitude of [300, 1000]) {
    const samples = whiteNoise(12 * RATE + clip.length, amplitude);
    for (let i = 0; i < clip.length; i++) samples[8 * RATE + i]! += clip[i]!;
    const found = await activity(samples);
    t.comment(`${amplitude}: ${found.join(' ')}`);
    const [isSpeaking, beganMs] = found[0] ?? [];
    t.ok(isSpeaking === true && beganMs! > 7900 && beganMs! < 8700, `begins at ${beganMs} ms, of 8000`);
    const endedMs = found.at(-1)?.[1] ?? NaN;
    t.ok(endedMs > 10_000 && endedMs < 11_300, `ends at ${endedMs} ms, of 11000`);
  }
});

t.test('speech that is not over when the sound ends is ended there', async (t) => {
  const samples = await speech(2);
  const found = await activity(samples.subarray(0, 2.5 * RATE), 960, { minSilenceMs: 2000 });
  t.equal(found.length, 2);
  t.ok(found[1]![1] > found[0]![1] && found[1]![1] <= 2500);
});

t.test('when sound came in and when speech was known to begin and end is told on the clock of the graph', async (t) => {
  const clock = new VirtualClock();
  const stream = await vadNode.create(parseOptions(vadNode, {}), testContext({ clock }));
  const samples = await speech(2);
  const values: VoiceActivity[] = [];
  (stream as Transform).on('data', (value: VoiceActivity) => values.push(value));
  for (const chunk of chunks(samples, 960)) {
    // Half a second after it was spoken.
    clock.advance(chunk.timestamp / 1000 + 520 - clock.nowUs() / 1000);
    await new Promise((resolve) => (stream as Transform).write(chunk, resolve));
  }
  t.ok(values.length >= 2);
  for (const { isSpeaking, timestamp, passed } of values) {
    const [heard, known] = passed ?? [];
    t.equal(heard?.stage, 'heard');
    t.equal(known?.stage, isSpeaking ? 'speech-began' : 'speech-ended');
    const cameUs = timestamp + 500_000;
    t.ok(heard!.atUs >= cameUs - 20_000 && heard!.atUs <= cameUs + 20_000, `${heard!.atUs} of ${cameUs}`);
    const waitedMs = (known!.atUs - heard!.atUs) / 1000;
    const neededMs = isSpeaking ? 60 : 500;
    t.ok(waitedMs >= neededMs - 20 && waitedMs <= neededMs + 20, `${waitedMs} ms of ${neededMs}`);
  }
  (stream as Transform).destroy();
});
