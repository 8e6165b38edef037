import type { EncodedVideoChunk } from '../../src/media/encoded-chunk.js';
import { SMALL_VIDEO, endlessHalves, run, see, streamWith } from '../session/conformance/content.js';
import { onEveryServer } from '../session/conformance/servers.js';
import { endlessTone, hears } from '../session/live-room.js';
import { copyPipelines, startCli } from './process-lab.js';

onEveryServer('bridge.yaml carries everyone in the codec that they send', async (t, lab) => {
  const folder = t.testdir();
  copyPipelines(folder);
  const [here, there] = [lab.room(t), lab.room(t)];
  const env = { SLUICE_URL: lab.url, HERE: here.sessionId, THERE: there.sessionId };
  const bridge = startCli(t, ['run', 'pipelines/bridge.yaml'], { cwd: folder, env });
  const [near, far] = [await here.join('near', { settings: SMALL_VIDEO }), await there.join('far')];

  for (const videoCodec of ['vp8', 'h264'] as const) {
    run(endlessHalves(60, 190), (await near.publish({ name: videoCodec, videoCodec })).video);
    const stream = await streamWith(far, videoCodec, { hasAudio: true, hasVideo: true });
    const encoded = await far.subscribe(stream, { encoded: true, subscribeToAudio: false });
    const { value } = (await encoded[Symbol.asyncIterator]().next()) as { value: EncodedVideoChunk };
    t.match(value, { codec: videoCodec, type: 'key' });
    await see(await far.subscribe(stream, { subscribeToAudio: false }), 60, 190);
  }

  const late = await near.publish({ name: 'late', videoCodec: 'source' });
  run(endlessTone(440), late.audio);
  const stream = await streamWith(far, 'late', { hasAudio: true, hasVideo: false });
  const received = await far.subscribe(stream);
  t.ok(await hears(received.audio, 440), 'who has no camera yet is heard');
  run(endlessHalves(90, 150), late.video);
  await see(received.video, 90, 150);

  await Promise.all([near, far].map((session) => session.disconnect()));
  bridge.kill('SIGTERM');
  const { code, stderr } = await bridge.ended;
  t.equal(code, 0, stderr);
});
