import t, { type Test } from 'tap';
import { type InboundStats, connect, startServer } from '../../../src/index.js';
import { type ImpairedNetwork, impairedNetwork } from '../../support/network/impaired-network.js';
import { Recording, SETTINGS, broadcast, concealedShare } from './programme.js';

const TIMEOUT_MS = 120_000;
/** Of every direction. */
const LOSSY = { loss: 0.05, delayMs: 10, jitterMs: 30 } as const;
const SECONDS = 15;

interface Setup {
  readonly network: ImpairedNetwork;
  /** Packets were lost on the way up to the server, or down from it. */
  readonly recordings: ReadonlyMap<'up' | 'down', Recording>;
}

/** Ann sends and receives through a network that is still good; Bob has none in between. */
async function setUp(test: Test): Promise<Setup> {
  const server = await startServer({ port: 0, logLevel: 'error' });
  test.teardown(() => server.close());
  const network = await impairedNetwork({ serverUrl: server.url, seed: 20 });
  test.teardown(() => network.close());
  const common = { sessionId: 'lossy', settings: SETTINGS };
  const ann = await connect({ ...common, url: network.url, name: 'ann' });
  const bob = await connect({ ...common, url: server.url, name: 'bob' });
  test.teardown(() => Promise.all([ann.disconnect(), bob.disconnect()]));
  await Promise.all([broadcast(ann), broadcast(bob)]);
  const recordings = new Map([
    ['up', await Recording.of(bob)],
    ['down', await Recording.of(ann)],
  ] as const);
  for (const recording of recordings.values()) {
    await recording.hear(1);
    await recording.until(() => recording.shown.length > 10);
  }
  return { network, recordings };
}

t.test('5 % loss and 30 ms jitter both ways', { timeout: TIMEOUT_MS }, async (t) => {
  const { network, recordings } = await setUp(t);
  await network.set({ up: LOSSY, down: LOSSY });
  const before = await snapshot(recordings);
  await Promise.all([...recordings.values()].map((recording) => recording.hear(SECONDS)));
  for (const [way, recording] of recordings) {
    const { audio, video, heardSeconds, atMs } = before.get(way)!;
    const [audioNow, videoNow] = [await recording.stats('audio'), await recording.stats('video')];
    const likeness = await recording.likeness(heardSeconds, heardSeconds + SECONDS);
    const concealed = concealedShare(audio, audioNow);
    t.comment(`${way}: audio`, {
      packets: audioNow.packetsReceived - audio.packetsReceived,
      lost: audioNow.packetsLost - audio.packetsLost,
      recovered: fromCopies(audioNow) - fromCopies(audio),
      concealed: `${(100 * concealed).toFixed(2)} %`,
      likeness,
    });
    t.comment(`${way}: video`, {
      packets: videoNow.packetsReceived - video.packetsReceived,
      lost: videoNow.packetsLost - video.packetsLost,
      recovered: videoNow.retransmittedPacketsReceived - video.retransmittedPacketsReceived,
      keyFramesAskedFor: videoNow.pliCount - video.pliCount,
      freezes: (videoNow.freezeCount ?? 0) - (video.freezeCount ?? 0),
      ...recording.pictures(atMs),
      longestPauseMs: Math.round(recording.longestPauseMs(atMs, performance.now())),
    });
    t.ok(likeness.windows > 5 && likeness.median > 0.8, `${way}: the words are there`);
    t.ok(concealed < 0.02, `${way}: ${concealed} of the sound is made up`);
    t.ok(recording.longestPauseMs(atMs, performance.now()) < 1000, `${way}: the pictures go on`);
  }
  t.comment(await network.stats(10_000));

  await t.test('a key frame that is lost is got over', async (t) => {
    for (const [way, recording] of recordings) {
      const keyFrames = (await recording.stats('video')).keyFramesDecoded;
      // All of 120 ms is lost, and with it the key frame that is asked for: it comes with one of the next pictures.
      recording.subscriber.requestKeyFrame();
      const began = performance.now();
      await network.set({ [way]: { burst: { loss: 1, durationMs: 120 } } });
      const count = recording.shown.length;
      await recording.until(() => recording.shown.length > count + 15);
      const pauseMs = Math.round(recording.longestPauseMs(began, performance.now()));
      const keyFramesNow = (await recording.stats('video')).keyFramesDecoded;
      t.comment(`${way}:`, { pauseMs, keyFrames: keyFramesNow - keyFrames });
      t.ok(pauseMs < 1000, `${way}: ${pauseMs} ms without a picture`);
    }
  });

  await t.test('20 % loss for 2 s is over when it ends', async (t) => {
    const burst = { loss: 0.2, durationMs: 2000 };
    await network.set({ up: { burst }, down: { burst } });
    await Promise.all([...recordings.values()].map((recording) => recording.hear(3)));
    const after = await snapshot(recordings);
    await Promise.all([...recordings.values()].map((recording) => recording.hear(4)));
    for (const [way, recording] of recordings) {
      const { audio, heardSeconds, atMs } = after.get(way)!;
      const concealed = concealedShare(audio, await recording.stats('audio'));
      const likeness = await recording.likeness(heardSeconds, heardSeconds + 4);
      const pauseMs = Math.round(recording.longestPauseMs(atMs, performance.now()));
      t.comment(`${way}, from 1 s after the end:`, {
        concealed: `${(100 * concealed).toFixed(2)} %`,
        likeness,
        pauseMs,
      });
      t.ok(likeness.median > 0.8, `${way}: the words are there`);
      t.ok(pauseMs < 1000, `${way}: the pictures go on`);
    }
  });
});

/** Packets that were lost and heard all the same. */
function fromCopies({ fecPacketsReceived = 0, fecPacketsDiscarded = 0 }: InboundStats): number {
  return fecPacketsReceived - fecPacketsDiscarded;
}

async function snapshot(recordings: Setup['recordings']) {
  const all = [...recordings].map(async ([way, recording]) => {
    const [audio, video] = [await recording.stats('audio'), await recording.stats('video')];
    return [way, { audio, video, heardSeconds: recording.heardSeconds, atMs: performance.now() }] as const;
  });
  return new Map(await Promise.all(all));
}
