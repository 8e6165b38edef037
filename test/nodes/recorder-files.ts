import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { openMediaFile } from '../../src/codecs/media-file.js';
import type { EncodedVideoChunk } from '../../src/media/encoded-chunk.js';
import { type NodePorts, parseOptions } from '../../src/media/node.js';
import { recorder } from '../../src/nodes/recorder.js';
import { videoEncoder } from '../../src/nodes/video-encoder.js';
import { findProgram } from '../support/require.js';
import { align, chirp } from '../support/signal.js';
import { make, numbers, opusOf, pictures, readAudio, readVideo, record, through, upTo } from './media-lab.js';
import { levelAt, testContext, writeAll } from './node-lab.js';

const KINDS = [
  ['webm', 'vp8'],
  ['mp4', 'h264'],
] as const;

/** Of the end of a sound, what is compared with the tone: a decoder that begins in the middle takes some time to be exact. */
const COMPARED = 12_000;

/** Where the beginning of a sound lies in the rising tone of `opusOf`, in ms, and how well its end fits there. */
function placeInTone(samples: Int16Array, toneMs: number): { readonly ms: number; readonly peak: number } {
  const { lag, peak } = align(samples.subarray(-COMPARED), chirp(48_000, toneMs * 48), 1);
  return { ms: (lag - samples.length + COMPARED) / 48, peak };
}

for (const [extension, codec] of KINDS) {
  await t.test(`recorder: segments of .${extension} play by themselves, and nothing is missing`, async (t) => {
    const dir = t.testdir();
    const path = join(dir, `a-{segment}.${extension}`);
    const ports = (await recorder.create(
      parseOptions(recorder, { path, segmentMs: 2000 }),
      testContext(),
    )) as Required<NodePorts>;
    // One key frame at the start, and then only where somebody asks for it.
    const encoder = await make(videoEncoder, { codec, bitrate: 400_000, keyFrameIntervalMs: 600_000 });
    const video = ports.input('video');
    Readable.from(pictures(200)).pipe(encoder).pipe(video);
    await Promise.all([once(video, 'close'), writeAll(ports.input('audio'), await opusOf(6600))]);
    await ports.close();

    const files = readdirSync(dir).sort();
    t.ok(files.length >= 3, files.join());
    const seen: (number | undefined)[] = [];
    for (const [index, file] of files.entries()) {
      const shown = await readVideo(join(dir, file));
      const heard = await readAudio(join(dir, file));
      const first = numbers(shown)[0] ?? NaN;
      // At this pace some pictures are on their way to the encoder when a key frame is asked for.
      t.ok(first / 30 >= 2 * index && first / 30 < 2 * index + 1.9, `${file} begins with picture ${first}`);
      t.ok((shown[0]?.timestamp ?? NaN) < 40_000 && heard.startUs < 40_000, 'at its start');
      const { ms, peak } = placeInTone(heard.samples, 6600);
      t.ok(peak > 0.95, `its sound is there: ${peak}`);
      const apartMs = ms - heard.startUs / 1000 - ((first * 1000) / 30 - (shown[0]?.timestamp ?? NaN) / 1000);
      t.ok(Math.abs(apartMs) < 10, `and in step: ${apartMs} ms`);
      seen.push(...numbers(shown));
    }
    t.same(seen, upTo(200), 'every picture is in one of them');
  });
}

await t.test('recorder: segments of sound alone', async (t) => {
  const dir = t.testdir();
  await record(join(dir, '{segment}.ogg'), { audio: await opusOf(2500) }, { segmentMs: 1000 });
  t.same(readdirSync(dir).sort(), ['001.ogg', '002.ogg', '003.ogg']);
  for (const [index, lengthMs] of [1000, 1000, 500].entries()) {
    const { samples } = await readAudio(join(dir, `00${index + 1}.ogg`));
    t.ok(Math.abs(samples.length / 48 - lengthMs) < 20, `${samples.length / 48} ms`);
    const { ms, peak } = placeInTone(samples, 2500);
    t.ok(peak > 0.95 && Math.abs(ms - index * 1000) < 20, `from ${ms} ms on: ${peak}`);
  }
  t.throws(() => parseOptions(recorder, { path: 'a.ogg', segmentMs: 1000 }), { message: /\{segment\}/ });
});

/** Pictures 0 to 29 in one size and 30 to 59 in another, as a sender that changes its layer gives them. */
async function changingSize(codec: 'vp8' | 'h264'): Promise<EncodedVideoChunk[]> {
  const options = { codec, bitrate: 400_000 };
  const small = pictures(30);
  const large = pictures(30, { first: 30, startUs: 1_000_000, width: 320, height: 240 });
  return [
    ...(await through<EncodedVideoChunk>(videoEncoder, options, small)),
    ...(await through<EncodedVideoChunk>(videoEncoder, options, large)),
  ];
}

