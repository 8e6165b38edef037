import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { openVideoDecoder, openVideoEncoder } from '../../src/codecs/codec-thread.js';
import type { EncodedVideoChunk } from '../../src/media/encoded-chunk.js';
import { opusChunks } from './fixtures.js';
import { numbered, readNumber } from './pictures.js';
import { AUDIO, record } from './recording.js';

const SIZE = { width: 160, height: 96 };

function program(
  name: string,
  ...args: string[]
): { status: number | null; signal: string | null; stdout: string; stderr: string } {
  const path = fileURLToPath(new URL(`./programs/${name}.js`, import.meta.url));
  return spawnSync(process.execPath, [path, ...args], { encoding: 'utf8', timeout: 60_000 });
}

for (const codec of ['vp8', 'h264'] as const) {
  await t.test(`${codec}: what goes through two threads comes out in order`, async (t) => {
    const encoder = await openVideoEncoder({ codec, ...SIZE, frameRate: 25, bitrate: 400_000 });
    const decoder = await openVideoDecoder({ codec });
    const frames: number[] = [];
    const types: string[] = [];
    encoder.onChunk((chunk) => {
      types.push(chunk.type);
      decoder.decode(chunk, { transfer: true });
      t.equal(chunk.data.length, 0, 'given away');
    });
    decoder.onFrame((frame) => {
      t.equal(frame.timestamp, readNumber(frame) * 33_333);
      frames.push(readNumber(frame));
    });
    encoder.onError((error) => {
      t.fail(error.message);
    });
    decoder.onError((error) => {
      t.fail(error.message);
    });
    const first = numbered(160, 96, 0);
    for (let i = 0; i < 30; i++) encoder.encode(i === 0 ? first : numbered(160, 96, i), i === 20);
    t.equal(encoder.pending, 30);
    t.equal(readNumber(first), 0, 'a picture that was not given away is whole');
    await encoder.flush();
    t.equal(encoder.pending, 0);
    await decoder.flush();
    t.equal(decoder.pending, 0);
    t.same(
      frames,
      Array.from({ length: 30 }, (_, i) => i),
    );
    t.same(
      types.map((type, i) => (type === 'key' ? i : -1)).filter((i) => i >= 0),
      [0, 20],
    );
    const given = numbered(160, 96, 31);
    encoder.encode(given, false, { transfer: true });
    t.equal(given.data.length, 0);
    await Promise.all([encoder.flush(), encoder.flush()]);
    t.equal(types.at(-1), 'key', 'a flush makes the next picture a key frame');
    encoder.setBitrate(200_000);
    await Promise.all([encoder.close(), decoder.close(), decoder.close()]);
    t.throws(
      () => {
        encoder.encode(first);
      },
      { code: 'SLUICE_STATE_INVALID' },
    );
  });
}

await t.test('broken data comes to onError, and the next key chunk works', async (t) => {
  const encoder = await openVideoEncoder({ codec: 'vp8', ...SIZE, frameRate: 25, bitrate: 400_000 });
  const decoder = await openVideoDecoder({ codec: 'vp8', format: 'RGB24' });
  const chunks: EncodedVideoChunk[] = [];
  const seen: string[] = [];
  encoder.onChunk((chunk) => chunks.push(chunk));
  decoder.onFrame((frame) => seen.push(`${frame.format} ${frame.timestamp}`));
  decoder.onError((error) => seen.push(error.code));
  for (let i = 0; i < 3; i++) encoder.encode(numbered(160, 96, i), i === 2);
  await encoder.flush();
  for (const [i, chunk] of chunks.entries()) decoder.decode(i === 1 ? { ...chunk, data: new Uint8Array(50) } : chunk);
  await decoder.flush();
  t.same(seen, ['RGB24 0', 'SLUICE_CODEC_FAILED', 'RGB24 66666']);
  encoder.onError((error) => seen.push(error.code));
  encoder.encode({ ...numbered(160, 96, 1), width: 3 });
  await encoder.flush();
  t.equal(seen.at(-1), 'SLUICE_FORMAT_MISMATCH');
  await Promise.all([encoder.close(), decoder.close()]);
});

