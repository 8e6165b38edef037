import { once } from 'node:events';
import { Readable } from 'node:stream';
import { type AudioData, type Stream, audioData } from '../../../src/index.js';
import { sine } from '../../codecs/tones.js';
import { endlessTone, hears, listen, streamNamed } from '../live-room.js';
import { run } from './content.js';
import { onEveryBackend, onEveryServer } from './servers.js';

onEveryBackend('audio', async (t, lab) => {
  await t.test('is heard in stereo, left and right apart', async (t) => {
    const room = lab.room(t);
    const [ann, bob] = [await room.join('ann'), await room.join('bob')];
    run(endlessTone([440, 1000]), await ann.publish({ name: 'Tones', hasVideo: false }));
    const subscriber = await bob.subscribe(await streamNamed(bob, 'Tones'), { subscribeToVideo: false });
    const heard = await listen(
      subscriber,
      400,
      ({ amplitude }) => amplitude(440, 0) > 6000 && amplitude(1000, 1) > 6000,
    );
    for (const [frequency, side] of [
      [440, 0],
      [1000, 1],
    ] as const) {
      const [here, there] = [heard.amplitude(frequency, side), heard.amplitude(frequency, 1 - side)];
      t.ok(here > 6000 && here > 1.5 * there, `${frequency} Hz: ${here} here, ${there} on the other side`);
    }
  });

  await t.test('is heard in mono, in the format that the session asks for', async (t) => {
    const room = lab.room(t);
    const [sent, heard] = [
      { sampleRate: 16_000, numberOfChannels: 1 },
      { sampleRate: 24_000, numberOfChannels: 1 },
    ] as const;
    const ann = await room.join('ann', { settings: { av: { audioPublisher: sent } } });
    const bob = await room.join('bob', { settings: { av: { audioSubscribersMix: heard } } });
    const audioSettings = { enableStereoMode: false };
    run(endlessMono(700), await ann.publish({ name: 'Mono', hasVideo: false, audioSettings }));
    const subscriber = await bob.subscribe(await streamNamed(bob, 'Mono'), { subscribeToVideo: false });
    const [chunk] = (await once(subscriber.audio, 'data')) as [AudioData];
    t.match(chunk, { ...heard, numberOfFrames: 480 });
    t.ok(await hears(subscriber.audio, 700));
  });

  await t.test('of several is mixed, without one’s own', async (t) => {
    const room = lab.room(t);
    const sessions = [await room.join('ann'), await room.join('bob'), await room.join('cid')] as const;
    for (const [i, hz] of [440, 700, 1200].entries()) {
      run(endlessTone(hz), await sessions[i]!.publish({ name: `Tone ${i}`, hasVideo: false }));
    }
    const cid = sessions[2];
    await Promise.all([streamNamed(cid, 'Tone 0'), streamNamed(cid, 'Tone 1')]);
    const heard = await listen(cid, 300, ({ amplitude }) => amplitude(440) > 5000 && amplitude(700) > 5000);
    t.ok(heard.amplitude(440) > 5000 && heard.amplitude(700) > 5000);
    t.ok(heard.amplitude(1200) < 300, `${heard.amplitude(1200)} of what it sends itself`);
  });

  await t.test(
    'is heard again after it was unpublished and published anew, and after it was unsubscribed from',
    async (t) => {
      const room = lab.room(t);
      const [ann, bob] = [await room.join('ann'), await room.join('bob')];
      run(endlessTone(440), await ann.publish({ name: 'First', hasVideo: false }));
      const first = await streamNamed(bob, 'First');
      t.ok(await hears(await bob.subscribe(first), 440));
      bob.unsubscribe(first);
      const again = await bob.subscribe(first);
      t.ok(await hears(again, 440), 'subscribed again');
      const dropped = once(bob, 'streamDropped');
      await ann.unpublish();
      t.strictSame(await dropped, [first]);
      t.equal(again.readableEnded || (await ends(again)), true, 'the reader ends with its stream');
      run(endlessTone(900), await ann.publish({ name: 'First', hasVideo: false }));
      const second = await streamNamed(bob, 'First');
      t.ok(await hears(await bob.subscribe(second), 900), 'published again, under the same name');
    },
  );
});

onEveryServer('audio of one participant', async (t, lab) => {
  await t.test('in two streams is heard apart', async (t) => {
    const room = lab.room(t);
    const [ann, bob] = [await room.join('ann'), await room.join('bob')];
    const [low, high] = await Promise.all([
      ann.publish({ name: 'Low', hasVideo: false }),
      ann.publish({ name: 'High', hasVideo: false }),
    ]);
    run(endlessTone(400), low);
    run(endlessTone(1500), high);
    for (const [name, hz, other] of [
      ['Low', 400, 1500],
      ['High', 1500, 400],
    ] as const) {
      const stream = await streamNamed(bob, name);
      const subscriber = await bob.subscribe(stream, { subscribeToVideo: false });
      const heard = await listen(subscriber, 200, ({ amplitude }) => amplitude(hz) > 7000);
      t.ok(heard.amplitude(hz) > 7000 && heard.amplitude(other) < 300, `${name} is ${hz} Hz`);
      t.equal(stream.connectionId, ann.connection.connectionId);
    }
    await ann.unpublish(low);
    while (bob.streams.has(low.streamId)) await once(bob, 'streamDropped');
    t.ok(bob.streams.has(high.streamId), 'one may end without the other');
  });

  await t.test('that is loud makes its stream the current speaker, until it is silent', async (t) => {
    const room = lab.room(t);
    const [ann, bob] = [await room.join('ann'), await room.join('bob')];
    const publisher = await ann.publish({ hasVideo: false });
    // A server need not tell of speakers to those who do not listen to them.
    (await bob.subscribe(await streamNamed(bob, 'ann'))).resume();
    const spoke = once(bob, 'speakerChanged');
    const tone = endlessTone(440);
    run(tone, publisher);
    const [stream] = (await spoke) as [Stream | undefined];
    t.match(stream, { streamId: publisher.streamId });
    t.equal(bob.currentSpeaker, stream);
    const silent = once(bob, 'speakerChanged');
    tone.unpipe(publisher);
    tone.destroy();
    publisher.clear();
    t.strictSame(await silent, [undefined]);
  });
});

/** 16 kHz, one channel. */
function endlessMono(hz: number): Readable {
  let frame = 0;
  return new Readable({
    objectMode: true,
    highWaterMark: 1,
    read() {
      this.push(audioData(sine([hz], 16_000, 320, 10_000, frame), 16_000, 1, (frame * 1_000_000) / 16_000));
      frame += 320;
    },
  });
}

async function ends(readable: NodeJS.ReadableStream): Promise<true> {
  const ended = once(readable, 'end');
  readable.resume();
  await ended;
  return true;
}
