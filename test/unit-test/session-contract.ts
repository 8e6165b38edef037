import { once } from 'node:events';
import t, { type Test } from 'tap';
import { createOpusDecoder } from '../../src/codecs/opus.js';
import type { EncodedAudioChunk, EncodedVideoChunk, Session, Subscriber } from '../../src/index.js';
import { concat, toneAmplitude } from '../codecs/tones.js';
import {
  SMALL_VIDEO,
  endlessHalves,
  endlessNumbers,
  run,
  see,
  seeEvery,
  streamWith,
} from '../session/conformance/content.js';
import { endlessPackets, endlessTone, hears, listen, newRoom, streamNamed } from '../session/live-room.js';
import { scriptedRoom } from './scripted-room.js';

type Join = (name: string, options?: object) => Promise<Session>;

/** What holds of a session on a server holds of a scripted one: each test runs on both. */
function onBoth(name: string, test: (t: Test, join: Join) => Promise<void>): void {
  t.test(`on a server: ${name}`, { timeout: 60_000 }, async (t) => {
    const join = newRoom();
    await test(t, async (who, options) => {
      const session = await join(who, options);
      t.teardown(() => session.disconnect());
      return session;
    });
  });
  t.test(`scripted: ${name}`, { timeout: 60_000 }, async (t) => {
    await test(t, scriptedRoom(t));
  });
}

const NUMBERS = { resolution: { width: 192, height: 128 }, fps: 20 } as const;

onBoth('sound is heard by others, raw in the format asked for', async (t, join) => {
  const [ann, bob] = [await join('ann'), await join('bob')];
  run(endlessTone(440), await ann.publish({ hasVideo: false }));
  const stream = await streamNamed(bob, 'ann');
  t.match(stream, { hasAudio: true, hasVideo: false, connectionId: ann.connection.connectionId });
  t.ok(await hears(await bob.subscribe(stream), 440));
  const narrow = await bob.subscribe(stream, { audioFormat: { sampleRate: 16_000, numberOfChannels: 1 } });
  t.ok(await hears(narrow.audio, 440));
});

onBoth('sound can be had encoded, and decodes to what was said', async (t, join) => {
  const [ann, bob] = [await join('ann'), await join('bob')];
  run(endlessTone(660), await ann.publish({ hasVideo: false }));
  const subscriber = await bob.subscribe(await streamNamed(bob, 'ann'), { encoded: true });
  const decoder = await createOpusDecoder({ sampleRate: 48_000, numberOfChannels: 1 });
  for (let i = 0; i < 20; i++) {
    const chunks = await take<EncodedAudioChunk>(subscriber, 15);
    for (const chunk of chunks) t.match(chunk, { kind: 'encoded-audio', codec: 'opus', duration: 20_000 });
    const heard = concat(chunks.map(({ data }) => decoder.decode(data)));
    if (toneAmplitude(heard.subarray(-4800), 660, 48_000) > 7000) return;
  }
  t.fail('660 Hz were never heard');
});

onBoth('pictures are seen by others, raw and encoded, the first encoded one by itself', async (t, join) => {
  const [ann, bob] = [await join('ann', { settings: { av: { videoPublisher: NUMBERS } } }), await join('bob')];
  run(endlessNumbers(NUMBERS), await ann.publish({ hasAudio: false }));
  const stream = await streamNamed(bob, 'ann');
  await seeEvery(1, await bob.subscribe(stream, { subscribeToAudio: false }));
  const encoded = await bob.subscribe(stream, { subscribeToAudio: false, encoded: true });
  const chunks = await take<EncodedVideoChunk>(encoded, 5);
  t.match(chunks[0], { kind: 'encoded-video', codec: 'vp8', type: 'key' });
});

onBoth('a picture that can be decoded by itself comes when it is asked for', async (t, join) => {
  const [ann, bob] = [await join('ann', { settings: SMALL_VIDEO }), await join('bob')];
  run(endlessHalves(60, 190), await ann.publish({ hasAudio: false }));
  const subscriber = await bob.subscribe(await streamNamed(bob, 'ann'), { subscribeToAudio: false, encoded: true });
  await take(subscriber, 8);
  subscriber.requestKeyFrame();
  let type = 'delta';
  for (let i = 0; i < 100 && type !== 'key'; i++) type = (await take<EncodedVideoChunk>(subscriber, 1))[0]?.type ?? '';
  t.equal(type, 'key');
});

onBoth('encoded pictures pass as they are, and who writes them is asked for a key frame', async (t, join) => {
  const [ann, bob, eve] = [await join('ann', { settings: SMALL_VIDEO }), await join('bob'), await join('eve')];
  run(endlessHalves(60, 190), await ann.publish({ name: 'raw', hasAudio: false }));
  const relayed = await eve.subscribe(await streamNamed(eve, 'raw'), { subscribeToAudio: false, encoded: true });
  const publisher = await eve.publish({ name: 'relayed', hasAudio: false });
  relayed.pipe(publisher);
  const seen = await see(await bob.subscribe(await streamNamed(bob, 'relayed'), { subscribeToAudio: false }), 60, 190);
  t.equal(seen.width, 160);
  const asked = once(publisher, 'keyFrameRequested');
  await take(await bob.subscribe(await streamNamed(bob, 'relayed'), { subscribeToAudio: false, encoded: true }), 1);
  await asked;
});

