import { setTimeout as wait } from 'node:timers/promises';
import { MessageChannel } from 'node:worker_threads';
import t, { type Test } from 'tap';
import { openVideoEncoder } from '../../src/codecs/codec-thread.js';
import { createOpusEncoder } from '../../src/codecs/opus.js';
import { AudioReceiver } from '../../src/engine/audio/audio-receiver.js';
import { BatchingPort } from '../../src/engine/batching-port.js';
import { type Emit, MediaReader } from '../../src/engine/media-reader.js';
import type { EngineEvents, FromEngine } from '../../src/engine/port.js';
import { StreamReader } from '../../src/engine/reader.js';
import { VideoReading } from '../../src/engine/video/video-reading.js';
import { VideoReceiver } from '../../src/engine/video/video-receiver.js';
import { VirtualClock } from '../../src/media/clock.js';
import type { AudioData } from '../../src/media/audio-data.js';
import { AudioRing, audioRingMemory } from '../../src/media/audio-ring.js';
import type { EncodedAudioChunk, EncodedVideoChunk } from '../../src/media/encoded-chunk.js';
import type { MediaValue } from '../../src/media/media-value.js';
import { drawPattern, readPattern } from '../../src/media/pattern.js';
import type { VideoFrame } from '../../src/media/video-frame.js';
import { channel, concat, sine, toneAmplitude } from '../codecs/tones.js';

const FRAME_US = 33_333;

function videoChunk(number: number, type: 'key' | 'delta' = 'delta'): EncodedVideoChunk {
  return {
    kind: 'encoded-video',
    codec: 'vp8',
    type,
    data: Buffer.allocUnsafeSlow(30).fill(number),
    timestamp: number * FRAME_US,
    duration: 0,
  };
}

function setUpVideo(maxLagMs: number, encoded: boolean) {
  const media: MediaValue[] = [];
  const lost = { values: 0, us: 0 };
  const requests: string[] = [];
  const reader = new MediaReader(1, 'video', maxLagMs, (name, args) => {
    if (name === 'media') media.push((args as EngineEvents['media']).value);
    else {
      lost.values += (args as EngineEvents['overflow']).values;
      lost.us += (args as EngineEvents['overflow']).durationUs;
    }
  });
  const clock = new VirtualClock();
  const source = new VideoReceiver({
    clock,
    roundTripUs: () => 0,
    requestPackets: () => undefined,
    requestKeyFrame: () => requests.push('key') > 0,
  });
  const reading = new VideoReading({
    clock,
    reader,
    encoded,
    pixelFormat: 'YUV420P',
    maxLagMs,
    onError: (error) => t.fail(String(error)),
  });
  reading.attach(source);
  const numbers = (): number[] => media.map(({ data }) => data[0]!);
  return { media, lost, requests, clock, reading, numbers };
}

t.test('encoded pictures begin with a key frame, and those before it are counted', (t) => {
  const { reading, lost, numbers, requests } = setUpVideo(1000, true);
  reading.grant(10);
  reading.encodedVideo(videoChunk(0));
  reading.encodedVideo(videoChunk(1));
  t.same(numbers(), []);
  t.same(lost, { values: 2, us: 2 * FRAME_US });
  t.same(requests, ['key'], 'somebody asks for one, once');
  reading.encodedVideo(videoChunk(2, 'key'));
  reading.encodedVideo(videoChunk(3));
  t.same(numbers(), [2, 3]);
  reading.close();
  t.end();
});

t.test(
  'a reader that lags goes on at a key frame: in = given + dropped + held, and no more than the limit is held',
  (t) => {
    const { reading, lost, numbers } = setUpVideo(200, true);
    reading.grant(2);
    let pushed = 0;
    const push = (type: 'key' | 'delta' = 'delta'): void => {
      reading.encodedVideo(videoChunk(pushed++, type));
    };
    push('key');
    for (let i = 0; i < 20; i++) push();
    t.same(numbers(), [0, 1]);
    // Six pictures of 33 ms fit 200 ms; those after them are of no use without the one that did not fit.
    t.equal(lost.values, 21 - 2 - 6);
    push('key');
    t.equal(lost.values, 13 + 6, 'the key frame takes the place of those that waited');
    for (let i = 0; i < 3; i++) push();
    reading.grant(10);
    t.same(numbers(), [0, 1, 21, 22, 23, 24]);
    t.equal(pushed, numbers().length + lost.values);
    t.equal(Math.round(lost.us / FRAME_US), lost.values);
    reading.close();
    t.end();
  },
);

