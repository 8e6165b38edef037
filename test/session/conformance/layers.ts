import { streamNamed } from '../live-room.js';
import { endlessHalves, endlessNumbers, layersOf, run, see, seeEvery, seeWidth } from './content.js';
import { onEveryServer } from './servers.js';

const NUMBERS = { resolution: { width: 192, height: 128 }, fps: 20 } as const;
const LARGE = { resolution: { width: 640, height: 360 }, fps: 15 } as const;

onEveryServer('layers of video', async (t, lab) => {
  await t.test('are chosen by what a subscriber needs', async (t) => {
    const room = lab.room(t);
    const settings = { av: { videoPublisher: LARGE } };
    const [ann, bob] = [await room.join('ann', { settings }), await room.join('bob')];
    run(endlessHalves(60, 190, LARGE), await ann.publish({ hasAudio: false }));
    const stream = await streamNamed(bob, 'ann');
    const small = await bob.subscribe(stream, {
      subscribeToAudio: false,
      videoSettings: { preferredResolution: { width: 320, height: 180 } },
    });
    const frame = await seeWidth(small, 320);
    t.equal(frame.height, 180);
    await see(small, 60, 190);
    const large = await bob.subscribe(stream, { subscribeToAudio: false });
    await seeWidth(large, 640);
    await see(large, 60, 190);
    large.destroy();
    await seeWidth(small, 320);
    t.pass('and follow when the one who needed more has gone');
  });

  await t.test('that nobody takes are not sent', async (t) => {
    const room = lab.room(t);
    const settings = { av: { videoPublisher: LARGE } };
    const [ann, bob] = [await room.join('ann', { settings }), await room.join('bob')];
    run(endlessHalves(60, 190, LARGE), await ann.publish({ hasAudio: false }));
    const subscriber = await bob.subscribe(await streamNamed(bob, 'ann'), {
      subscribeToAudio: false,
      videoSettings: { preferredResolution: { width: 320, height: 180 } },
    });
    subscriber.resume();
    await layersOf(ann, ['q']);
    t.pass('only the lowest is');
  });

  await t.test(
    'in time: who asks for fewer pictures gets every other, or every fourth, and others get all',
    async (t) => {
      const room = lab.room(t);
      const [ann, bob] = [
        await room.join('ann', { settings: { av: { videoPublisher: NUMBERS } } }),
        await room.join('bob'),
      ];
      run(endlessNumbers(NUMBERS), await ann.publish({ hasAudio: false }));
      t.equal((await ann.stats()).outbound[0]?.scalabilityMode, 'L1T3');
      const all = await bob.subscribe(await streamNamed(bob, 'ann'), { subscribeToAudio: false });
      for (const [preferredFramerate, distance] of [
        [5, 4],
        [10, 2],
      ] as const) {
        const cid = await room.join('cid');
        const videoSettings = { preferredFramerate };
        const some = await cid.subscribe(await streamNamed(cid, 'ann'), { subscribeToAudio: false, videoSettings });
        await Promise.all([seeEvery(distance, some), seeEvery(1, all)]);
        t.pass(`${preferredFramerate} of ${NUMBERS.fps} a second`);
      }
    },
  );
});
