import { statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openMediaFile } from '../../src/codecs/media-file.js';
import { startCli } from './process-lab.js';
import { findPictures } from './recording.js';

/** One key frame at the start, and then only where somebody asks for it. */
const SHOW = `
sessions: { room: { sessionId: late, name: Shower } }
nodes:
  pattern: { type: test-pattern, width: 320, height: 240 }
  vp8: { type: video-encoder, from: pattern, keyFrameIntervalMs: 600000 }
  out: { type: publisher, audio: false, video: true, width: 320, height: 240, from: vp8 }
`;
const WATCH = `
sessions: { room: { sessionId: late, name: Watcher } }
nodes:
  seen: { type: subscriber, streams: Shower, media: video, encoded: true }
  file: { type: recorder, from: seen, path: seen.webm }
`;

await t.test(
  'who comes late gets a key frame, and keeps what was seen when the server dies',
  { timeout: 100_000 },
  async (t) => {
    const folder = t.testdir({ 'show.yaml': SHOW, 'watch.yaml': WATCH });
    const show = startCli(t, ['run', 'show.yaml', '--stats'], { cwd: folder });
    const address = await show.wrote(/Open http:\/\/(127\.0\.0\.1:\d+)\//);
    // The only key frame has left, and some pictures after it.
    await show.wrote(/"vp8\.out -> out\.video","chunks":\d{2}/);
    const watch = startCli(t, ['run', 'watch.yaml'], { cwd: folder, env: { SLUICE_URL: `ws://${address}` } });
    const path = join(folder, 'seen.webm');
    const over = watch.ended.then(({ stderr }) => Promise.reject(new Error(stderr)));
    over.catch(() => undefined);
    const size = (): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    while (size() < 20_000) await Promise.race([over, new Promise((resolve) => setTimeout(resolve, 100))]);

    show.kill('SIGKILL');
    await show.ended;
    const { code, stderr } = await watch.ended;
    t.equal(code, 1);
    t.match(stderr, /watch\.yaml:2:\d+: session "room" ended \[SLUICE_SESSION_LOST\]/);
    t.notMatch(stderr, / {2}at /, 'no stack trace');
    t.ok(((await openMediaFile(path)).durationUs ?? 0) > 500_000, 'the file was completed');
    const numbers = (await findPictures(path)).map(({ number }) => number ?? NaN);
    t.ok((numbers[0] ?? NaN) > 5, `the first picture is number ${numbers[0]}`);
    t.ok(numbers.every((number, i) => i === 0 || number > (numbers[i - 1] ?? NaN)));
  },
);