t.test('pictures are decoded only when they are asked for', async (t) => {
  const { reading, media, lost } = setUpVideo(1000, false);
  const encoder = await openVideoEncoder({ codec: 'vp8', width: 192, height: 128, frameRate: 25, bitrate: 300_000 });
  const chunks: EncodedVideoChunk[] = [];
  encoder.onChunk((chunk) => chunks.push(chunk));
  for (let i = 0; i < 12; i++)
    encoder.encode({
      kind: 'video',
      data: drawPattern(i, 192, 128),
      width: 192,
      height: 128,
      format: 'YUV420P',
      timestamp: i * 40_000,
    });
  await encoder.flush();
  await encoder.close();
  for (const chunk of chunks) reading.encodedVideo(chunk);
  reading.grant(3);
  while (media.length < 3) await new Promise((resolve) => setImmediate(resolve));
  t.equal(reading.framesDecoded, 3, 'no more than the credit');
  reading.grant(5);
  while (media.length < 8) await new Promise((resolve) => setImmediate(resolve));
  t.same(
    media.map((value) => readPattern(value as VideoFrame)),
    [0, 1, 2, 3, 4, 5, 6, 7],
  );
  t.same(
    media.map(({ timestamp }) => timestamp),
    media.map((_, i) => i * 40_000),
  );
  t.equal(lost.values, 0);
  reading.close();
});

t.test('broken data costs a picture and asks for a key frame', async (t) => {
  const { reading, media, lost, clock, requests } = setUpVideo(1000, false);
  const encoder = await openVideoEncoder({ codec: 'vp8', width: 192, height: 128, frameRate: 25, bitrate: 300_000 });
  const chunks: EncodedVideoChunk[] = [];
  encoder.onChunk((chunk) => chunks.push(chunk));
  for (let i = 0; i < 3; i++)
    encoder.encode(
      { kind: 'video', data: drawPattern(i, 192, 128), width: 192, height: 128, format: 'YUV420P', timestamp: i },
      i === 2,
    );
  await encoder.flush();
  await encoder.close();
  reading.grant(10);
  clock.advance(1000);
  reading.encodedVideo(chunks[0]!);
  reading.encodedVideo({ ...chunks[1]!, data: new Uint8Array(40) });
  reading.encodedVideo(chunks[2]!);
  while (media.length < 2) await new Promise((resolve) => setImmediate(resolve));
  t.same(
    media.map((value) => readPattern(value as VideoFrame)),
    [0, 2],
  );
  t.equal(lost.values, 1);
  t.same(requests, ['key', 'key'], 'another key frame is asked for');
  reading.close();
});

/** The way to the main thread: what is transferred is gone on this side, and comes whole on the other. */
function channelTo(t: Test): { readonly emit: Emit; received(): Promise<Map<number, MediaValue[]>> } {
  const { port1, port2 } = new MessageChannel();
  t.teardown(() => {
    port1.close();
  });
  const port = new BatchingPort<FromEngine>(port1);
  const emit: Emit = (name, args, buffer) => {
    port.send({ t: 'event', name, args } as FromEngine, buffer);
  };
  const media = new Map<number, MediaValue[]>();
  let arrived = (): void => undefined;
  port2.on('message', (batch: FromEngine[]) => {
    for (const message of batch) {
      if (typeof message === 'number' || message.t !== 'event') continue;
      if (message.name === 'readerEnd') arrived();
      if (message.name !== 'media') continue;
      const { reader, value } = message.args;
      if (!media.get(reader)?.push(value)) media.set(reader, [value]);
    }
  });
  return {
    emit,
    // Everything that was sent before has come when this comes.
    received: async () => {
      const all = new Promise<void>((resolve) => {
        arrived = resolve;
      });
      emit('readerEnd', { reader: 0 });
      port.flush();
      await all;
      return media;
    },
  };
}

const FORMAT = { sampleRate: 48_000, numberOfChannels: 2 };

/** `audioRing`: for decoded audio. */
function readerOf(id: number, emit: Emit, audioRing?: SharedArrayBuffer): StreamReader {
  return new StreamReader(
    {
      session: 1,
      reader: id,
      streamId: 's',
      audio: true,
      video: true,
      encoded: audioRing === undefined,
      audioFormat: FORMAT,
      ...(audioRing && { audioRing }),
      pixelFormat: 'YUV420P',
      maxLagMs: 1000,
    },
    emit,
    new VirtualClock(),
  );
}