onBoth('streams and participants come and go, and readers end with them', async (t, join) => {
  const [ann, bob] = [await join('ann'), await join('bob')];
  const publisher = await ann.publish({ name: 'Show', hasVideo: false });
  const tone = endlessTone(440);
  run(tone, publisher);
  const stream = await streamNamed(bob, 'Show');
  const subscriber = await bob.subscribe(stream);
  t.ok(await hears(subscriber, 440));
  const dropped = once(bob, 'streamDropped');
  const ended = once(subscriber, 'end');
  subscriber.resume();
  await ann.unpublish(publisher);
  t.equal((await dropped)[0], stream);
  await ended;
  t.equal(bob.streams.size, 0);
  const gone = once(bob, 'connectionDropped');
  await ann.disconnect();
  t.match((await gone)[0], { name: 'ann', connectionId: ann.connection.connectionId });
  await t.rejects(bob.subscribe(stream), { code: 'SLUICE_STREAM_UNKNOWN' });
});

onBoth('captions come as they were written', async (t, join) => {
  const [ann, bob] = [await join('ann'), await join('bob')];
  const publisher = await ann.publish({ hasVideo: false, enableCaptions: true });
  const stream = await streamNamed(bob, 'ann');
  const { captions } = await bob.subscribe(stream, { subscribeToCaptions: true });
  captions.resume();
  // What is written before the reader is there does not reach it.
  await new Promise((resolve) => setImmediate(resolve));
  await bob.stats();
  const texts: [string, boolean][] = [];
  const all = new Promise<void>((resolve) => {
    captions.on('data', ({ text, isFinal }: { text: string; isFinal: boolean }) => {
      texts.push([text, isFinal]);
      if (texts.length === 2) resolve();
    });
  });
  publisher.captions.write({ kind: 'captions', text: 'Good', isFinal: false });
  publisher.captions.write({ kind: 'captions', text: 'Good morning.', isFinal: true });
  await all;
  t.strictSame(texts, [
    ['Good', false],
    ['Good morning.', true],
  ]);
});

onBoth('a reader that is too slow loses the oldest, and is told how much', async (t, join) => {
  const [ann, bob] = [await join('ann'), await join('bob')];
  run(endlessTone(440), await ann.publish({ hasVideo: false }));
  const subscriber = await bob.subscribe(await streamNamed(bob, 'ann'), { maxLagMs: 100 });
  await take(subscriber, 1);
  const [{ kind, values }] = (await once(subscriber, 'overflow')) as [{ kind: string; values: number }];
  t.equal(kind, 'audio');
  t.ok(values >= 1);
  const { received = 0, delivered = 0, dropped = 0, held = 0 } = subscriber.stats.audio ?? {};
  t.ok(dropped >= values);
  t.equal(received, delivered + dropped + held);
});

onBoth('the mix has everybody else in it, and oneself not', async (t, join) => {
  const [ann, bob, eve] = [await join('ann'), await join('bob'), await join('eve')];
  run(endlessTone(440), await ann.publish({ hasVideo: false }));
  run(endlessTone(660), await bob.publish({ hasVideo: false }));
  run(endlessTone(880), await eve.publish({ hasVideo: false }));
  const clear = ({ amplitude }: Awaited<ReturnType<typeof listen>>): boolean =>
    amplitude(440) > 6000 && amplitude(660) > 6000 && amplitude(880) < 500;
  t.ok(clear(await listen(eve, 300, clear)));
});

onBoth('muting is told to others', async (t, join) => {
  const [ann, bob] = [await join('ann'), await join('bob')];
  const publisher = await ann.publish({ name: 'Show', hasVideo: false });
  await streamWith(bob, 'Show', { hasAudio: true });
  publisher.publishAudio(false);
  await streamWith(bob, 'Show', { hasAudio: false });
  publisher.publishAudio(true);
  t.ok(await streamWith(bob, 'Show', { hasAudio: true }));
});

onBoth('a writer is held back by media time, and told when all has gone', async (t, join) => {
  const ann = await join('ann');
  const publisher = await ann.publish({ hasVideo: false, highWaterMarkMs: 200 });
  const tone = endlessTone(440);
  let written = 0;
  const drained = once(publisher, 'mediaBufferDrained');
  while (publisher.write(tone.read())) written++;
  t.ok(written >= 8 && written <= 60, `${written * 20} ms were taken at once`);
  await once(publisher, 'drain');
  await drained;
  t.equal(publisher.stats.audio?.durationMs, 0);
  publisher.end(tone.read());
  await once(publisher, 'close');
});

onBoth('what a participant says of itself is seen by others, and by itself', async (t, join) => {
  const [ann, bob] = [await join('ann'), await join('bob')];
  await ann.publish({ hasVideo: false });
  const stream = await streamNamed(bob, 'ann');
  const seen = once(bob, 'connectionUpdated');
  const own = once(ann, 'connectionUpdated');
  await ann.setAttributes({ 'lk.agent.state': 'speaking', mood: '' });
  const { connectionId } = ann.connection;
  for (const told of [await seen, await own])
    t.match(told, [{ connectionId, attributes: { 'lk.agent.state': 'speaking' } }]);
  t.strictSame(ann.connection.attributes, { 'lk.agent.state': 'speaking' });
  t.strictSame(stream.connection.attributes, { 'lk.agent.state': 'speaking' });
});

onBoth('nothing can be asked of a session that was left', async (t, join) => {
  const ann = await join('ann');
  run(endlessPackets(), await ann.publish({ hasVideo: false }));
  await ann.disconnect();
  await t.rejects(ann.publish(), { code: 'SLUICE_SESSION_CLOSED' });
  t.throws(() => ann.mix(), { code: 'SLUICE_SESSION_CLOSED' });
});

async function take<T>(subscriber: Subscriber, count: number): Promise<T[]> {
  const values: T[] = [];
  for await (const value of subscriber.iterator({ destroyOnReturn: false }) as AsyncIterable<T>) {
    values.push(value);
    if (values.length === count) return values;
  }
  throw new Error(`it ended after ${values.length} values`);
}