await t.test('recorder: pictures of another size', async (t) => {
  const sizes = async (path: string): Promise<string> =>
    [...new Set((await readVideo(path)).map(({ width, height }) => `${width}x${height}`))].join();
  const dir = t.testdir({ webm: {}, mp4: {}, each: {} });
  const audio = await opusOf(2000);
  await record(join(dir, 'webm', 'a.webm'), { audio, video: await changingSize('vp8') });
  t.same(readdirSync(join(dir, 'webm')), ['a.webm'], 'WebM goes on');
  t.equal(await sizes(join(dir, 'webm', 'a.webm')), '192x128,320x240');
  t.same(numbers(await readVideo(join(dir, 'webm', 'a.webm'))), upTo(60));

  await record(join(dir, 'mp4', 'a.mp4'), { audio, video: await changingSize('h264') });
  await record(join(dir, 'each', '{segment}.webm'), { audio, video: await changingSize('vp8') });
  for (const [folder, first, second] of [
    ['mp4', 'a.mp4', 'a-2.mp4'],
    ['each', '001.webm', '002.webm'],
  ] as const) {
    t.same(readdirSync(join(dir, folder)).sort(), [first, second].sort(), `${folder}: another file follows`);
    for (const [file, size, from] of [
      [first, { width: 192, height: 128 }, 0],
      [second, { width: 320, height: 240 }, 30],
    ] as const) {
      const path = join(dir, folder, file);
      t.match(await openMediaFile(path), { video: size }, `${file} says its size`);
      t.same(numbers(await readVideo(path)), upTo(30, from));
    }
    const { samples, startUs } = await readAudio(join(dir, folder, second));
    const { ms, peak } = placeInTone(samples, 2000);
    t.ok(peak > 0.95 && Math.abs(ms - startUs / 1000 - 1000) < 20, `the sound goes on with it: ${ms} ms, ${peak}`);
  }
});

await t.test('recorder: another codec on the way is refused, and what came is kept', async (t) => {
  const path = join(t.testdir(), 'a.webm');
  const ports = (await recorder.create(parseOptions(recorder, { path }), testContext())) as Required<NodePorts>;
  const first = await through<EncodedVideoChunk>(videoEncoder, { bitrate: 400_000 }, pictures(10));
  const second = await through<EncodedVideoChunk>(
    videoEncoder,
    { codec: 'h264' },
    pictures(10, { first: 10, startUs: 400_000 }),
  );
  await t.rejects(writeAll(ports.input('video'), [...first, ...second]), {
    code: 'SLUICE_FORMAT_MISMATCH',
    found: 'h264',
    expected: 'vp8',
    mend: /video-encoder/,
  });
  await ports.close();
  t.same(numbers(await readVideo(path)), upTo(10));
});

await t.test('recorder: gaps stay gaps', async (t) => {
  const sound = (await opusOf(3000)).filter(({ timestamp }) => timestamp < 1_000_000 || timestamp >= 1_700_000);
  for (const [extension, codec] of [...KINDS, ['ogg', undefined] as const]) {
    const path = join(t.testdir(), `a.${extension}`);
    const encoded =
      codec &&
      (await through<EncodedVideoChunk>(
        videoEncoder,
        { codec, bitrate: 400_000, keyFrameIntervalMs: 1000 },
        pictures(90),
      ));
    const video = encoded?.filter((_, index) => index < 30 || index >= 60);
    await record(path, { audio: sound, ...(video && { video }) });
    const { samples, startUs } = await readAudio(path);
    const after = samples.subarray(Math.round((1750 - startUs / 1000) * 48), Math.round((2950 - startUs / 1000) * 48));
    const { ms, peak } = placeInTone(after, 3000);
    t.ok(peak > 0.95 && Math.abs(ms - 1750) < 12, `.${extension}: what is heard at 1750 ms is from ${ms} ms: ${peak}`);
    const inside = samples.subarray((1200 - startUs / 1000) * 48, (1600 - startUs / 1000) * 48);
    t.ok(
      inside.every((sample) => Math.abs(sample) < 200),
      'nothing in between',
    );
    if (!codec) continue;
    const shown = (await readVideo(path)).map(({ timestamp }) => timestamp / 1000);
    const widest = Math.max(...shown.map((atMs, i) => atMs - (shown[i - 1] ?? atMs)));
    t.ok(Math.abs(widest - 1033) < 10, `a second without pictures: ${widest} ms`);
  }
});

for (const [extension, codec] of KINDS) {
  await t.test(`recorder: .${extension} survives its process`, { timeout: 100_000 }, async (t) => {
    const path = join(t.testdir(), `a.${extension}`);
    const program = fileURLToPath(new URL('./programs/record-live.js', import.meta.url));
    const child: ChildProcess = spawn(process.execPath, [program, path, codec], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.teardown(() => child.kill('SIGKILL'));
    const killed = once(child, 'close');
    const givenMs: number[] = [];
    for await (const line of createInterface({ input: child.stdout! })) {
      givenMs.push(Number(line));
      if (Number(line) > 5000) child.kill('SIGKILL');
    }
    t.same(await killed, [null, 'SIGKILL']);
    const lastMs = givenMs.at(-1) ?? NaN;
    const shown = numbers(await readVideo(path));
    const given = givenMs.map((ms) => Math.round(ms / 40));
    t.same(shown, given.slice(0, shown.length), 'every picture that was given');
    t.ok((shown.at(-1) ?? NaN) * 40 > lastMs - 2000, `up to ${(shown.at(-1) ?? NaN) * 40} of ${lastMs} ms`);
    const { samples } = await readAudio(path);
    t.ok(samples.length / 48 > lastMs - (givenMs[0] ?? NaN) - 2000, `${samples.length / 48} ms of sound`);
    t.ok(levelAt(samples.subarray(-48_000), 48_000, 1000) > -11, 'it is the tone');

    const ffprobe = findProgram('ffprobe');
    if (ffprobe === undefined || !existsSync(ffprobe)) {
      t.comment('ffprobe is not installed');
      return;
    }
    const probe = spawn(ffprobe, [
      '-v',
      'error',
      '-count_packets',
      '-show_entries',
      'stream=nb_read_packets',
      '-of',
      'csv=p=0',
      path,
    ]);
    const counts: number[] = [];
    for await (const line of createInterface({ input: probe.stdout })) counts.push(parseInt(line, 10));
    t.ok(counts.length === 2 && counts.includes(shown.length), `ffprobe finds ${counts.join(' and ')} packets`);
  });
}
