import t from 'tap';
import type { AudioData } from '../../src/media/audio-data.js';
import { resampler } from '../../src/nodes/resampler.js';
import { channel, sine } from '../codecs/tones.js';
import { chunks, make, through } from './media-lab.js';
import { concat, levelAt, settle } from './node-lab.js';

/** Whether each chunk begins where the one before it ends; the first at `startUs`. */
function isContinuous(values: readonly AudioData[], startUs = 0): boolean {
  let frames = 0;
  return values.every((value) => {
    const expected = startUs + Math.round((frames * 1_000_000) / value.sampleRate);
    frames += value.numberOfFrames;
    return Math.abs(value.timestamp - expected) <= 1;
  });
}

await t.test('resampler: any rate and channels to any other', async (t) => {
  for (const [from, fromChannels, to, channels] of [
    [48_000, 2, 16_000, 1],
    [44_100, 1, 48_000, 2],
    [8000, 1, 44_100, 1],
    [48_000, 1, 48_000, 2],
    [48_000, 2, 48_000, 1],
    [24_000, 2, 24_000, 2],
    [48_000, 2, 8000, 2],
  ] as const) {
    const input = chunks(sine(fromChannels === 2 ? [440, 440] : 440, from, from, 16_384), {
      sampleRate: from,
      channels: fromChannels,
      startUs: 5_000_000,
    });
    const output = await through<AudioData>(resampler, { sampleRate: to, channels }, input);
    const name = `${from}/${fromChannels} to ${to}/${channels}`;
    const samples = concat(output);
    t.ok(
      output.every((value) => value.sampleRate === to && value.numberOfChannels === channels),
      name,
    );
    t.ok(Math.abs(samples.length / channels - to) <= to / 1000, `${name}: ${samples.length / channels} samples`);
    t.ok(Math.abs(levelAt(channel(samples, channels - 1, channels), to, 440) + 6) < 0.1, 'pitch and level');
    t.ok(isContinuous(output, 5_000_000), 'timestamps');
  }
});

await t.test('resampler: the input may change its format', async (t) => {
  const input = [
    ...chunks(sine(440, 48_000, 24_000, 16_384), { sampleRate: 48_000 }),
    ...chunks(sine([440, 440], 44_100, 22_050, 16_384), { sampleRate: 44_100, channels: 2, startUs: 500_000 }),
    ...chunks(sine(440, 16_000, 8000, 16_384), { sampleRate: 16_000, startUs: 900_000 }),
  ];
  const output = await through<AudioData>(resampler, { sampleRate: 16_000 }, input);
  const samples = concat(output);
  t.ok(Math.abs(samples.length - 24_000) <= 24, `${samples.length} samples of 1.5 s`);
  t.ok(
    output.every((value, i) => i === 0 || value.timestamp > (output[i - 1]?.timestamp ?? 0)),
    'time goes on',
  );
  for (const start of [1000, 9000, 17_000]) {
    t.ok(Math.abs(levelAt(samples.subarray(start, start + 6000), 16_000, 440) + 6) < 0.2, `the tone at ${start}`);
  }
});

await t.test('resampler: gaps stay gaps, and time never goes back', async (t) => {
  const tone = sine(440, 48_000, 9600);
  const input = [...chunks(tone), ...chunks(tone, { startUs: 5_000_000 }), ...chunks(tone, { startUs: 5_100_000 })];
  const output = await through<AudioData>(resampler, { sampleRate: 16_000 }, input);
  const after = output.findIndex((value) => value.timestamp >= 4_999_999);
  t.equal(output[after]?.timestamp, 5_000_000);
  t.ok(isContinuous(output.slice(0, after)));
  t.ok(isContinuous(output.slice(after), 5_000_000), 'what overlaps is put behind');
  t.ok(Math.abs(concat(output).length - 9600) <= 10, 'with every sample of it');
});

await t.test('resampler: what is not audio is refused, and it may be destroyed while it opens', async (t) => {
  await t.rejects(through(resampler, {}, chunks(sine(440, 22_050, 441), { sampleRate: 22_050 })), {
    code: 'SLUICE_CONFIG_INVALID',
  });
  const stream = await make(resampler, { sampleRate: 8000 });
  stream.write(chunks(sine(440, 48_000, 960))[0]);
  stream.destroy();
  await settle();
  t.ok(stream.closed);
});
