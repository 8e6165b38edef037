import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import t from 'tap';
import { createVideoDecoder } from '../../src/codecs/video-decoder.js';
import { PUBLISHER_LEVELS } from '../../src/engine/port.js';
import { RtpPacket } from '../../src/engine/rtp/packet.js';
import { Vp8Descriptor } from '../../src/engine/rtp/vp8.js';
import { planTemporalLayers } from '../../src/engine/video/layer-plan.js';
import { VideoSender, type VideoSenderOptions } from '../../src/engine/video/video-sender.js';
import { VirtualClock } from '../../src/media/clock.js';
import { drawPattern, readPattern } from '../../src/media/pattern.js';
import { type SentPacket, captured, pictures } from './capture.js';

const WIDTH = 384;
const HEIGHT = 256;
const FPS = 25;

/** A sender of pictures with numbers; `play` writes some at their pace and waits for the codec thread. */
function setUp(more: Partial<VideoSenderOptions> = {}) {
  const clock = new VirtualClock();
  const { capture, stream } = captured(clock, 'video');
  const sender = new VideoSender({
    codec: 'vp8',
    width: WIDTH,
    height: HEIGHT,
    fps: FPS,
    levels: new BigInt64Array(new SharedArrayBuffer(8 * PUBLISHER_LEVELS.length)),
    clock,
    onDrained: () => undefined,
    onConsumed: () => undefined,
    onKeyFrameRequested: () => undefined,
    onError: (error) => t.fail(String(error)),
    ...more,
  });
  t.teardown(() => {
    sender.close();
  });
  let written = 0;
  let expected = 0;
  /** Waits until a picture has gone out, or was left out. */
  const settle = async (): Promise<void> => {
    expected++;
    while (sender.framesSent + sender.framesLeftOut < expected) await wait(1);
  };
  /** The time stamp of the next picture, which is now. */
  const next = (): number => {
    clock.advance(1000 / FPS);
    return (++written * 1_000_000) / FPS;
  };
  const play = async (count: number, act: (number: number) => void = () => undefined): Promise<void> => {
    for (let i = 0; i < count; i++) {
      const timestamp = next();
      act(written);
      const data = drawPattern(written, WIDTH, HEIGHT);
      sender.write({ kind: 'video', data, width: WIDTH, height: HEIGHT, format: 'YUV420P', timestamp });
      await settle();
    }
  };
  /** Writes pictures that are encoded already, the first of them a key frame. */
  const pass = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      const data = new Uint8Array(1500).fill(1).fill(i === 0 ? 0 : 1, 0, 1);
      const type = i === 0 ? 'key' : 'delta';
      sender.write({ kind: 'encoded-video', codec: 'vp8', type, data, timestamp: next(), duration: 40_000 });
      await settle();
    }
  };
  /** Begins with a black picture, or with one that is encoded already. */
  const start = async (first: 'black' | 'encoded' = 'black'): Promise<void> => {
    sender.attach([stream]);
    if (first === 'black') clock.advance(0);
    await (first === 'black' ? settle() : pass(1));
  };
  return { capture, sender, start, play, pass };
}

interface LayeredPacket extends SentPacket {
  readonly vp8: Vp8Descriptor;
}

function withDescriptors(packets: readonly SentPacket[]): LayeredPacket[] {
  return packets.map((sent) => {
    const packet = new RtpPacket();
    const vp8 = new Vp8Descriptor();
    assert.ok(packet.parse(sent.buffer) && vp8.parse(sent.buffer, packet.payloadOffset, packet.payloadLength));
    return { ...sent, vp8 };
  });
}

/** The descriptors of the pictures, one each. */
function descriptors(packets: readonly LayeredPacket[]): Vp8Descriptor[] {
  return packets.filter(({ vp8 }) => vp8.frameStart).map(({ vp8 }) => vp8);
}

