import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openMediaFile } from '../../src/codecs/media-file.js';
import type { EncodedAudioChunk } from '../../src/media/encoded-chunk.js';
import { opusEncoder } from '../../src/nodes/opus-encoder.js';
import { concat } from '../codecs/tones.js';
import { chunks, readAudio, record, through, videoOf } from '../nodes/media-lab.js';
import { copyPipelines, shippedPipelines, startCli } from './process-lab.js';
import { findPictures, findSpeech, median } from './recording.js';

/** Sizes of the recordings that are there. */
function recordings(out: string): Map<string, number> {
  try {
    return new Map(readdirSync(out).map((name) => [name, statSync(join(out, name)).size]));
  } catch {
    return new Map();
  }
}

await t.test('play.yaml is heard by record.yaml, in another process', { timeout: 200_000 }, async (t) => {
  const folder = t.testdir();
  copyPipelines(folder);
  const out = join(folder, 'out');
  const clipMs = await makeFilm(join(folder, 'film.webm'));

  const play = startCli(t, ['run', 'pipelines/play.yaml'], { cwd: folder, env: { FILE: '../film.webm' } });
  const address = await play.wrote(/Open http:\/\/(127\.0\.0\.1:\d+)\/\?session=demo /);
  const recorder = startCli(t, ['run', 'pipelines/record.yaml'], {
    cwd: folder,
    env: { SLUICE_URL: `ws://${address}` },
  });
  // Some six seconds of both.
  const enough = (): boolean => {
    const sizes = recordings(out);
    return sizes.size === 2 && [...sizes.values()].every((size) => size > 50_000);
  };
  const over = recorder.ended.then(({ stderr }) => Promise.reject(new Error(stderr)));
  over.catch(() => undefined);
  while (!enough()) await Promise.race([over, new Promise((resolve) => setTimeout(resolve, 200))]);

  recorder.kill('SIGINT');
  const recorded = await recorder.ended;
  t.equal(recorded.code, 0, recorded.stderr);
  t.match(recorded.stderr, /stopped after .* 1 branch, 0 failed/);
  play.kill('SIGTERM');
  const played = await play.ended;
  t.equal(played.code, 0, played.stderr);

  const names = [...recordings(out).keys()].sort();
  t.equal(names.length, 2, names.join());
  t.match(names[0], /^Player-PA_\w+\.webm$/);
  t.equal(names[1], 'mix.webm');
  const found = [];
  for (const name of names) {
    const path = join(out, name);
    t.ok(((await openMediaFile(path)).durationUs ?? 0) > 4_000_000, `${name} has its length`);
    const speech = await findSpeech(path);
    t.comment(name, speech);
    t.ok(speech.peak > 0.8, `the speech correlates with ${speech.peak}`);
    t.ok(speech.seconds >= 3, `${speech.seconds} s of it`);
    found.push(speech);
  }

  const pictures = (await findPictures(join(out, names[0] ?? ''))).filter(({ number }) => number !== undefined);
  t.ok(pictures.length > 90, `${pictures.length} pictures`);
  t.ok(pictures.every(({ number = NaN }, i) => i === 0 || number > (pictures[i - 1]?.number ?? NaN)));
  const pictureMs = median(pictures.map(({ atMs, number = NaN }) => atMs - (number * 1000) / 30));
  // Any repetition of the clip will do.
  const distanceMs = pictureMs - (found[0]?.startMs ?? NaN);
  const offMs = distanceMs - clipMs * Math.round(distanceMs / clipMs);
  t.ok(Math.abs(offMs) < 60, `pictures come ${offMs.toFixed(1)} ms after the sound they belong to`);
});

/** The clip several times over, so that it lasts however long the other process takes to start, and numbered pictures; the length of one clip in ms. */
async function makeFilm(path: string): Promise<number> {
  const { samples } = await readAudio(join(shippedPipelines(), 'media', 'speech.ogg'));
  const speech = chunks(concat([samples, samples, samples]));
  const audio = await through<EncodedAudioChunk>(opusEncoder, { bitrate: 64_000 }, speech);
  await record(path, { audio, video: await videoOf(1200) });
  return samples.length / 48;
}

await t.test('play.yaml says what is wrong with its file', async (t) => {
  const folder = t.testdir({ 'text.ogg': 'no sound' });
  copyPipelines(folder);
  for (const [file, exitCode, code, reason] of [
    ['../nothing.wav', 78, 'SLUICE_FILE_NOT_FOUND', 'does not exist'],
    ['../text.ogg', 1, 'SLUICE_FILE_UNDECODABLE', 'cannot be decoded'],
  ] as const) {
    const result = await startCli(t, ['run', 'pipelines/play.yaml'], { cwd: folder, env: { FILE: file } }).ended;
    t.equal(result.code, exitCode);
    const path = join(folder, file.slice(3));
    t.ok(
      new RegExp(
        `^\\S*pipelines/play\\.yaml:\\d+:\\d+: node "clip": ${path} ${reason}.*\\[${code}\\]\\n {2}\\S`,
        'm',
      ).test(result.stderr),
      result.stderr,
    );
  }
});
