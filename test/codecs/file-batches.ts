import { join } from 'node:path';
import t from 'tap';
import { type FileDemuxer, openFileDemuxer } from '../../src/codecs/file-demuxer.js';
import { HEIGHT, WIDTH, opusChunks, videoChunks } from './fixtures.js';
import { AUDIO, record } from './recording.js';

await t.test('no more than a batch is decoded at a time', async (t) => {
  const path = join(t.testdir(), 'file.webm');
  const chunks = [...(await opusChunks(200, 0, 0)), ...(await videoChunks('vp8', 100, 0))].sort(
    (a, b) => a.timestamp - b.timestamp,
  );
  await record(
    path,
    { container: 'webm', audio: AUDIO, video: { codec: 'vp8', width: WIDTH, height: HEIGHT } },
    chunks,
  );
  const spansUs = batchSpansUs(await openFileDemuxer(path, {}));
  t.ok(Math.max(...spansUs) <= 220_000, 'about 200 ms');
  t.ok(spansUs.length >= 19, `${spansUs.length} batches`);
  const soundUs = batchSpansUs(await openFileDemuxer(path, { video: false }));
  t.ok(Math.max(...soundUs) <= 1_020_000, 'about a second of sound alone');
  t.ok(soundUs.length >= 4 && soundUs.length <= 5, `${soundUs.length} batches`);
});

/** How much media is in each batch, in µs; closes the demuxer. */
function batchSpansUs(demuxer: FileDemuxer): number[] {
  const spansUs: number[] = [];
  for (let isEnd = false; !isEnd;) {
    const batch = demuxer.nextBatch();
    spansUs.push((batch.values.at(-1)?.timestamp ?? 0) - (batch.values[0]?.timestamp ?? 0));
    isEnd = batch.isEnd === true;
  }
  demuxer.close();
  return spansUs;
}
