import { once } from 'node:events';
import { finished, pipeline } from 'node:stream/promises';
import { Readable, type Duplex } from 'node:stream';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { audioData, type AudioData } from '../../src/media/audio-data.js';
import { parseOptions } from '../../src/media/node.js';
import type { TextData } from '../../src/media/text.js';
import { exec } from '../../src/nodes/exec.js';
import { concat, levelAt, testContext, type TestContext } from './node-lab.js';

const RATE = 16_000;

/** The node with a program of Node.js. */
function running(script: string, options: object = {}, context: TestContext = testContext()): Duplex {
  const command = [process.execPath, '-e', script];
  return exec.create(parseOptions(exec, { command, ...options }), context) as Duplex;
}

function tone(chunks: number, hz = 440): AudioData[] {
  return Array.from({ length: chunks }, (_, chunk) => {
    const samples = Int16Array.from({ length: RATE / 50 }, (_, i) =>
      Math.round(10_000 * Math.sin((2 * Math.PI * hz * (chunk * (RATE / 50) + i)) / RATE)),
    );
    return audioData(samples, RATE, 1, chunk * 20_000);
  });
}

async function through(stream: Duplex, values: readonly object[]): Promise<unknown[]> {
  const out: unknown[] = [];
  await pipeline(Readable.from(values), stream, async (given) => {
    for await (const value of given) out.push(value);
  });
  return out;
}

t.test('sound goes through a program to the sample, whatever pieces it writes', async (t) => {
  const pieces = `process.stdin.on('data', (data) => {
    for (let at = 0; at < data.length; at += 333) process.stdout.write(data.subarray(at, at + 333));
  })`;
  const out = (await through(running(pieces), tone(100))) as AudioData[];
  t.same(concat(out), concat(tone(100)));
  t.same(
    out.map(({ timestamp }) => timestamp),
    out.map((_, i) => i * 20_000),
  );
  const halved = `process.stdin.on('data', (data) => {
    for (let i = 0; i + 1 < data.length; i += 2) data.writeInt16LE(data.readInt16LE(i) / 2, i);
    process.stdout.write(data);
  })`;
  const quiet = concat((await through(running(halved), tone(100))) as AudioData[]);
  t.ok(Math.abs(levelAt(quiet, RATE, 440) - (levelAt(concat(tone(100)), RATE, 440) - 6)) < 0.2, 'it was worked on');
});

t.test('lines go in and come out as texts', async (t) => {
  const shout = `require('readline').createInterface({ input: process.stdin }).on('line', (line) => console.log(line.toUpperCase() + '\\n'))`;
  const out = await through(running(shout, { input: 'text', output: 'text' }), [
    { kind: 'text', text: 'good ', isFinal: false },
    { kind: 'text', text: 'morning', isFinal: true },
    { kind: 'transcript', text: 'not yet', isFinal: false, start: 0, end: 1 },
    { kind: 'transcript', text: 'über', isFinal: true, start: 0, end: 1 },
  ]);
  t.same(out, [
    { kind: 'text', text: 'GOOD MORNING', isFinal: true },
    { kind: 'text', text: 'ÜBER', isFinal: true },
  ]);
});

t.test('a long line comes in parts, also where it comes at once', async (t) => {
  const source = running(`console.log('x'.repeat(9000) + ' '); console.log('next')`, { input: 'none', output: 'text' });
  t.same(
    ((await source.toArray()) as TextData[]).map(({ text, isFinal }) => [text.length, isFinal]),
    [
      [4000, false],
      [4000, false],
      [1000, true],
      [4, true],
    ],
  );
});

t.test('a program can be a source by itself, and a sink', async (t) => {
  const source = running(`process.stdout.write(Buffer.alloc(1000, 1))`, { input: 'none' });
  const chunks = (await source.toArray()) as AudioData[];
  t.same(
    chunks.map(({ numberOfFrames }) => numberOfFrames),
    [320, 180],
  );
  const file = join(t.testdir(), 'sound.raw');
  const sink = running(`process.stdin.pipe(require('fs').createWriteStream(process.argv[1]))`, {
    command: [process.execPath, '-e', `process.stdin.pipe(require('fs').createWriteStream(process.argv[1]))`, file],
    output: 'none',
  });
  await pipeline(Readable.from(tone(10)), sink);
  t.equal((await readFile(file)).length, 10 * 640);
});

