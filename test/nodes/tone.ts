import t from 'tap';
import type { AudioData } from '../../src/media/audio-data.js';
import { VirtualClock } from '../../src/media/clock.js';
import { parseOptions } from '../../src/media/node.js';
import { tone } from '../../src/nodes/tone.js';
import { collect, concat, levelAt, settle, testContext } from './node-lab.js';

await t.test('tone: frequency, level and length', async (t) => {
  for (const [sampleRate, channels] of [
    [48_000, 1],
    [44_100, 2],
    [8000, 1],
  ] as const) {
    const options = parseOptions(tone, {
      frequency: 1000,
      level: -6,
      durationMs: 1010,
      live: false,
      sampleRate,
      channels,
    });
    const chunks = await collect<AudioData>(await tone.create(options, testContext()));
    t.equal(chunks.length, 51, 'whole chunks of 20 ms');
    t.ok(
      chunks.every((chunk, index) => chunk.timestamp === index * 20_000 && chunk.numberOfFrames === sampleRate / 50),
    );
    const left = concat(chunks).filter((_, index) => index % channels === 0);
    t.ok(
      Math.abs(levelAt(left, sampleRate, 1000) + 6) < 0.05,
      'the level is right over the whole length, so phase is continuous',
    );
    t.ok(levelAt(left, sampleRate, 1500) < -60, 'and there is nothing else');
  }
});

await t.test('tone: paced by the clock', async (t) => {
  const clock = new VirtualClock();
  const context = testContext({ clock });
  const stream = await tone.create(parseOptions(tone, {}), context);
  const times: number[] = [];
  (stream as NodeJS.ReadableStream).on('data', () => times.push(clock.nowUs() / 1000));
  for (let ms = 0; ms < 100; ms += 10) {
    await settle(3);
    clock.advance(10);
  }
  await settle(3);
  t.same(times, [0, 20, 40, 60, 80, 100]);
  (stream as NodeJS.ReadStream).pause();
  await settle(3);
  clock.advance(1000);
  await settle(3);
  t.equal(context.drops.get('reader too slow'), 42, 'a reader that stops loses all but the 8 that wait');
  (stream as NodeJS.ReadStream).destroy();
});

await t.test('tone: refuses what it cannot make', async (t) => {
  for (const bad of [
    { frequency: 0 },
    { level: 1 },
    { sampleRate: 22_050 },
    { channels: 3 },
    { durationMs: 0 },
    { freq: 440 },
  ]) {
    t.throws(() => parseOptions(tone, bad), { code: 'SLUICE_CONFIG_INVALID' }, JSON.stringify(bad));
  }
  t.end();
});
