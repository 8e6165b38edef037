import { join } from 'node:path';
import t from 'tap';
import { openMediaFile } from '../../src/codecs/media-file.js';
import { copyPipelines, startCli } from './process-lab.js';
import { findPictures, findSpeech, median } from './recording.js';

await t.test('demo.yaml records what was played, in step', { timeout: 200_000 }, async (t) => {
  const folder = t.testdir();
  copyPipelines(folder);
  const { code, stdout, stderr } = await startCli(t, ['run', '--json', 'pipelines/demo.yaml'], { cwd: folder }).ended;
  t.equal(code, 0, stderr);
  t.comment(stdout);
  const path = join(folder, 'out', 'demo.webm');
  t.match(await openMediaFile(path), {
    audio: { codec: 'opus', numberOfChannels: 2 },
    video: { codec: 'vp8', width: 640, height: 480 },
  });

  const speech = await findSpeech(path);
  t.comment(speech);
  t.ok(speech.peak > 0.8, `the speech correlates with ${speech.peak}`);
  t.ok(speech.seconds >= 11, `${speech.seconds} s of it`);
  t.ok(speech.spreadMs < 60, `no second is more than ${speech.spreadMs} ms out of place`);

  const pictures = await findPictures(path);
  const numbered = pictures.filter(({ number }) => number !== undefined);
  const numbers = numbered.map(({ number }) => number ?? NaN);
  const [first = NaN, last = NaN] = [numbers[0], numbers.at(-1)];
  t.ok(
    numbers.every((number, i) => i === 0 || number >= (numbers[i - 1] ?? NaN)),
    'numbers only grow',
  );
  t.ok(first < 60 && last > 395, `pictures ${first} to ${last} of 0 to 404`);
  const present = new Set(numbers).size / (last - first + 1);
  t.ok(present > 0.95, `${(present * 100).toFixed(1)} % of them`);

  const startMs = pictures[0]?.atMs ?? NaN;
  t.ok(
    Math.abs(startMs - speech.audioStartMs) < 40,
    `video begins at ${startMs} ms, audio at ${speech.audioStartMs} ms`,
  );

  // Picture n is due n/30 s after the beginning of the speech.
  const distances = numbered.map(({ atMs, number }) => atMs - ((number ?? NaN) * 1000) / 30 - speech.startMs);
  t.ok(
    Math.abs(median(distances)) < 60,
    `pictures come ${median(distances).toFixed(1)} ms after the sound they belong to`,
  );
  t.comment(`from ${Math.min(...distances).toFixed(1)} to ${Math.max(...distances).toFixed(1)} ms`);
});
