import { Readable } from 'node:stream';
import { PIXEL_FORMATS, SAMPLE_RATES, audioData, type SampleRate } from '../../../src/index.js';
import { sine } from '../../codecs/tones.js';
import { listen, streamNamed } from '../live-room.js';
import { run } from './content.js';
import { endlessPatches, seePatches } from './patches.js';
import { onEveryBackend } from './servers.js';

const AMPLITUDE = 10_000;
/** What coding and resampling may do to the level of a tone, as a part of it: 1 dB. */
const LEVEL_TOLERANCE = 0.11;
/** Chunks of no round length. */
const ODD_FRAMES = [137, 1, 960, 441, 7, 2000] as const;

/** A tone, another one for each channel, in chunks of all lengths. */
function endlessOddTone(frequencies: readonly number[], sampleRate: SampleRate): Readable {
  let [frame, chunk] = [0, 0];
  return new Readable({
    objectMode: true,
    highWaterMark: 1,
    read() {
      const frames = ODD_FRAMES[chunk++ % ODD_FRAMES.length]!;
      const samples = sine(frequencies, sampleRate, frames, AMPLITUDE, frame);
      this.push(audioData(samples, sampleRate, frequencies.length, (frame * 1_000_000) / sampleRate));
      frame += frames;
    },
  });
}

onEveryBackend('raw audio', async (t, lab) => {
  for (const numberOfChannels of [1, 2] as const) {
    for (const sampleRate of SAMPLE_RATES) {
      const format = { sampleRate, numberOfChannels };
      const what = `of ${sampleRate} Hz in ${numberOfChannels === 1 ? 'mono' : 'stereo'}`;
      await t.test(`${what}, in chunks of any length, is heard at its pitch and level`, async (t) => {
        const room = lab.room(t);
        const ann = await room.join('ann', { settings: { av: { audioPublisher: format } } });
        const bob = await room.watch();
        const frequencies = numberOfChannels === 1 ? [700] : [700, 1500];
        run(endlessOddTone(frequencies, sampleRate), await ann.publish({ name: 'Tone', hasVideo: false }));
        const subscriber = await bob.subscribe(await streamNamed(bob, 'Tone'), { subscribeToVideo: false });
        const levelsOf = (heard: { amplitude(hz: number, channel: number): number }): number[] =>
          [0, 1].map((side) => heard.amplitude(frequencies[side % frequencies.length]!, side));
        const isRight = (level: number): boolean => Math.abs(level / AMPLITUDE - 1) < LEVEL_TOLERANCE;
        const heard = await listen(subscriber, 200, (heard) => levelsOf(heard).every(isRight));
        const levels = levelsOf(heard).map(Math.round);
        t.ok(levels.every(isRight), `${levels.join(' left, ')} right`);
      });
    }
  }
});

onEveryBackend('raw pictures', async (t, lab) => {
  for (const format of PIXEL_FORMATS) {
    for (const [width, height] of [
      [160, 120],
      [161, 121],
    ] as const) {
      await t.test(`in ${format} of ${width}x${height} are seen in their colours`, async (t) => {
        const room = lab.room(t);
        const videoPublisher = { resolution: { width, height }, fps: 20, format };
        const [ann, bob] = [await room.join('ann', { settings: { av: { videoPublisher } } }), await room.watch()];
        run(endlessPatches(format, width, height, 20), await ann.publish({ name: 'Patches', hasAudio: false }));
        const subscriber = await bob.subscribe(await streamNamed(bob, 'Patches'), { subscribeToAudio: false });
        const frame = await seePatches(subscriber);
        t.strictSame([frame.width, frame.height, frame.format], [width, height, 'YUV420P']);
      });
    }
  }
});
