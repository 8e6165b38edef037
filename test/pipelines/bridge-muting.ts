import t from 'tap';
import { connect } from '../../src/connect.js';
import type { Session } from '../../src/session/session.js';
import { SMALL_VIDEO, endlessHalves, run, see, streamWith } from '../session/conformance/content.js';
import { endlessTone, hears } from '../session/live-room.js';
import { copyPipelines, startCli } from './process-lab.js';

await t.test('who is muted in one session is muted in the other', { timeout: 200_000 }, async (t) => {
  const folder = t.testdir();
  copyPipelines(folder);
  const bridge = startCli(t, ['run', 'pipelines/bridge.yaml'], { cwd: folder });
  const url = `ws://${await bridge.wrote(/Open http:\/\/(127\.0\.0\.1:\d+)\//)}`;
  const join = (sessionId: string): Promise<Session> =>
    connect({ url, sessionId, name: 'Somebody', settings: SMALL_VIDEO });
  const [here, there] = [await join('demo'), await join('demo-2')];

  const ann = await here.publish({ name: 'Ann' });
  run(endlessTone(440), ann.audio);
  run(endlessHalves(60, 190), ann.video);
  const bridged = await there.subscribe(await streamWith(there, 'Ann', { hasAudio: true, hasVideo: true }));
  t.ok(await hears(bridged.audio, 440));
  await see(bridged.video, 60, 190);
  for (let round = 1; round <= 2; round++) {
    ann.publishAudio(false);
    await streamWith(there, 'Ann', { hasAudio: false, hasVideo: true });
    ann.publishVideo(false);
    await streamWith(there, 'Ann', { hasAudio: false, hasVideo: false });
    ann.publishAudio(true);
    ann.publishVideo(true);
    await streamWith(there, 'Ann', { hasAudio: true, hasVideo: true });
    t.ok(await hears(bridged.audio, 440), 'and is heard again');
    await see(bridged.video, 60, 190);
  }

  const bob = await there.publish({ name: 'Bob', hasVideo: false });
  run(endlessTone(660), bob.audio);
  const heard = await here.subscribe(await streamWith(here, 'Bob', { hasAudio: true, hasVideo: false }));
  t.ok(await hears(heard.audio, 660), 'who has no camera is heard, and shows no black picture');

  await Promise.all([here, there].map((session) => session.disconnect()));
  bridge.kill('SIGTERM');
  const { code, stderr } = await bridge.ended;
  t.equal(code, 0, stderr);
});