/** The numbers that are seen with the layers up to `limit`, and the ones that are in them, by time. */
async function seen(packets: readonly LayeredPacket[], limit: number): Promise<{ seen: unknown[]; sent: unknown[] }> {
  // As a forwarder sends it on: without gaps in the sequence numbers.
  const kept = packets.filter(({ vp8 }) => vp8.temporalId <= limit).map((one, sequence) => ({ ...one, sequence }));
  const decoder = await createVideoDecoder({ codec: 'vp8' });
  const numbers = pictures(kept, 'vp8').map((chunk) => {
    const frame = decoder.decode(chunk);
    return frame && readPattern(frame);
  });
  decoder.close();
  const times = kept.filter(({ vp8 }) => vp8.frameStart).map(({ rtp }) => rtp);
  const [first = 0] = times;
  return { seen: numbers.slice(1), sent: times.slice(1).map((rtp) => Math.round(((rtp - first) * FPS) / 90_000)) };
}

t.test('whose pictures are in temporal layers: VP8 that is fast enough', (t) => {
  t.equal(planTemporalLayers('vp8', 30), 'L1T3');
  t.equal(planTemporalLayers('vp8', 15), 'L1T3');
  t.equal(planTemporalLayers('vp8', 10), 'L1T1', 'a quarter of those would be stills');
  t.equal(planTemporalLayers('h264', 30), 'L1T1');
  t.end();
});

t.test('each temporal layer shows its pictures without those above it', async (t) => {
  const { capture, sender, start, play } = setUp();
  await start();
  await play(40, (number) => {
    if (number === 18) sender.requestKeyFrame();
  });
  t.equal(sender.scalabilityMode, 'L1T3');
  const packets = withDescriptors(capture.take());
  for (const [limit, count] of [
    [0, 11],
    [1, 21],
    [2, 41],
  ] as const) {
    const { seen: shown, sent } = await seen(packets, limit);
    t.same(shown, sent, `up to layer ${limit}`);
    t.ok(Math.abs(shown.length + 1 - count) <= 1, `${shown.length + 1} of 41 pictures`);
  }
});

t.test('through fewer bits, fewer pictures and other encoders the numbering goes on', async (t) => {
  const { capture, sender, start, play } = setUp();
  await start();
  // To half the pictures, to smaller ones, and back; each opens another encoder.
  for (const [count, bps] of [
    [30, 400_000],
    [40, 60_000],
    [40, 20_000],
    [110, 400_000],
  ] as const) {
    await play(count, () => {
      sender.setBudget(bps);
    });
  }
  const packets = withDescriptors(capture.take());
  const all = descriptors(packets);
  const keys = pictures(packets, 'vp8').filter(({ type }) => type === 'key').length;
  t.ok(keys >= 4, `${keys} key frames`);
  t.ok(sender.framesLeftOut > 20, `${sender.framesLeftOut} pictures were left out`);
  t.same(
    all.map(({ pictureId, tl0PictureIndex }) => [pictureId, tl0PictureIndex]),
    all.map((_, index) => [index, all.slice(0, index + 1).filter(({ temporalId }) => temporalId === 0).length]),
    'no gaps',
  );
  for (const limit of [0, 1, 2]) {
    const { seen: shown, sent } = await seen(packets, limit);
    t.same(shown, sent, `up to layer ${limit}`);
  }
});

t.test('slow pictures, and those that the writer encodes, are not in layers', async (t) => {
  const slow = setUp({ fps: 10 });
  await slow.start();
  await slow.play(4);
  t.equal(slow.sender.scalabilityMode, 'L1T1');
  t.ok(withDescriptors(slow.capture.take()).every(({ vp8 }) => vp8.length === 4 && vp8.temporalId === -1));
  const { capture, start, play, pass } = setUp();
  await start('encoded');
  await pass(3);
  t.same(lengths(capture.take()), [4, 4, 4, 4]);
  await play(4);
  await pass(3);
  const after = descriptors(withDescriptors(capture.take()));
  t.same(
    after.map(({ temporalId }) => temporalId),
    [0, 2, 1, 2, 0, 0, 0],
    'what is passed through after them is all of the base',
  );
  t.same(
    after.map(({ tl0PictureIndex }) => tl0PictureIndex),
    [1, 1, 1, 1, 2, 3, 4],
  );
});

/** Of the descriptors of the pictures, in bytes. */
function lengths(packets: readonly SentPacket[]): number[] {
  return descriptors(withDescriptors(packets)).map(({ length }) => length);
}