await t.test('a view into a larger buffer is taken without the rest, and left alone', async (t) => {
  const encoder = await openVideoEncoder({ codec: 'vp8', ...SIZE, frameRate: 25, bitrate: 400_000 });
  const frame = numbered(160, 96, 9);
  const pool = new Uint8Array(frame.data.length * 2);
  const view = pool.subarray(100, 100 + frame.data.length);
  view.set(frame.data);
  encoder.encode({ ...frame, data: view }, true, { transfer: true });
  t.equal(pool.length, frame.data.length * 2);
  const chunk = await new Promise<EncodedVideoChunk>((resolve) => {
    encoder.onChunk(resolve);
  });
  const decoder = await openVideoDecoder({ codec: 'vp8' });
  decoder.decode(chunk);
  t.equal(
    readNumber(
      await new Promise((resolve) => {
        decoder.onFrame(resolve);
      }),
    ),
    9,
  );
  await Promise.all([encoder.close(), decoder.close()]);
});

await t.test('after close nothing is called any more, and a flush that waits is told', async (t) => {
  const encoder = await openVideoEncoder({ codec: 'vp8', ...SIZE, frameRate: 25, bitrate: 400_000 });
  encoder.onChunk(() => {
    t.fail('called after close');
  });
  for (let i = 0; i < 10; i++) encoder.encode(numbered(160, 96, i));
  const flushed = encoder.flush();
  const closed = encoder.close();
  await t.rejects(flushed, { code: 'SLUICE_STATE_INVALID' });
  await closed;
  t.equal(encoder.pending, 0);
});

await t.test('a codec that cannot be opened is refused with its reason', async (t) => {
  await t.rejects(openVideoEncoder({ codec: 'h264', width: 3, height: 3, frameRate: 25, bitrate: 1000 }), {
    code: 'SLUICE_CONFIG_INVALID',
    mend: 'Use even numbers.',
  });
});

await t.test('many codecs share few threads', async (t) => {
  const seen = await Promise.all(
    Array.from({ length: 12 }, async (_, number) => {
      const encoder = await openVideoEncoder({ codec: 'vp8', ...SIZE, frameRate: 25, bitrate: 300_000 });
      const decoder = await openVideoDecoder({ codec: 'vp8' });
      const numbers: number[] = [];
      encoder.onChunk((chunk) => {
        decoder.decode(chunk);
      });
      decoder.onFrame((frame) => numbers.push(readNumber(frame)));
      for (let i = 0; i < 5; i++) encoder.encode(numbered(160, 96, number * 10 + i));
      await encoder.flush();
      await decoder.flush();
      await Promise.all([encoder.close(), decoder.close()]);
      return numbers;
    }),
  );
  t.same(
    seen,
    Array.from({ length: 12 }, (_, number) => [0, 1, 2, 3, 4].map((i) => number * 10 + i)),
  );
});

await t.test('codec threads work inside a worker thread, and nothing stays behind', (t) => {
  const run = program('in-thread');
  t.same([run.stdout, run.stderr, run.status, run.signal], ['0 1 2 3 4 5 6 7 8 9\n', '', 0, null]);
  t.end();
});

await t.test('a process that leaves in the middle of work is not aborted', (t) => {
  const path = join(t.testdir(), 'left.webm');
  const left = program('leave-open', 'exit', path);
  t.same([left.stderr, left.status, left.signal], ['', 3, null]);
  const thrown = program('leave-open', 'throw', path);
  t.same([thrown.status, thrown.signal], [1, null]);
  t.match(thrown.stderr, /left by a fault/);
  t.end();
});

await t.test(
  'a file is written in the thread that reads another, and video is encoded in one of its own',
  async (t) => {
    const input = join(t.testdir(), 'first.ogg');
    await record(input, { container: 'ogg', audio: AUDIO }, await opusChunks(100, 0, 0));
    const run = program('copy-file', input, join(t.testdirName, 'second.ogg'));
    t.same([run.stdout, run.stderr, run.status], [availableParallelism() > 1 ? '1 1 2\n' : '1 1 1\n', '', 0]);
  },
);
