import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { RoomServiceClient } from 'livekit-server-sdk';
import t, { type Test } from 'tap';
import {
  type AudioData,
  type ConnectOptions,
  type Session,
  type VideoFrame,
  connect,
  createToken,
  vonageDriver,
} from '../../src/index.js';
import { SMALL_VIDEO, endlessHalves, run, see, seeWidth } from './conformance/content.js';
import { endlessTone, hears, isLoud, liveServer, streamNamed } from './live-room.js';

const LARGE = { resolution: { width: 640, height: 360 }, fps: 15 } as const;

let rooms = 0;

/** Joins one session of the embedded server through the driver, over sluice's own client of the same API. */
function vonageRoom(t: Test): (name: string, options?: ConnectOptions) => Promise<Session> {
  const sessionId = `vonage-driver-${++rooms}`;
  const driver = vonageDriver({ applicationId: 'an-application', load: () => import('../../src/vonage.js') });
  t.teardown(() => Reflect.deleteProperty(process.env, 'SLUICE_URL'));
  return async (name, options = {}) => {
    process.env['SLUICE_URL'] = (await liveServer()).url;
    const token = await tokenOf(sessionId, name);
    const session = await connect({ driver, sessionId, token, ...options });
    t.teardown(() => session.disconnect());
    return session;
  };
}

function tokenOf(sessionId: string, identity: string): Promise<string> {
  return createToken({ apiKey: 'devkey', apiSecret: 'secret', sessionId, identity, name: identity });
}

