import t from 'tap';
import { audioData } from '../../src/media/audio-data.js';
import { nullNode } from '../../src/nodes/null.js';
import { testContext, writeAll } from './node-lab.js';

await t.test('null: takes any kind and counts', async (t) => {
  const logged: object[] = [];
  const context = testContext();
  const log = { ...context.log, info: (fields: object) => logged.push(fields) };
  const stream = await nullNode.create({}, { ...context, log });
  await writeAll(stream, [
    audioData(new Int16Array(960), 48_000, 1, 0),
    { kind: 'encoded-audio', codec: 'opus', data: new Uint8Array(3), timestamp: 0, duration: 60_000 },
    { kind: 'video', data: new Uint8Array(6), width: 2, height: 2, format: 'YUV420P', timestamp: 0 },
  ]);
  t.same(logged, [{ chunks: 3, mediaMs: 80 }]);
});
