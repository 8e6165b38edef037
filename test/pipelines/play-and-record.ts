import { readdirSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { openMediaFile } from '../../src/codecs/media-file.js';
import { wavBytes } from '../codecs/fixtures.js';
import { concat } from '../codecs/tones.js';
import { readAudio } from '../nodes/media-lab.js';
import { copyPipelines, shippedPipelines, startCli } from './process-lab.js';
import { findSpeech } from './recording.js';

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
  // The clip several times over, so that it lasts however long the other process takes to start.
  const { samples } = await readAudio(join(shippedPipelines(), 'media', 'speech.ogg'));
  await writeFile(join(folder, 'long.wav'), wavBytes(concat([samples, samples, samples, samples, samples]), 48_000, 1));

  const play = startCli(t, ['run', 'pipelines/play.yaml'], { cwd: folder, env: { FILE: '../long.wav' } });
  const address = await play.wrote(/Open http:\/\/(127\.0\.0\.1:\d+)\/\?session=demo /);
  const record = startCli(t, ['run', 'pipelines/record.yaml'], { cwd: folder, env: { SLUICE_URL: `ws://${address}` } });
  // Some six seconds of both.
  const enough = (): boolean => {
    const sizes = recordings(out);
    return sizes.size === 2 && [...sizes.values()].every((size) => size > 50_000);
  };
  const over = record.ended.then(({ stderr }) => Promise.reject(new Error(stderr)));
  over.catch(() => undefined);
  while (!enough()) await Promise.race([over, new Promise((resolve) => setTimeout(resolve, 200))]);

  record.kill('SIGINT');
  const recorded = await record.ended;
  t.equal(recorded.code, 0, recorded.stderr);
  t.match(recorded.stderr, /stopped after .* 1 branches, 0 failed/);
  play.kill('SIGTERM');
  const played = await play.ended;
  t.equal(played.code, 0, played.stderr);

  const names = [...recordings(out).keys()].sort();
  t.equal(names.length, 2, names.join());
  t.match(names[0], /^Player-PA_\w+\.webm$/);
  t.equal(names[1], 'mix.webm');
  for (const name of names) {
    const path = join(out, name);
    t.ok(((await openMediaFile(path)).durationUs ?? 0) > 4_000_000, `${name} has its length`);
    const speech = await findSpeech(path);
    t.comment(name, speech);
    t.ok(speech.peak > 0.8, `the speech correlates with ${speech.peak}`);
    t.ok(speech.seconds >= 3, `${speech.seconds} s of it`);
  }
});

await t.test('play.yaml says what is wrong with its file', async (t) => {
  const folder = t.testdir({ 'text.ogg': 'no sound' });
  copyPipelines(folder);
  for (const [file, code, reason] of [
    ['../nothing.wav', 'SLUICE_FILE_NOT_FOUND', 'does not exist'],
    ['../text.ogg', 'SLUICE_FILE_UNDECODABLE', 'cannot be decoded'],
  ] as const) {
    const result = await startCli(t, ['run', 'pipelines/play.yaml'], { cwd: folder, env: { FILE: file } }).ended;
    t.equal(result.code, 1);
    const path = join(folder, file.slice(3));
    t.ok(new RegExp(`^\\S*pipelines/play\\.yaml:\\d+:\\d+: node "clip": ${path} ${reason}.*\\[${code}\\]\\n {2}\\S`, 'm').test(result.stderr), result.stderr);
  }
});
