import { type AudioData, type EncodedAudioChunk, audioData } from '../../../src/index.js';
import { sine } from '../../codecs/tones.js';
import { endlessTone, listen, streamNamed } from '../live-room.js';
import { run } from './content.js';
import { onEveryBackend } from './servers.js';

/** Opus sends something in a long silence every 400 ms, and goes on for up to 200 ms before it begins to leave out. */
const MOST_PACKETS_IN_SILENCE = 20;

function chunk(samples: Int16Array): AudioData {
  return audioData(samples, 48_000, 2, 0);
}

onEveryBackend('audio settings', async (t, lab) => {
  for (const enableOpusDtx of [true, false]) {
    await t.test(
      `${enableOpusDtx ? 'with' : 'without'} DTX two seconds of silence take ${enableOpusDtx ? 'next to nothing' : 'as many packets as sound'}`,
      async (t) => {
        const room = lab.room(t);
        const [ann, bob] = [await room.join('ann'), await room.watch()];
        const settings = { name: 'Bot', hasVideo: false, audioSettings: { enableOpusDtx }, highWaterMarkMs: 5000 };
        const publisher = await ann.publish(settings);
        const subscriber = await bob.subscribe(await streamNamed(bob, 'Bot'), {
          encoded: true,
          subscribeToVideo: false,
        });
        const tone = chunk(sine([440, 440], 48_000, 24_000));
        // Both tones are large packets, and what comes between the two is silence.
        let [phase, silent] = ['before', 0];
        const counted = new Promise<void>((resolve) => {
          subscriber.on('data', ({ data }: EncodedAudioChunk) => {
            const isTone = data.length > 20;
            if (phase === 'before' && isTone) phase = 'first tone';
            else if (phase === 'first tone' && !isTone) phase = 'silence';
            else if (phase === 'silence' && isTone) {
              phase = 'second tone';
              resolve();
            }
            if (phase === 'silence') silent++;
          });
        });
        for (const part of [tone, chunk(new Int16Array(2 * 48_000 * 2)), tone]) publisher.write(part);
        await counted;
        if (enableOpusDtx) t.ok(silent <= MOST_PACKETS_IN_SILENCE, `${silent} packets, not 100`);
        else t.ok(silent >= 80, `${silent} packets`);
      },
    );
  }

  await t.test('without stereo both channels are heard on both sides', async (t) => {
    const room = lab.room(t);
    const [ann, bob] = [await room.join('ann'), await room.watch()];
    const audioSettings = { enableStereoMode: false };
    run(endlessTone([440, 1000]), await ann.publish({ name: 'Bot', hasVideo: false, audioSettings }));
    const subscriber = await bob.subscribe(await streamNamed(bob, 'Bot'), { subscribeToVideo: false });
    const isHalf = (level: number): boolean => Math.abs(level - 5000) < 750;
    const heard = await listen(subscriber, 300, ({ amplitude }) =>
      [440, 1000].every((hz) => [0, 1].every((side) => isHalf(amplitude(hz, side)))),
    );
    for (const hz of [440, 1000]) {
      t.equal(Math.round(heard.amplitude(hz, 0)), Math.round(heard.amplitude(hz, 1)), `${hz} Hz left and right`);
      t.ok(isHalf(heard.amplitude(hz)), `${heard.amplitude(hz)}`);
    }
  });
});