t.test('a program that fails is told of with what it said, one that ends early ends the node', async (t) => {
  await t.rejects(through(running(`console.error('no such model'); process.exit(3)`), tone(3)), {
    code: 'SLUICE_PROGRAM_FAILED',
    message: /exit code 3\): no such model/,
  });
  const missing = exec.create(parseOptions(exec, { command: ['/nowhere/program'] }), testContext()) as Duplex;
  await t.rejects(through(missing, tone(3)), { code: 'SLUICE_PROGRAM_MISSING' });
  const context = testContext();
  const brief = running(`process.stdin.once('data', () => process.exit(0))`, {}, context);
  brief.resume();
  for (const chunk of tone(3)) brief.write(chunk);
  await new Promise((resolve) => brief.once('end', resolve));
  brief.write(tone(1)[0]);
  brief.end();
  await finished(brief);
  t.equal(context.drops.get('the program has ended'), 1);
  await t.rejects(through(running(`setInterval(() => undefined, 1000)`, { endMs: 100 }), tone(3)), {
    code: 'SLUICE_PROGRAM_FAILED',
    message: /did not end within 100 ms/,
  });
});

t.test('a program that does not end is given up, whatever holds its output open', async (t) => {
  const leaving = `const child = require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'],
    { stdio: 'inherit', detached: true }); console.log(child.pid); setInterval(() => undefined, 1000);`;
  const stream = running(leaving, { output: 'text', input: 'text', endMs: 100 });
  const [{ text }] = (await once(stream, 'data')) as [TextData];
  t.teardown(() => process.kill(Number(text), 'SIGKILL'));
  stream.end();
  await t.rejects(finished(stream), { code: 'SLUICE_PROGRAM_FAILED', message: /did not end within 100 ms/ });
});

t.test('what a program does not read any more is counted', async (t) => {
  const context = testContext();
  // It closes its input after the first line, and tells so.
  const deaf = `process.stdin.once('data', () => { require('fs').closeSync(0); console.log('deaf'); });
    setInterval(() => undefined, 1000)`;
  const stream = running(deaf, { output: 'text', input: 'text' }, context);
  stream.write({ kind: 'text', text: 'one', isFinal: true });
  t.match(await once(stream, 'data'), [{ text: 'deaf' }]);
  for (let i = 0; i < 3; i++)
    await new Promise((resolve) => stream.write({ kind: 'text', text: 'more', isFinal: true }, resolve));
  t.equal(context.drops.get('the program has ended'), 3);
  stream.destroy();
  await once(stream, 'close');
});

t.test('nothing is left of a program whose stream is destroyed', async (t) => {
  const stream = running(`console.log(process.pid); setInterval(() => undefined, 1000)`, { output: 'text' });
  const [{ text }] = (await stream.take(1, {}).toArray()) as [TextData];
  stream.on('error', () => undefined).destroy(new Error('enough'));
  await new Promise((resolve) => stream.once('close', resolve));
  t.throws(() => process.kill(Number(text), 0), { code: 'ESRCH' });
});

t.test('a stream that is destroyed is closed, whatever its program has started', async (t) => {
  const forking = `require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { stdio: 'inherit' });
    console.log('started'); setInterval(() => undefined, 1000)`;
  const stream = running(forking, { output: 'text' });
  t.match(await stream.take(1, {}).toArray(), [{ text: 'started' }]);
  stream.on('error', () => undefined).destroy(new Error('enough'));
  await new Promise((resolve) => stream.once('close', resolve));
});

t.test('a program waits for who reads it slowly', async (t) => {
  const flood = running(
    `const part = Buffer.alloc(64_000); const more = () => { while (process.stdout.write(part)); };
    process.stdout.on('drain', more); more();`,
    { input: 'none' },
  );
  await new Promise((resolve) => flood.once('readable', resolve));
  const before = flood.readableLength;
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
  t.ok(flood.readableLength <= Math.max(before, 250), `${flood.readableLength} chunks wait`);
  flood.on('error', () => undefined).destroy();
  await new Promise((resolve) => flood.once('close', resolve));
});
