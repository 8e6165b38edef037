import t from 'tap';
import { connect } from '../../src/index.js';
import type { AudioData, Stream, Subscriber, VideoFrame } from '../../src/vonage.js';
import { endlessTone, liveServer, streamNamed } from '../session/live-room.js';
import { run } from '../session/conformance/content.js';
import { Listener, keepPlaying, toneSource, vonageRoom } from './room.js';

const SMALL = { width: 160, height: 120, fps: 20 } as const;

/** A picture of two greys, left and right. */
function halves(left: number, right: number, { width, height } = SMALL): VideoFrame {
  const data = Buffer.alloc((width * height * 3) / 2, 128);
  for (let i = 0; i < width * height; i++) data[i] = i % width < width / 2 ? left : right;
  return { data, width, height, format: 'YUV420P' };
}

function greysOf({ data, width, height }: VideoFrame): readonly [number, number] {
  const row = Math.floor(height / 2) * width;
  return [data[row + width / 4]!, data[row + (3 * width) / 4]!];
}

t.test('what a client of sluice/vonage publishes', async (t) => {
  await t.test('is heard by another in the mix, 10 ms each time, in the format that was asked for', async (t) => {
    const join = await vonageRoom(t);
    const heard = new Listener();
    const chunks: AudioData[] = [];
    const { client: bob, stream } = await join('bob', {
      sessionSettings: { av: { audioSubscribersMix: { sampleRate: 24_000, channels: 2 } } },
      onAudioData: (_session, audio) => {
        chunks.push(audio);
        heard.take(audio);
      },
    });
    const { client: ann } = await join('ann');
    await ann.publish({ settings: { name: 'Tones', hasVideo: false } });
    keepPlaying(t, ann, toneSource([440, 1000]));
    await bob.subscribe(await stream, { settings: { subscribeToVideo: false } });
    const tones = await heard.hear(300, (one) => one.amplitude(440, 0) > 6000 && one.amplitude(1000, 1) > 6000);
    t.ok(tones.amplitude(1000, 0) < 4500, 'left and right apart');
    const shapes = new Set(
      chunks.map((one) => [one.data.length, one.sampleRate, one.numberOfChannels, one.numberOfFrames].join()),
    );
    t.strictSame([...shapes], ['960,24000,2,240']);
  });

  await t.test('is seen by another, and heard from its stream alone', async (t) => {
    const join = await vonageRoom(t);
    const { client: bob, stream } = await join('bob');
    const { client: ann } = await join('ann', { sessionSettings: { av: { videoPublisher: SMALL } } });
    const published = await ann.publish({ settings: { name: 'Show' } });
    keepPlaying(t, ann, toneSource(700));
    const picture = halves(60, 190);
    const timer = setInterval(() => ann.addVideo(picture), 1000 / SMALL.fps);
    t.teardown(() => clearInterval(timer));
    const heard = new Listener();
    let subscriber: Subscriber | undefined;
    const told: Subscriber[] = [];
    const seen = new Promise<VideoFrame>((resolve) => {
      void stream.then(async (one) => {
        subscriber = await bob.subscribe(one, {
          onAudioData: (by, audio) => {
            told.push(by);
            heard.take(audio);
          },
          onRenderFrame: (by, frame) => {
            told.push(by);
            const [left, right] = greysOf(frame);
            if (Math.abs(left - 60) <= 8 && Math.abs(right - 190) <= 8) resolve(frame);
          },
        });
      });
    });
    const [frame] = await Promise.all([seen, heard.hear(200, (one) => one.amplitude(700) > 7000)]);
    t.match(frame, { width: 160, height: 120, format: 'YUV420P' });
    t.equal(frame.data.length, 28_800);
    t.ok(Buffer.isBuffer(frame.data));
    t.equal(subscriber!.stream.streamId, published.stream.streamId);
    t.ok(
      told.every((one) => one === subscriber),
      'each callback is given the subscriber that subscribe() gave',
    );
  });

  await t.test('meets what a session of sluice publishes and hears', async (t) => {
    const join = await vonageRoom(t);
    const heard = new Listener();
    const { client: bob, session, stream } = await join('bob', { onAudioData: (_session, audio) => heard.take(audio) });
    const ann = await connect({ url: (await liveServer()).url, sessionId: session.sessionId, name: 'ann' });
    t.teardown(() => ann.disconnect());
    run(endlessTone(440), await ann.publish({ name: 'Voice', hasVideo: false }));
    await bob.subscribe(await stream);
    await heard.hear(200, (one) => one.amplitude(440) > 7000);
    await bob.publish({ settings: { name: 'Answer', hasVideo: false } });
    t.match(await streamNamed(ann, 'Answer'), { connection: { data: 'data of bob' } });
  });
});