t.test('the driver for Vonage sessions', { timeout: 60_000 }, async (t) => {
  await t.test('says how to get its package where that is not installed', async (t) => {
    const driver = vonageDriver({ applicationId: 'an-application' });
    await t.rejects(connect({ driver, sessionId: 'demo', token: 'a token' }), {
      code: 'SLUICE_DRIVER_UNAVAILABLE',
      message: '@vonage/video-connector is not installed',
      mend: 'Run `npm install @vonage/video-connector`.',
    });
    await t.rejects(connect({ driver, sessionId: 'demo' }), { code: 'SLUICE_TOKEN_MISSING', mend: /SLUICE_TOKEN/ });
    const empty = vonageDriver({ applicationId: 'an-application', load: () => import('../../src/vonage.js') });
    await t.rejects(connect({ driver: empty, token: 'a token' }), {
      code: 'SLUICE_CONFIG_INVALID',
      message: /^sessionId: /,
    });
  });

  await t.test('gives up joining when it takes too long or is aborted, and tells what the client says', async (t) => {
    const join = vonageRoom(t);
    const never = {
      VonageVideoClient: class {
        connect = (): Promise<never> => new Promise<never>(() => undefined);
        disconnect = (): Promise<void> => Promise.resolve();
      },
    };
    const driver = vonageDriver({ applicationId: 'an-application', load: () => Promise.resolve(never as never) });
    const options = { driver, sessionId: 'demo', token: 'a token' };
    await t.rejects(connect({ ...options, timeoutMs: 30 }), { code: 'SLUICE_CONNECT_TIMEOUT' });
    const stop = new AbortController();
    const joining = connect({ ...options, signal: stop.signal });
    stop.abort(new Error('changed my mind'));
    await t.rejects(joining, { message: 'changed my mind' });
    await t.rejects(join('ann', { token: 'nonsense' }), { code: 'SLUICE_TOKEN_INVALID' });
  });

  await t.test('publishes again as soon as what was published is closed', async (t) => {
    const stream = (streamId: string) => ({
      streamId,
      connection: { connectionId: 'me', creationTime: new Date(), data: '' },
    });
    let count = 0;
    const quick = {
      VonageVideoClient: class {
        connect = () => Promise.resolve({ sessionId: 'demo' });
        disconnect = () => Promise.resolve();
        getConnection = () => stream('').connection;
        publish = () => Promise.resolve({ stream: stream(`stream ${++count}`) });
        // It tells of the end of a stream later, or never.
        unpublish = () => Promise.resolve();
        getMediaBufferStats = () => ({});
      },
    };
    const driver = vonageDriver({ applicationId: 'an-application', load: () => Promise.resolve(quick as never) });
    const session = await connect({ driver, sessionId: 'demo', token: 'a token' });
    t.teardown(() => session.disconnect());
    for (let i = 1; i <= 3; i++) {
      const publisher = await session.publish({ name: 'Bot' });
      t.equal(publisher.streamId, `stream ${i}`);
      await publisher.close();
    }
  });

  await t.test('keeps what the client has no room for, and sends all of it in order', async (t) => {
    const join = vonageRoom(t);
    const [ann, bob] = [await join('ann', { settings: SMALL_VIDEO }), await join('bob')];
    const publisher = await ann.publish({ name: 'Show', hasAudio: false, highWaterMarkMs: 5000 });
    const subscriber = await bob.subscribe(await streamNamed(bob, 'Show'), { subscribeToAudio: false });
    await once(subscriber, 'data');
    const greys: number[] = [];
    const last = new Promise<void>((resolve) => {
      subscriber.on('data', ({ data, width, height }: VideoFrame) => {
        const grey = Math.round((data[Math.floor(height / 2) * width + width / 4]! - 30) / 5);
        if (grey > 0 && grey !== greys.at(-1)) greys.push(grey);
        if (grey === 40) resolve();
      });
    });
    // Two seconds, of which the client takes one at a time.
    for (let i = 1; i <= 40; i++) publisher.write(endlessHalves(30 + 5 * i, 30).read());
    t.equal(publisher.stats.video!.durationMs, 2000);
    await last;
    t.ok(greys.length > 30, `${greys.length} of 40 pictures`);
    t.strictSame(
      greys,
      [...greys].sort((a, b) => a - b),
    );
  });

  await t.test('lets several readers share the one subscription that a client has to a stream', async (t) => {
    const join = vonageRoom(t);
    const [ann, bob] = [await join('ann', { settings: SMALL_VIDEO }), await join('bob')];
    const publisher = await ann.publish({ name: 'Show' });
    run(endlessTone(440), publisher.audio);
    run(endlessHalves(60, 190), publisher.video);
    const stream = await streamNamed(bob, 'Show');
    const listener = await bob.subscribe(stream, { subscribeToVideo: false });
    t.ok(await hears(listener, 440));
    const watcher = await bob.subscribe(stream, { subscribeToAudio: false });
    const both = await bob.subscribe(stream);
    await Promise.all([see(watcher, 60, 190), see(both.video, 60, 190), hears(both.audio, 440)]);
    both.close();
    watcher.close();
    t.ok(await hears(listener, 440), 'which is heard still when the others have gone');
    const again = await bob.subscribe(stream, { subscribeToAudio: false });
    await see(again, 60, 190);
  });

  await t.test('drops and counts what a slow reader does not take', async (t) => {
    const join = vonageRoom(t);
    const [ann, bob] = [await join('ann'), await join('bob')];
    run(endlessTone(440), await ann.publish({ name: 'Bot', hasVideo: false }));
    const settings = { subscribeToVideo: false, maxLagMs: 100 };
    const subscriber = await bob.subscribe(await streamNamed(bob, 'Bot'), settings);
    await once(subscriber, 'readable');
    const [overflow] = (await once(subscriber, 'overflow')) as [{ kind: string; values: number; durationMs: number }];
    t.match(overflow, { kind: 'audio', values: 1, durationMs: 20 });
    const { received, delivered, dropped, held } = subscriber.stats.audio!;
    t.equal(received, delivered + dropped + held);
  });

  await t.test('refuses what the package cannot do, and says what can be done instead', async (t) => {
    const join = vonageRoom(t);
    const ann = await join('ann');
    const refused = { code: 'SLUICE_PUBLISH_FAILED' };
    const audioFormat = { sampleRate: 16_000 } as const;
    await t.rejects(ann.publish({ audioFormat }), { ...refused, mend: /av\.audioPublisher/ });
    await t.rejects(ann.publish({ videoFormat: { fps: 5 } }), { ...refused, mend: /av\.videoPublisher/ });
    await t.rejects(ann.publish({ videoCodec: 'h264' }), refused);
    await t.rejects(ann.publish({ enableCaptions: true }), { ...refused, mend: /captions service/ });
    await t.rejects(ann.setAttributes({ state: 'idle' }), { ...refused, message: /has no attributes/ });
    const publisher = await ann.publish({ name: 'Bot', hasVideo: false });
    await t.rejects(ann.publish({ name: 'Another', hasVideo: false }), { ...refused, mend: /Unpublish/ });
    const bob = await join('bob');
    const stream = await streamNamed(bob, 'Bot');
    const notGiven = { code: 'SLUICE_SUBSCRIBE_FAILED' };
    await t.rejects(bob.subscribe(stream, { encoded: true }), notGiven);
    await t.rejects(bob.subscribe(stream, { audioFormat }), { ...notGiven, message: /48000 Hz, not of 16000 Hz/ });
    await t.rejects(bob.subscribe(stream, { pixelFormat: 'RGB24' }), notGiven);
    await t.rejects(bob.subscribe(stream, { maxResolution: { width: 160, height: 120 } }), notGiven);
    const mono = await bob.subscribe(stream, { audioFormat: { numberOfChannels: 1 }, subscribeToVideo: false });
    const [chunk] = (await once(mono, 'data')) as [AudioData];
    t.match(chunk, { sampleRate: 48_000, numberOfChannels: 1, numberOfFrames: 960 });
    const failed = once(publisher, 'error');
    const data = new Uint8Array(10);
    publisher.write({ kind: 'encoded-audio', codec: 'opus', data, timestamp: 0, duration: 20_000 });
    t.match(await failed, [{ code: 'SLUICE_FORMAT_MISMATCH', message: /raw media only/ }]);
  });

  await t.test('tells of a session that is lost, and ends all that belongs to it', async (t) => {
    const join = vonageRoom(t);
    const warned = once(process, 'warning');
    const [ann, bob] = [await join('ann'), await join('bob')];
    const publisher = await ann.publish({ name: 'Bot', hasVideo: false });
    await bob.publish({ name: 'Show', hasVideo: false });
    const subscriber = await ann.subscribe(await streamNamed(ann, 'Show'));
    subscriber.resume();
    const over = [once(ann, 'error'), once(publisher, 'streamDestroyed'), once(subscriber, 'disconnected')] as const;
    const service = new RoomServiceClient((await liveServer()).httpUrl, 'devkey', 'secret');
    await service.removeParticipant(ann.sessionId, 'ann');
    t.match(await over[0], [{ code: 'SLUICE_SESSION_LOST', message: /removed/ }]);
    await Promise.all(over);
    t.match(await warned, [{ message: /removed/ }]);
    await t.rejects(ann.publish(), { code: 'SLUICE_SESSION_CLOSED' });
  });

  await t.test('gives the captions of a stream, also to who looks at it only', async (t) => {
    const bob = await vonageRoom(t)('bob');
    const ann = await connect({ url: (await liveServer()).url, sessionId: bob.sessionId, name: 'ann' });
    t.teardown(() => ann.disconnect());
    const publisher = await ann.publish({ name: 'Talk', hasVideo: false, enableCaptions: true });
    const stream = await streamNamed(bob, 'Talk');
    const settings = { subscribeToAudio: false, subscribeToCaptions: true };
    const [one, other] = [await bob.subscribe(stream, settings), await bob.subscribe(stream, settings)];
    const came = [one, other].map((subscriber) => once(subscriber.captions, 'data'));
    publisher.captions.write({ kind: 'captions', text: 'Good evening', isFinal: true });
    for (const values of came) t.strictSame(await values, [{ kind: 'captions', text: 'Good evening', isFinal: true }]);
    const last = once(one.captions, 'end');
    await publisher.close();
    await last;
    t.match(one.stats.captions, { received: 1, delivered: 1, dropped: 0, held: 0 });
  });

  await t.test('sends silence and black while it is muted', async (t) => {
    const join = vonageRoom(t);
    const [ann, bob] = [await join('ann', { settings: SMALL_VIDEO }), await join('bob')];
    const publisher = await ann.publish({ name: 'Both' });
    run(endlessTone(440), publisher.audio);
    run(endlessHalves(60, 190), publisher.video);
    const subscriber = await bob.subscribe(await streamNamed(bob, 'Both'));
    t.ok(await hears(subscriber.audio, 440));
    await see(subscriber.video, 60, 190);
    publisher.publishVideo(false);
    await see(subscriber.video, 16, 16);
    t.ok(await hears(subscriber.audio, 440));
    publisher.publishAudio(false);
    for await (const chunk of subscriber.audio.iterator({ destroyOnReturn: false }) as AsyncIterable<AudioData>) {
      if (!isLoud(chunk)) break;
    }
    publisher.publishVideo(true);
    publisher.publishAudio(true);
    await Promise.all([see(subscriber.video, 60, 190), hears(subscriber.audio, 440)]);
  });

  await t.test('subscribes anew where a reader prefers something else', async (t) => {
    const bob = await vonageRoom(t)('bob');
    const ann = await connect({
      url: (await liveServer()).url,
      sessionId: bob.sessionId,
      settings: { av: { videoPublisher: LARGE } },
    });
    t.teardown(() => ann.disconnect());
    run(endlessHalves(60, 190, LARGE), await ann.publish({ name: 'Show', hasAudio: false }));
    const subscriber = await bob.subscribe(await streamNamed(bob, 'Show'), {
      subscribeToAudio: false,
      videoSettings: { preferredResolution: { width: 320, height: 180 } },
    });
    await seeWidth(subscriber, 320);
    subscriber.setPreferredResolution({ width: 640, height: 360 });
    await seeWidth(subscriber, 640);
    t.pass('the layer that is near to it');
  });

  await t.test('mixes what it is subscribed to, or everybody', async (t) => {
    const join = vonageRoom(t);
    const [ann, bob] = [await join('ann'), await join('bob')];
    run(endlessTone(440), await ann.publish({ name: 'Bot', hasVideo: false }));
    const stream = await streamNamed(bob, 'Bot');
    const subscribed = bob.mix(undefined, { onlySubscribed: true });
    const chunks: AudioData[] = [];
    subscribed.on('data', (audio: AudioData) => chunks.push(audio));
    while (chunks.length < 10) await turn();
    t.notOk(chunks.some(isLoud), 'nothing is subscribed to');
    const subscriber = await bob.subscribe(stream, { subscribeToVideo: false });
    while (!chunks.some(isLoud)) await turn();
    subscriber.close();
    t.ok(await hears(bob.mix(), 440));
    const [chunk] = (await once(bob.mix({ ptimeMs: 10 }), 'data')) as [AudioData];
    t.match(chunk, { numberOfFrames: 480, numberOfChannels: 2 });
  });
});
