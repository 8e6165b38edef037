import t, { type Test } from 'tap';
import { type InboundStats, connect, startServer } from '../../../src/index.js';
import { liveKitServer } from '../../support/livekit-server.js';
import { type ImpairedNetwork, impairedNetwork } from '../../support/network/impaired-network.js';
import { Recording, SETTINGS, broadcast, concealedShare } from './programme.js';

const TIMEOUT_MS = 120_000;
/** Of every direction. */
const LOSSY = { loss: 0.05, delayMs: 10, jitterMs: 30 } as const;
const SECONDS = 20;
/** From 1 s after a burst of loss: enough that where delay is still brought back is the least of it. */
const AFTER_SECONDS = 7;
/** Of the 20 that are made a second, on a machine that is late. */
const MIN_FPS = 15;
interface Limits {
  /** Part of the sound that may be made up. It is less; a machine that is late makes up sound too. */
  readonly concealed: number;
  /** After a lost key frame there is a picture again, in ms. */
  readonly recoveryMs: number;
}

const EMBEDDED: Limits = { concealed: 0.02, recoveryMs: 500 };
/** It passes on one request for a key frame in a second or so, and nothing of what its subscribers lose. */
const LIVEKIT: Limits = { concealed: 0.04, recoveryMs: 3000 };
/** The likeness of a second of other words is about 0.2. */
const ALIKE = 0.8;

interface Setup {
  readonly network: ImpairedNetwork;
  /** Packets were lost on the way up to the server, or down from it. */
  readonly recordings: ReadonlyMap<'up' | 'down', Recording>;
}

/** Ann sends and receives through a network that is still good; Bob has none in between. */
async function setUp(test: Test, server: { readonly url: string }): Promise<Setup> {
  const network = await impairedNetwork({ serverUrl: server.url, seed: 20 });
  test.teardown(() => network.close());
  const common = { sessionId: 'lossy', apiKey: 'devkey', apiSecret: 'secret', settings: SETTINGS };
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

t.test('5 % loss and 30 ms jitter both ways, on the embedded server', { timeout: TIMEOUT_MS }, async (t) => {
  const server = await startServer({ port: 0, logLevel: 'error' });
  t.teardown(() => server.close());
  await getThroughLoss(t, server, EMBEDDED);
});

t.test('5 % loss and 30 ms jitter both ways, on a LiveKit server', { timeout: TIMEOUT_MS }, async (t) => {
  const server = await liveKitServer(t);
  if (server) await getThroughLoss(t, server, LIVEKIT);
});

async function getThroughLoss(t: Test, server: { readonly url: string }, limits: Limits): Promise<void> {
  const { network, recordings } = await setUp(t, server);
  /** To be listened to at the end: the search takes the time in which the programme would have to go on. */
  const spoken: { way: string; recording: Recording; from: number; to: number }[] = [];
  await network.set({ up: LOSSY, down: LOSSY });
  const before = await snapshot(recordings);
  await Promise.all([...recordings.values()].map((recording) => recording.hear(SECONDS)));
  const after = await snapshot(recordings);
  for (const [way, recording] of recordings) {
    const { audio, video, heardSeconds, atMs } = before.get(way)!;
    const { audio: audioNow, video: videoNow, atMs: endMs } = after.get(way)!;
    const pauseMs = Math.round(recording.longestPauseMs(atMs, endMs));
    spoken.push({ way, recording, from: heardSeconds, to: heardSeconds + SECONDS });
    const concealed = concealedShare(audio, audioNow);
    const lost = audioNow.packetsLost - audio.packetsLost;
    t.comment(`${way}: audio`, {
      packets: audioNow.packetsReceived - audio.packetsReceived,
      lost,
      sentAgain: audioNow.retransmittedPacketsReceived - audio.retransmittedPacketsReceived,
      fromCopies: fromCopies(audioNow) - fromCopies(audio),
      concealed: `${(100 * concealed).toFixed(2)} %`,
    });
    t.comment(`${way}: video`, {
      packets: videoNow.packetsReceived - video.packetsReceived,
      lost: videoNow.packetsLost - video.packetsLost,
      recovered: videoNow.retransmittedPacketsReceived - video.retransmittedPacketsReceived,
      keyFramesAskedFor: videoNow.pliCount - video.pliCount,
      freezes: (videoNow.freezeCount ?? 0) - (video.freezeCount ?? 0),
      ...recording.pictures(atMs),
      longestPauseMs: pauseMs,
    });
    t.ok(concealed < limits.concealed, `${way}: ${concealed} of the sound is made up`);
    // What the server gets late on the way up is not lost on the way down.
    if (way === 'down') t.ok(lost > SECONDS, `${lost} packets were lost`);
    t.ok(videoNow.framesDecoded - video.framesDecoded > SECONDS * MIN_FPS, `${way}: enough pictures`);
    t.ok(pauseMs < 1000, `${way}: ${pauseMs} ms without a picture`);
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
      t.ok(pauseMs < limits.recoveryMs, `${way}: ${pauseMs} ms without a picture`);
    }
  });

  await t.test('20 % loss for 2 s is over when it ends', async (t) => {
    const burst = { loss: 0.2, durationMs: 2000 };
    await network.set({ up: { burst }, down: { burst } });
    await Promise.all([...recordings.values()].map((recording) => recording.hear(3)));
    const over = await snapshot(recordings);
    await Promise.all([...recordings.values()].map((recording) => recording.hear(AFTER_SECONDS)));
    const end = await snapshot(recordings);
    for (const [way, recording] of recordings) {
      const { audio, heardSeconds, atMs } = over.get(way)!;
      const concealed = concealedShare(audio, end.get(way)!.audio);
      const pauseMs = Math.round(recording.longestPauseMs(atMs, end.get(way)!.atMs));
      spoken.push({ way: `${way}, after the end`, recording, from: heardSeconds, to: heardSeconds + AFTER_SECONDS });
      t.comment(`${way}, from 1 s after the end:`, {
        concealed: `${(100 * concealed).toFixed(2)} %`,
        pauseMs,
      });
      t.ok(pauseMs < 1000, `${way}: ${pauseMs} ms without a picture`);
    }
  });

  await t.test('the words are there', async (t) => {
    for (const { way, recording, from, to } of spoken) {
      const likeness = await recording.likeness(from, to);
      t.comment(`${way}:`, likeness);
      t.ok(likeness.windows > (to - from) / 3 && likeness.median > ALIKE, `${way}: like what was said`);
    }
  });
}

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
