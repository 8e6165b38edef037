import { mkdtemp, readFile, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { audioData, type AudioData } from '../../src/media/audio-data.js';
import { expandPath, safeFileName } from '../../src/media/path-template.js';
import { wav } from '../../src/nodes/wav.js';
import { asWritable, settle, testContext, writeAll } from './node-lab.js';

const stream = (streamId: string, name: string) => ({
  streamId,
  name,
  connectionId: 'c',
  hasAudio: true,
  hasVideo: false,
});
const chunk = (...samples: number[]): AudioData => audioData(Int16Array.from(samples), 16_000, 2, 0);
const samplesOf = (file: Buffer): number[] =>
  Array.from({ length: (file.length - 44) / 2 }, (_, index) => file.readInt16LE(44 + 2 * index));

await t.test('wav: header and samples', async (t) => {
  const baseDir = await mkdtemp(join(tmpdir(), 'sluice-'));
  await writeAll(await wav.create({ path: 'a/b/c.wav' }, testContext({ baseDir })), [
    chunk(1, -2),
    chunk(3, 4, 5, -32_768),
  ]);
  const file = await readFile(join(baseDir, 'a', 'b', 'c.wav'));
  t.same(samplesOf(file), [1, -2, 3, 4, 5, -32_768]);
  t.equal(
    file.toString('latin1', 0, 4) + file.toString('latin1', 8, 16) + file.toString('latin1', 36, 40),
    'RIFFWAVEfmt data',
  );
  t.same(
    [4, 16, 24, 28, 40].map((at) => file.readUInt32LE(at)),
    [48, 16, 16_000, 64_000, 12],
    'sizes, rate and bytes per second',
  );
  t.same(
    [20, 22, 32, 34].map((at) => file.readUInt16LE(at)),
    [1, 2, 4, 16],
    'PCM, 2 channels, 16 bits',
  );
});

await t.test('wav: valid without audio, and after a failure', async (t) => {
  const baseDir = await mkdtemp(join(tmpdir(), 'sluice-'));
  await writeAll(await wav.create({ path: 'empty.wav' }, testContext({ baseDir })), []);
  t.equal((await readFile(join(baseDir, 'empty.wav'))).readUInt32LE(40), 0);

  const writer = asWritable(await wav.create({ path: 'cut.wav' }, testContext({ baseDir })));
  await new Promise((resolve) => writer.write(chunk(7, 8), resolve));
  await new Promise((resolve) => writer.once('error', resolve).once('close', resolve).destroy(new Error('cut')));
  while (!writer.closed) await settle(1);
  const file = await readFile(join(baseDir, 'cut.wav'));
  t.same([file.readUInt32LE(40), samplesOf(file)], [4, [7, 8]], 'what came before the failure is there');
});

await t.test(
  'wav: chunks of any length follow each other, and all that was taken is there after a failure',
  async (t) => {
    const baseDir = await mkdtemp(join(tmpdir(), 'sluice-'));
    let next = 0;
    const counting = (frames: number): AudioData =>
      chunk(...Array.from({ length: 2 * frames }, () => (next++ % 65_536) - 32_768));
    const chunks = [320, 16_000, 1, 40_000, 441, 16_384, 7].map(counting);
    const expected = chunks.flatMap(({ data }) => [...data]);
    await writeAll(await wav.create({ path: 'whole.wav' }, testContext({ baseDir })), chunks);
    t.ok(isSame(samplesOf(await readFile(join(baseDir, 'whole.wav'))), expected), 'a file that ended');

    const writer = asWritable(await wav.create({ path: 'left.wav' }, testContext({ baseDir })));
    for (const one of chunks.slice(0, -1)) await new Promise((resolve) => writer.write(one, resolve));
    // The chunk before fills up what is written at once: this one has it written, and the stream is left meanwhile.
    writer.write(chunks.at(-1));
    await new Promise((resolve) => writer.once('close', resolve).destroy());
    const file = await readFile(join(baseDir, 'left.wav'));
    t.ok(isSame(samplesOf(file), expected), 'a file that was left');
    t.equal(file.readUInt32LE(40), expected.length * 2, 'its header');
  },
);

/** Whether two lists are the same, without showing thousands of differences. */
function isSame(found: readonly number[], expected: readonly number[]): boolean {
  return found.length === expected.length && found.every((sample, index) => sample === expected[index]);
}

await t.test('wav: refusals', async (t) => {
  const baseDir = await mkdtemp(join(tmpdir(), 'sluice-'));
  await writeFile(join(baseDir, 'file'), '');
  await t.rejects(async () => wav.create({ path: 'file/x.wav' }, testContext({ baseDir })), {
    code: 'SLUICE_FILE_WRITE',
    message: /a part of its path is a file/,
  });
  await t.rejects(async () => wav.create({ path: '.' }, testContext({ baseDir })), {
    code: 'SLUICE_FILE_WRITE',
    message: /it is a folder/,
  });
});

await t.test('wav: two streams of one name get files of their own', async (t) => {
  const baseDir = await mkdtemp(join(tmpdir(), 'sluice-'));
  for (const id of ['1', '2', '3']) {
    await writeAll(await wav.create({ path: 'out/{name}.wav' }, testContext({ baseDir, branch: stream(id, 'Anna') })), [
      chunk(Number(id), 0),
    ]);
  }
  t.same((await readdir(join(baseDir, 'out'))).sort(), ['Anna-2.wav', 'Anna-3.wav', 'Anna.wav']);
  t.same(samplesOf(await readFile(join(baseDir, 'out', 'Anna.wav'))), [1, 0], 'the first is kept');
});

await t.test('path templates', async (t) => {
  const branch = stream('TR_1', '../../etc/passwd');
  t.equal(expandPath('out/{streamId}-{name}.wav', '/base', branch), '/base/out/TR_1-__.._etc_passwd.wav');
  const anna = { ...branch, connection: { name: 'Anna B.', data: '' } };
  t.equal(expandPath('{participant}.wav', '/base', anna), '/base/Anna_B..wav');
  t.equal(
    expandPath('{participant}-{name}.wav', '/base', branch),
    '/base/__.._etc_passwd-__.._etc_passwd.wav',
    'or the stream',
  );
  t.equal(expandPath('/abs/x.wav', '/base'), '/abs/x.wav');
  t.throws(() => expandPath('{who}.wav', '/base', branch), { code: 'SLUICE_CONFIG_INVALID', mend: /streamId/ });
  t.throws(() => expandPath('{name}.wav', '/base'), { code: 'SLUICE_CONFIG_INVALID' }, 'outside a branch');
  t.throws(() => expandPath('x.wav', '/base', branch), { code: 'SLUICE_CONFIG_INVALID' }, 'one file for all branches');
  t.same(
    ['Ånna 1', '', '..', '.hidden', 'a/b\\c:d', 'x'.repeat(500), '日本', '\0'].map((name) => safeFileName(name)),
    ['Ånna_1', '_', '_', '_hidden', 'a_b_c_d', 'x'.repeat(80), '日本', '_'],
  );
});
