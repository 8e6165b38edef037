import t from 'tap';
import { PUBLISHER_LEVELS } from '../../src/engine/port.js';
import { getEngine } from '../../src/engine/thread.js';
import { createToken } from '../../src/server/index.js';
import type { EncodedAudioChunk } from '../../src/media/encoded-chunk.js';
import { endlessPackets, liveServer, newRoom, numberOf, streamNamed } from './live-room.js';

t.test('media may follow the call that opens its publisher, before that is answered', async (t) => {
  const join = newRoom();
  const bob = await join('bob');
  const { url } = await liveServer();
  const engine = getEngine();
  const [session, publisher, closed] = [engine.nextId(), engine.nextId(), engine.nextId()];
  const { sessionId } = bob;
  const token = await createToken({ apiKey: 'devkey', apiSecret: 'secret', identity: 'early', sessionId });
  await engine.call('connect', { session, url, token, timeoutMs: 10_000 });
  const levels = new SharedArrayBuffer(PUBLISHER_LEVELS.length * BigInt64Array.BYTES_PER_ELEMENT);
  const settings = {
    session,
    hasAudio: true,
    hasVideo: false,
    audio: { sampleRate: 48_000, numberOfChannels: 2 },
    stereo: true,
    dtx: false,
    videoCodec: 'vp8',
    width: 640,
    height: 480,
    fps: 30,
    silenceToleranceMs: 200,
    levels,
  } as const;
  const read = streamNamed(bob, 'Early').then(async (stream) => {
    const subscriber = await bob.subscribe(stream, { encoded: true, subscribeToVideo: false });
    const numbers: number[] = [];
    for await (const chunk of subscriber as AsyncIterable<EncodedAudioChunk>) {
      if (chunk.data.length === 40 && numbers.push(numberOf(chunk)) === 5) break;
    }
    return numbers;
  });

  const opened = engine.call('publisherOpen', { ...settings, publisher, name: 'Early' });
  const packets = endlessPackets();
  const write = (): void => {
    const value = packets.read() as EncodedAudioChunk;
    engine.post('write', { publisher, value }, value.data.buffer);
  };
  for (let i = 0; i < 3; i++) write();
  engine.post('clear', { publisher, kind: 'audio' });
  for (let i = 3; i < 103; i++) write();
  await opened;
  const [first, ...others] = await read;
  // Those before it may have left before anybody read.
  t.ok(first! >= 3 && first! < 50, `${first} is the first that is heard`);
  t.strictSame(
    others,
    others.map((_, i) => first! + i + 1),
  );
  await engine.call('publisherDrain', { publisher, kind: 'audio' });
  const consumedUs = Number(Atomics.load(new BigInt64Array(levels), PUBLISHER_LEVELS.audioConsumedUs));
  t.equal(consumedUs, 103 * 20_000, 'all that was written has left, or was cleared');

  const never = engine.call('publisherOpen', { ...settings, publisher: closed, name: 'Never' });
  await engine.call('publisherClose', { publisher: closed });
  await t.rejects(never, { code: 'SLUICE_STATE_INVALID' }, 'one that is closed before it is open never opens');
  await engine.call('disconnect', { session });
  await bob.disconnect();
});
