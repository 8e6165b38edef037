import t from 'tap';
import { levelDbfs } from '../../src/media/pcm.js';
import type { AudioData } from '../../src/media/audio-data.js';
import { denoise } from '../../src/nodes/denoise.js';
import { spokenClip, whiteNoise } from '../speech/voice-detector-suite.js';
import { chunks, through } from './media-lab.js';
import { concat } from './node-lab.js';

const RATE = 48_000;

const denoised = (samples: Int16Array, frames = 960): Promise<AudioData[]> =>
  through<AudioData>(denoise, {}, chunks(samples, { chunkMs: frames / 48, startUs: 7_000_000 }));

/** How alike two sounds are, 1 for the same but for their loudness. */
function likeness(one: Int16Array, other: Int16Array): number {
  let product = 0;
  let oneSquare = 0;
  let otherSquare = 0;
  for (let i = 0; i < one.length; i++) {
    product += one[i]! * other[i]!;
    oneSquare += one[i]! ** 2;
    otherSquare += other[i]! ** 2;
  }
  return product / Math.sqrt(oneSquare * otherSquare);
}

t.test('denoise: noise goes, speech stays where it is', async (t) => {
  const noise = whiteNoise(5 * RATE, 1000);
  const left = concat(await denoised(noise));
  const fall = levelDbfs(noise.subarray(RATE)) - levelDbfs(left.subarray(RATE));
  t.ok(fall > 25, `white noise falls by ${fall} dB`);

  const clip = await spokenClip(48_000);
  const cleaned = concat(await denoised(clip));
  t.ok(likeness(clip, cleaned) > 0.97, `clean speech: ${likeness(clip, cleaned)}`);

  const hiss = whiteNoise(clip.length, 1500);
  const noisy = clip.map((sample, i) => sample + hiss[i]!);
  const saved = concat(await denoised(noisy));
  const before = likeness(clip, noisy);
  const after = likeness(clip, saved);
  t.ok(after > before && after > 0.93, `speech in noise: ${before} before, ${after} after`);
});

t.test('denoise: as much comes out as goes in, at its time, whatever the length of chunks and stream', async (t) => {
  const clip = (await spokenClip(48_000)).subarray(0, 2 * RATE);
  const expected = concat(await denoised(clip));
  for (const [length, frames] of [
    [clip.length, 441],
    [clip.length - 1, 960],
    [1000, 4800],
    [481, 480],
    [1, 960],
    [0, 960],
  ] as const) {
    const output = await denoised(clip.subarray(0, length), frames);
    const samples = concat(output);
    t.equal(samples.length, length, `${length} samples in chunks of ${frames}`);
    const settled = Math.max(0, length - 1440);
    t.same(samples.subarray(0, settled), expected.subarray(0, settled), 'the same sound');
    let at = 0;
    for (const { timestamp, numberOfFrames } of output) {
      if (Math.abs(timestamp - 7_000_000 - (at * 1_000_000) / RATE) > 25) t.fail(`chunk at ${timestamp}`);
      at += numberOfFrames;
    }
  }
});
