import { Readable } from 'node:stream';
import { type AudioData, SAMPLE_RATES, audioData } from '../../../src/index.js';
import { sine } from '../../codecs/tones.js';
import { endlessTone, listen, streamNamed } from '../live-room.js';
import { run } from './content.js';
import { onEveryServer } from './servers.js';

onEveryServer('the mix of all audio', async (t, lab) => {
  await t.test('comes at every rate, in mono and stereo, in chunks of 10 and of 20 ms', async (t) => {
    const room = lab.room(t);
    const [ann, bob, cid] = [await room.join('ann'), await room.join('bob'), await room.join('cid')];
    run(endlessTone(440), await ann.publish({ hasVideo: false }));
    run(endlessTone(1000), await bob.publish({ hasVideo: false }));
    await Promise.all([streamNamed(cid, 'ann'), streamNamed(cid, 'bob')]);
    const formats = SAMPLE_RATES.flatMap((sampleRate) =>
      ([1, 2] as const).map((numberOfChannels) => ({ sampleRate, numberOfChannels })),
    );
    await Promise.all(
      formats.map(async (format, i) => {
        const ptimeMs = ([10, 20] as const)[(i + Math.floor(i / 2)) % 2]!;
        const mix = cid.mix({ ...format, ptimeMs });
        const { sampleRate, numberOfChannels } = format;
        t.match(await firstOf(mix), { ...format, numberOfFrames: (sampleRate * ptimeMs) / 1000 });
        for (let side = 0; side < numberOfChannels; side++) {
          const heard = await listen(
            mix,
            200,
            ({ amplitude }) => amplitude(440, side) > 7000 && amplitude(1000, side) > 7000,
          );
          const levels = [heard.amplitude(440, side), heard.amplitude(1000, side)].map(Math.round);
          t.ok(
            levels.every((level) => level > 7000),
            `${sampleRate} Hz, channel ${side + 1} of ${numberOfChannels}, ${ptimeMs} ms: ${levels.join(', ')}`,
          );
        }
      }),
    );
  });

  await t.test('of several who are as loud as can be is turned down, and not cut off', async (t) => {
    const room = lab.room(t);
    const listener = await room.join('listener');
    const frequencies = [440, 700, 1130] as const;
    for (const hz of frequencies) {
      const speaker = await room.join(`at ${hz}`);
      run(loudTone(hz), await speaker.publish({ hasVideo: false }));
      await streamNamed(listener, `at ${hz}`);
    }
    const heard = await listen(listener, 500, ({ amplitude }) => frequencies.every((hz) => amplitude(hz) > 8000));
    const levels = frequencies.map((hz) => Math.round(heard.amplitude(hz)));
    t.ok(
      levels.every((level) => level > 8000 && level < 13_500),
      `each at about a third of full scale: ${levels.join(', ')}`,
    );
    const peak = heard.samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
    t.ok(peak > 25_000 && peak <= 32_767, `${peak} at most`);
    // What is cut off makes sums and differences of the tones.
    for (const hz of [2 * 440 + 700, 2 * 700 - 1130, 700 + 1130 - 440, 3 * 440]) {
      const level = heard.amplitude(hz);
      t.ok(level < 300, `${hz} Hz: ${Math.round(level)}`);
    }
  });
});

async function firstOf(readable: Readable): Promise<AudioData | undefined> {
  for await (const chunk of readable.iterator({ destroyOnReturn: false }) as AsyncIterable<AudioData>) return chunk;
  return undefined;
}

/** Nearly full scale. */
function loudTone(hz: number): Readable {
  let frame = 0;
  return new Readable({
    objectMode: true,
    highWaterMark: 1,
    read() {
      this.push(audioData(sine([hz, hz], 48_000, 960, 30_000, frame), 48_000, 2, (frame * 1_000_000) / 48_000));
      frame += 960;
    },
  });
}
