import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import t from 'tap';
import type { AudioData } from '../../src/media/audio-data.js';
import * as streams from '../../src/nodes.js';
import { ramp } from './media.js';

t.test('nodes as streams', async (t) => {
  await t.test('they compose with pipeline, and with what is in between', async (t) => {
    const chunks: AudioData[] = [];
    await pipeline(
      streams.tone({ durationMs: 100, live: false, level: -20 }),
      streams.gain({ db: 6 }),
      async function* (source: AsyncIterable<AudioData>) {
        for await (const chunk of source) {
          chunks.push(chunk);
          yield chunk;
        }
      },
      streams.nullNode(),
    );
    t.equal(chunks.length, 5);
    t.equal(Math.max(...chunks.flatMap(({ data }) => [...data])), 6538, '-14 dBFS');
  });

  await t.test('a sink that has to open something first is written to at once', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-'));
    t.teardown(() => rm(folder, { recursive: true }));
    const path = join(folder, 'ramp.wav');
    await pipeline(Readable.from([ramp(20), ramp(20, { first: 1920 })]), streams.wav({ path }));
    const bytes = await readFile(path);
    t.equal(bytes.length, 44 + 2 * 1920 * 2);
    t.strictSame([bytes.readInt16LE(44 + 2), bytes.readInt16LE(44 + 2 * 3000)], [1, 3000]);
    const missing = join(folder, 'ramp.wav', 'below.wav');
    await t.rejects(pipeline(Readable.from([ramp(20)]), streams.wav({ path: missing })), { code: 'SLUICE_FILE_WRITE' });
  });

  await t.test('a node with several ports gives each', async (t) => {
    const mixer = await streams.mixer({ live: false });
    const inputs = [1000, 20].map((first) =>
      pipeline(Readable.from([ramp(20, { numberOfChannels: 1, first })]), mixer.input('in')),
    );
    mixer.seal('in');
    const [chunk] = (await mixer.output('out').toArray()) as AudioData[];
    await Promise.all(inputs);
    t.strictSame([...chunk!.data.subarray(0, 3)], [1020, 1022, 1024]);
  });

  await t.test('options are checked as in a pipeline file', (t) => {
    t.throws(() => streams.gain({ db: 99 }), { code: 'SLUICE_CONFIG_INVALID', message: /^gain: db/ });
    t.throws(() => streams.tone({ hertz: 3 } as never), { code: 'SLUICE_CONFIG_INVALID', message: /hertz/ });
    t.end();
  });

  await t.test('what is dropped is told', async (t) => {
    const tone = streams.tone();
    tone.read();
    t.strictSame(await once(tone, 'dropped'), ['reader too slow', 1]);
    tone.destroy();
  });
});