t.test('captions', async (t) => {
  await t.test(
    'that a publisher of sluice writes come to onCaptionText, with the subscriber and whether they are final',
    async (t) => {
      const join = await vonageRoom(t);
      const { client: bob, session, stream } = await join('bob');
      const ann = await connect({ url: (await liveServer()).url, sessionId: session.sessionId, name: 'ann' });
      t.teardown(() => ann.disconnect());
      const publisher = await ann.publish({ name: 'Voice', hasVideo: false, enableCaptions: true });
      const told: unknown[] = [];
      let final!: () => void;
      const isFinal = new Promise<void>((resolve) => (final = resolve));
      const subscriber = await bob.subscribe(await stream, {
        settings: { subscribeToVideo: false, subscribeToCaptions: true },
        onCaptionText: (...args) => {
          told.push(args);
          if (args[2]) final();
        },
      });
      publisher.captions.write({ kind: 'captions', text: 'Good', isFinal: false });
      publisher.captions.write({ kind: 'captions', text: 'Good evening.', isFinal: true });
      await isFinal;
      t.strictSame(told, [
        [subscriber, 'Good', false],
        [subscriber, 'Good evening.', true],
      ]);
    },
  );
});

t.test('the mix of a client', async (t) => {
  await t.test('holds the streams that it is subscribed to with audio, and is silent without', async (t) => {
    const join = await vonageRoom(t);
    const heard = new Listener();
    const streams = new Map<string, Stream>();
    let came!: () => void;
    const both = new Promise<void>((resolve) => (came = resolve));
    const { client: cid } = await join('cid', {
      onAudioData: (_session, audio) => heard.take(audio),
      onStreamReceived: (_session, stream) => {
        streams.set(stream.name!, stream);
        if (streams.size === 2) came();
      },
    });
    for (const [name, hz] of [
      ['low', 440],
      ['high', 1200],
    ] as const) {
      const { client } = await join(name);
      await client.publish({ settings: { name, hasVideo: false } });
      keepPlaying(t, client, toneSource(hz));
    }
    await both;
    await heard.hear(300, (one) => one.peak === 0);
    const [low, high] = [streams.get('low')!, streams.get('high')!];
    await cid.subscribe(low);
    await heard.hear(200, (one) => one.amplitude(440) > 7000 && one.amplitude(1200) < 300);
    await cid.subscribe(high, { settings: { subscribeToAudio: false } });
    await heard.hear(200, (one) => one.amplitude(440) > 7000 && one.amplitude(1200) < 300);
    await cid.unsubscribe(high);
    await cid.subscribe(high);
    await heard.hear(200, (one) => one.amplitude(440) > 7000 && one.amplitude(1200) > 7000);
    await cid.unsubscribe(low);
    await heard.hear(200, (one) => one.amplitude(440) < 300 && one.amplitude(1200) > 7000);
    await cid.unsubscribe(high);
    await heard.hear(200, (one) => one.peak === 0);
    t.pass('each as it should be');
  });
});

t.test('the buffers of a client', async (t) => {
  await t.test('are counted at once, cleared at once, and told of when they run dry', async (t) => {
    const join = await vonageRoom(t);
    let drained = 0;
    let dry = (): void => undefined;
    let wait: Promise<void>;
    const { client: ann } = await join('ann', {
      sessionSettings: { av: { audioPublisher: { sampleRate: 16_000, channels: 1 }, videoPublisher: SMALL } },
      onMediaBufferDrained: (stats) => {
        drained++;
        t.equal(stats.audio?.durationMs, 0);
        dry();
      },
    });
    t.strictSame(ann.getMediaBufferStats(), {});
    t.equal(ann.clearMediaBuffers(), false, 'nothing is published');
    const next = toneSource(440, { sampleRate: 16_000, channels: 1 });
    t.equal(ann.addAudio(next()), false);
    await ann.publish({ settings: { name: 'Bot' } });
    t.strictSame(ann.getMediaBufferStats(), { audio: { durationMs: 0 }, video: { durationMs: 0 } });
    t.equal(ann.addAudio(next(5000)), true, 'any number of frames');
    t.equal(ann.addVideo(halves(50, 50)), true);
    t.match(ann.getMediaBufferStats(), { audio: { durationMs: 5000 }, video: { durationMs: 50 } });
    t.equal(ann.clearMediaBuffers(), true);
    t.equal(ann.getMediaBufferStats().audio?.durationMs, 0);
    for (let round = 0; round < 2; round++) {
      const before = drained;
      wait = new Promise<void>((resolve) => (dry = resolve));
      ann.addAudio(next(100));
      await wait;
      t.equal(drained, before + 1);
    }
    let taken = 0;
    while (ann.addVideo(halves(50, 50))) taken++;
    t.equal(taken, 20, 'a second of pictures, then no more');
    while (ann.addAudio(next(10_000))) taken++;
    t.equal(taken, 26, 'a minute of sound, then no more');
    t.ok(ann.getMediaBufferStats().audio!.durationMs <= 60_000);
  });
});
