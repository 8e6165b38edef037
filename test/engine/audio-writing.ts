import t from 'tap';
import { AudioSender } from '../../src/engine/audio/audio-sender.js';
import { PUBLISHER_LEVELS } from '../../src/engine/port.js';
import { SendBeat } from '../../src/engine/audio/send-beat.js';
import { AudioRing, audioRingMemory } from '../../src/media/audio-ring.js';
import { VirtualClock } from '../../src/media/clock.js';
import type { EncodedAudioChunk } from '../../src/media/encoded-chunk.js';
import { sine } from '../codecs/tones.js';
import { captured } from './capture.js';

t.test('what comes through shared memory keeps its place among what is told', async (t) => {
  const clock = new VirtualClock();
  const { capture, stream } = captured(clock, 'audio');
  const memory = audioRingMemory(48_000);
  const levels = new BigInt64Array(new SharedArrayBuffer(8 * PUBLISHER_LEVELS.length));
  const sender = await AudioSender.open({
    format: { sampleRate: 48_000, numberOfChannels: 2 },
    stereo: true,
    dtx: false,
    silenceToleranceMs: 200,
    levels,
    clock,
    ring: new AudioRing(memory),
    onDrained: () => undefined,
    onConsumed: () => undefined,
    onError: (error) => t.fail(String(error)),
  });
  new SendBeat(clock, (error) => t.fail(String(error))).add(sender);
  sender.attach(stream);
  const consumedUs = (): number => Number(levels[PUBLISHER_LEVELS.audioConsumedUs]);
  const packet: EncodedAudioChunk = {
    kind: 'encoded-audio',
    codec: 'opus',
    data: new Uint8Array(60).fill(7),
    timestamp: 0,
    duration: 20_000,
  };
  const period = sine([400, 400], 48_000, 960, 10_000);
  const ring = new AudioRing(memory);
  // As the main thread writes them; of the calls, only the first has come yet.
  ring.write(period, 0, 0, 0);
  ring.write(period, 20_000, 0, 1);
  ring.write(period, 40_000, 0, 2);
  sender.write(packet);
  clock.advance(20);
  t.equal(sender.heldUs, 40_000, 'one before the call, the call, one after it; a beat sends one of them');
  clock.advance(60);
  t.equal(consumedUs(), 60_000, 'what was written after the second call waits for it');
  t.same(
    capture.sent.map(({ payload }) => payload[0] === 7),
    [false, true, false],
  );
  ring.write(period, 60_000, clock.nowUs(), 2);
  sender.clear();
  t.equal(consumedUs(), 60_000, 'nothing that was written before it was left');
  const drained = sender.drained();
  t.equal(sender.heldUs, 40_000, 'both that follow it');
  clock.advance(100);
  await drained;
  t.equal(consumedUs(), 100_000);
  sender.close();
});