t.test("readers of one stream do not take each other's data: two encoded, two decoded", async (t) => {
  const { emit, received } = channelTo(t);
  const audio = new AudioReceiver({ onError: (error) => t.fail(String(error)) });
  const memories = [3, 4].map(() => audioRingMemory(FORMAT.sampleRate));
  const rings = memories.map((memory) => new AudioRing(memory));
  for (const ring of rings) ring.ask(1_000_000);
  const readers = [
    readerOf(1, emit),
    readerOf(2, emit),
    ...memories.map((memory, index) => readerOf(3 + index, emit, memory)),
  ];
  for (const reader of readers) {
    reader.attach(audio, undefined);
    reader.grant('audio', 1_000_000);
  }
  const encoder = await createOpusEncoder({ sampleRate: 48_000, numberOfChannels: 2 });
  const packets: Uint8Array[] = [];
  const play = async (): Promise<Map<number, MediaValue[]>> => {
    const i = packets.length;
    const packet = encoder.encode(sine([400, 400], 48_000, 960, 10_000, i * 960));
    packets.push(new Uint8Array(packet));
    // As it comes from the network: a part of a Buffer.
    const wire = Buffer.allocUnsafeSlow(packet.length + 20);
    wire.set(packet, 12);
    audio.receive(i, i * 960, wire.subarray(12, 12 + packet.length), i * 20_000);
    audio.tick(i * 20_000 + 5000);
    const media = await received();
    for (const [index, ring] of rings.entries()) {
      const decoded = media.get(3 + index) ?? [];
      media.set(3 + index, decoded);
      while (!ring.isEmpty) decoded.push(ring.read(FORMAT.sampleRate, FORMAT.numberOfChannels)!);
    }
    return media;
  };
  // The decoders open in their own time, and what comes before is silence.
  const loud = (media: Map<number, MediaValue[]>, id: number): boolean =>
    (media.get(id)?.at(-1) as AudioData | undefined)?.data.some((sample) => sample > 9000) ?? false;
  let media = await play();
  while (!loud(media, 3) || !loud(media, 4)) {
    await wait(10);
    media = await play();
  }
  for (let i = 0; i < 20; i++) await play();
  encoder.close();
  for (const id of [1, 2]) {
    const chunks = media.get(id) as EncodedAudioChunk[];
    t.ok(chunks.length >= packets.length - 2, `${chunks.length} of ${packets.length} chunks`);
    t.same(
      chunks.map(({ data }) => [...data]),
      packets.slice(0, chunks.length).map((packet) => [...packet]),
    );
    t.same(
      chunks.map(({ timestamp }) => timestamp),
      chunks.map((_, i) => chunks[0]!.timestamp + i * 20_000),
    );
    t.ok(
      chunks.every(({ data }) => data.byteLength === data.buffer.byteLength),
      'nothing of the packet around it comes along',
    );
  }
  for (const id of [3, 4]) {
    const chunks = media.get(id) as AudioData[];
    const heard = channel(concat(chunks.slice(-5).map(({ data }) => data)), 0, 2);
    t.ok(Math.abs(toneAmplitude(heard, 400, 48_000) - 10_000) < 500, `reader ${id}`);
  }
  for (const reader of readers) reader.close();
});

t.test('two encoded readers of one picture each get it whole', async (t) => {
  const { emit, received } = channelTo(t);
  const clock = new VirtualClock();
  const video = new VideoReceiver({
    clock,
    roundTripUs: () => 0,
    requestPackets: () => undefined,
    requestKeyFrame: () => true,
  });
  const readers = [1, 2].map(
    (id) =>
      new VideoReading({
        clock,
        reader: new MediaReader(id, 'video', 1000, emit),
        encoded: true,
        pixelFormat: 'YUV420P',
        maxLagMs: 1000,
        onError: (error) => t.fail(String(error)),
      }),
  );
  const chunk = videoChunk(7, 'key');
  for (const reading of readers) {
    reading.attach(video);
    reading.grant(5);
    reading.encodedVideo(chunk);
  }
  const media = await received();
  for (const id of [1, 2])
    t.same(
      (media.get(id) as EncodedVideoChunk[]).map(({ data }) => [...data]),
      [Array<number>(30).fill(7)],
    );
  for (const reading of readers) reading.close();
});

t.test('a stream that nobody reads is not kept, and one that is read again begins with what comes then', (t) => {
  const audio = new AudioReceiver({ onError: (error) => t.fail(String(error)) });
  const chunks: EncodedAudioChunk[] = [];
  const consumer = {
    encodedAudio: (chunk: EncodedAudioChunk) => {
      chunks.push(chunk);
    },
  };
  let at = 0;
  const play = (periods: number): void => {
    for (let i = 0; i < periods; i++, at++) {
      audio.receive(at & 0xffff, at * 960, Buffer.of(0xf8, at), at * 20_000);
      audio.tick(at * 20_000 + 1000);
    }
  };
  play(50);
  t.equal(audio.stats.packetsReceived, 0);
  audio.addEncoded(consumer);
  play(10);
  const first = chunks[0]!;
  t.equal(first.data[1], 50);
  audio.removeEncoded(consumer);
  play(50);
  audio.addEncoded(consumer);
  const before = chunks.length;
  play(10);
  t.equal(chunks[before]?.data[1], 110);
  t.equal(chunks[before]!.timestamp - first.timestamp, 60 * 20_000, 'on the same time line');
  t.end();
});
