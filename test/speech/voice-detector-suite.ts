import { join } from 'node:path';
import type { Test } from 'tap';
import type { AudioData } from '../../src/media/audio-data.js';
import type { VoiceDetector } from '../../src/speech/voice-detector.js';
import { file, resampler } from '../../src/nodes.js';
import { PACKAGE_ROOT } from '../support/package-root.js';
import { sine } from '../codecs/tones.js';

/** White noise, the same in every run, up to `amplitude`. */
export function whiteNoise(length: number, amplitude: number): Int16Array {
  let seed = 1;
  return Int16Array.from({ length }, () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return (seed / 2 ** 31 - 1) * amplitude;
  });
}

/** The speech clip, mono: 13 s of somebody who speaks, with few pauses. */
export async function spokenClip(sampleRate: 16_000 | 48_000): Promise<Int16Array> {
  const path = join(PACKAGE_ROOT, 'pipelines/media/speech.ogg');
  const clip = (await file({ path })).output('audio').pipe(resampler({ sampleRate, channels: 1 }));
  const parts = (await clip.toArray()) as AudioData[];
  return Int16Array.from(parts.flatMap(({ data }) => [...data]));
}

/** What every voice detector does. */
export function voiceDetectorSuite(t: Test, create: () => Promise<VoiceDetector>): void {
  t.test('speech is likely to be speech, and nothing else is', async (t) => {
    const { sampleRate } = await withDetector(create, (detector) => Promise.resolve(detector));
    const spoken = await judged(create, await spokenClip(sampleRate));
    t.ok(shareOf(spoken) > 0.6, `${shareOf(spoken)} of the clip`);
    const seconds = 5 * sampleRate;
    t.equal(shareOf(await judged(create, new Int16Array(seconds))), 0, 'silence');
    for (const amplitude of [60, 1000, 8000])
      t.ok(shareOf(await judged(create, whiteNoise(seconds, amplitude))) < 0.02, `white noise up to ${amplitude}`);
    t.ok(shareOf(await judged(create, sine([1000], sampleRate, seconds, 8000, 0))) < 0.05, 'a tone');
  });

  t.test('speech in noise of a tenth of its loudness is found as well', async (t) => {
    const { sampleRate } = await withDetector(create, (detector) => Promise.resolve(detector));
    const clip = await spokenClip(sampleRate);
    const noise = whiteNoise(clip.length, 460);
    const share = shareOf(
      await judged(
        create,
        clip.map((sample, i) => sample + noise[i]!),
      ),
    );
    t.ok(share > 0.5, `${share} of the clip`);
  });

  t.test('detectors know nothing of each other', async (t) => {
    const [one, other] = [await create(), await create()];
    const { sampleRate, frameSize } = one;
    const clip = (await spokenClip(sampleRate)).subarray(0, 2 * sampleRate);
    const alone = await judged(create, clip);
    const together: number[] = [];
    for (let at = 0; at + frameSize <= clip.length; at += frameSize) {
      await other.judge(Float32Array.from(whiteNoise(frameSize, 8000)));
      together.push(await one.judge(Float32Array.from(clip.subarray(at, at + frameSize))));
    }
    t.same(together, alone);
    one.close();
    one.close();
    other.close();
  });

  t.test('likelihoods are between 0 and 1, however loud it is', async (t) => {
    const { sampleRate } = await withDetector(create, (detector) => Promise.resolve(detector));
    const square = Int16Array.from({ length: sampleRate }, (_, i) => (i % 200 < 100 ? 32_767 : -32_768));
    const all = await judged(create, square);
    t.ok(all.length > 20 && all.every((likelihood) => likelihood >= 0 && likelihood <= 1));
  });
}

/** The likelihood of each whole frame. */
async function judged(create: () => Promise<VoiceDetector>, samples: Int16Array): Promise<number[]> {
  return await withDetector(create, async (detector) => {
    const all: number[] = [];
    const { frameSize } = detector;
    for (let at = 0; at + frameSize <= samples.length; at += frameSize)
      all.push(await detector.judge(Float32Array.from(samples.subarray(at, at + frameSize))));
    return all;
  });
}

async function withDetector<T>(
  create: () => Promise<VoiceDetector>,
  use: (detector: VoiceDetector) => Promise<T>,
): Promise<T> {
  const detector = await create();
  try {
    return await use(detector);
  } finally {
    detector.close();
  }
}

/** How much of it was taken for speech, 0 to 1, by the threshold that the node has. */
function shareOf(likelihoods: readonly number[]): number {
  return likelihoods.filter((likelihood) => likelihood >= 0.6).length / likelihoods.length;
}
