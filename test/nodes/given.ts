import { PassThrough, Readable, type Writable } from 'node:stream';
import t from 'tap';
import { audioData, type AudioData } from '../../src/media/audio-data.js';
import { parseOptions, portsOf } from '../../src/media/node.js';
import { input } from '../../src/nodes/input.js';
import { output } from '../../src/nodes/output.js';
import { collect, settle, testContext, writeAll } from './node-lab.js';

const chunk = (index: number): AudioData => audioData(Int16Array.of(index), 16_000, 1, index * 20_000);
const SPEECH = { media: 'audio', sampleRate: 16_000, channels: 1 } as const;

const open = async (given: Readable, options: object = SPEECH): Promise<Readable> =>
  (await input.create(parseOptions(input, options), {
    ...testContext(),
    given: { input: () => given, output: () => new PassThrough() },
  })) as Readable;

const openOutput = async (given: Writable): Promise<Writable> =>
  (await output.create(parseOptions(output, {}), {
    ...testContext(),
    given: { input: () => new Readable(), output: () => given },
  })) as Writable;

await t.test('input: gives what the program gives', async (t) => {
  const values = [chunk(0), chunk(1)];
  const out = await collect<AudioData>(await open(Readable.from(values)));
  t.equal(out[0], values[0], 'the very same');
  t.equal(out.length, 2);
});

await t.test('input: refuses what was not announced', async (t) => {
  for (const [options, found] of [
    [{ media: 'audio', sampleRate: 48_000 }, 'audio 16000 Hz 1 ch'],
    [{ media: 'audio', channels: 2 }, 'audio 16000 Hz 1 ch'],
    [{ media: 'video' }, 'audio 16000 Hz 1 ch'],
  ] as const) {
    await t.rejects(collect(await open(Readable.from([chunk(0)]), options)), { code: 'SLUICE_FORMAT_MISMATCH', found });
  }
  await t.rejects(collect(await open(Readable.from([{ kind: 'noise' }]))), { code: 'SLUICE_FORMAT_MISMATCH' });
  await t.rejects(collect(await open(Readable.from(['text']))), { code: 'SLUICE_FORMAT_MISMATCH', found: 'string' });
  const broken = { ...chunk(0), numberOfFrames: 7 };
  await t.rejects(collect(await open(Readable.from([broken]))), { code: 'SLUICE_FORMAT_MISMATCH' });
  t.equal((await collect(await open(Readable.from([chunk(0)]), { media: 'audio' }))).length, 1, 'what is open fits');
});

await t.test('input: an error of the program is told, an end of the graph ends its stream', async (t) => {
  const given = new PassThrough({ objectMode: true });
  const failing = await open(given);
  given.destroy(new Error('no microphone'));
  await t.rejects(collect(failing), { message: 'no microphone' });
  const endless = new PassThrough({ objectMode: true });
  (await open(endless)).destroy();
  await settle();
  t.ok(endless.destroyed);
});

await t.test('output: gives to the program, ends with the graph and fails with it', async (t) => {
  const given = new PassThrough({ objectMode: true });
  const writing = writeAll(await openOutput(given), [chunk(1), chunk(2)]);
  t.same(
    (await collect<AudioData>(given)).map(({ data }) => data[0]),
    [1, 2],
  );
  await writing;

  const failing = new PassThrough({ objectMode: true });
  failing.on('error', () => undefined);
  const node = await openOutput(failing);
  node.on('error', () => undefined).destroy(new Error('the graph broke'));
  await settle();
  t.match(failing.errored, { message: 'the graph broke' });

  const gone = new PassThrough({ objectMode: true });
  const told = new Promise<Error>((resolve) => void openOutput(gone).then((out) => out.once('error', resolve)));
  gone.destroy(new Error('nobody listens'));
  t.match(await told, { message: 'nobody listens' });
});

await t.test('output: holds back while the program does not read', async (t) => {
  const given = new PassThrough({ objectMode: true, highWaterMark: 1 });
  const node = await openOutput(given);
  let taken = 0;
  for (let index = 0; index < 10; index++) node.write(chunk(index), () => taken++);
  await settle();
  t.ok(taken <= 3, `${taken} of 10`);
  node.end();
  t.equal((await collect(given)).length, 10, 'and loses nothing');
});

await t.test('input, output: options and formats', async (t) => {
  t.throws(() => parseOptions(input, { media: 'audio', width: 3 }), { code: 'SLUICE_CONFIG_INVALID' });
  t.throws(() => parseOptions(input, {}), { code: 'SLUICE_CONFIG_INVALID' });
  t.throws(() => parseOptions(output, { codec: 'vp8' }), { code: 'SLUICE_CONFIG_INVALID' });
  t.same(portsOf(input, parseOptions(input, SPEECH)).outputs[0]?.formats, [
    { kind: 'audio', sampleRate: 16_000, numberOfChannels: 1 },
  ]);
  const picture = { media: 'video', format: 'RGB24', width: 320, height: 240, frameRate: 5 };
  t.same(portsOf(output, parseOptions(output, picture)).inputs[0]?.formats, [
    { kind: 'video', format: 'RGB24', width: 320, height: 240, frameRate: 5 },
  ]);
  const anything = portsOf(output, parseOptions(output, {})).inputs[0]?.formats;
  t.ok(anything?.some(({ kind }) => kind === 'transcript') && anything.length === 9, 'anything, also words');
  t.end();
});
