import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readFile, readdir, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import t from 'tap';
import { MAX_CAPTIONS_BYTES, type CaptionsData } from '../../src/media/captions.js';
import { VirtualClock } from '../../src/media/clock.js';
import type { TextData } from '../../src/media/text.js';
import type { Transcript } from '../../src/media/transcript.js';
import { captions, jsonl, textLines, webvtt } from '../../src/nodes.js';
import { jsonl as jsonlNode } from '../../src/nodes/jsonl.js';
import { transcript } from '../../src/nodes/transcript.js';
import { webvtt as webvttNode } from '../../src/nodes/webvtt.js';
import { LineSplitter } from '../../src/speech/line-splitter.js';
import { asWritable, testContext } from '../nodes/node-lab.js';

function said(text: string, start: number, end: number, more: Partial<Transcript> = {}): Transcript {
  return { kind: 'transcript', text, isFinal: true, start, end, ...more };
}

t.test('transcripts become WebVTT subtitles, whatever is said in them', async (t) => {
  const path = join(t.testdir(), 'said.vtt');
  const values = [
    said('Good evening', 1_500_000, 2_250_000, { participant: 'Ann <3' }),
    said('Good', 0, 1, { isFinal: false }),
    said('All at once, as captions may be', 5_000_000, 5_000_000),
    said('Yes', 9_000_000, 9_000_000),
    said('a < b && c --> d\n\nNOTE nothing', 3_725_004_000, 3_726_000_000),
    said('\rOne\r\rtwo\r\n', 0, 1_000_000, { participant: 'Bob\n\n00:00 --> 00:09\rfake' }),
  ];
  await pipeline(Readable.from(values), webvtt({ path }));
  t.equal(
    await readFile(path, 'utf8'),
    `WEBVTT

00:00:01.500 --> 00:00:02.250
<v Ann &lt;3>Good evening

00:00:05.000 --> 00:00:06.860
All at once, as captions may be

00:00:09.000 --> 00:00:10.000
Yes

01:02:05.004 --> 01:02:06.000
a &lt; b &amp;&amp; c --&gt; d
NOTE nothing

00:00:00.000 --> 00:00:01.000
<v Bob 00:00 --&gt; 00:09 fake>One
two
`,
  );
});

t.test('subtitles of a session begin with it, however long its machine has been up', async (t) => {
  const clock = new VirtualClock();
  clock.advance(72_000_000);
  const baseDir = t.testdir();
  const file = await webvttNode.create(
    webvttNode.options.parse({ path: 'said.vtt', timesFrom: 'start' }),
    testContext({ clock, baseDir }),
  );
  const atUs = clock.nowUs();
  await pipeline(Readable.from([said('Good evening', atUs + 1_500_000, atUs + 2_250_000)]), asWritable(file));
  t.equal(await readFile(join(baseDir, 'said.vtt'), 'utf8'), 'WEBVTT\n\n00:00:01.500 --> 00:00:02.250\nGood evening\n');
});

t.test('values become lines of JSON, which are there as soon as they were written', async (t) => {
  const path = join(t.testdir(), 'out', 'said.jsonl');
  const file = jsonl({ path });
  const value = said('Good\nevening', 0, 1000, { participant: 'Ann' });
  await new Promise((resolve) => file.write(value, resolve));
  t.same(JSON.parse(await readFile(path, 'utf8')), value);
  file.end({ kind: 'voice-activity', isSpeaking: true, timestamp: 5 });
  await new Promise((resolve) => file.once('close', resolve));
  t.equal((await readFile(path, 'utf8')).split('\n').length, 3);
});

t.test('a node that is made anew after a failure keeps what it had written', async (t) => {
  const baseDir = t.testdir();
  for (const isRestart of [false, true]) {
    const context = { ...testContext({ baseDir }), isRestart };
    const file = asWritable(await jsonlNode.create({ path: 'said.jsonl' }, context));
    file.end(said(isRestart ? 'two' : 'one', 0, 1));
    await new Promise((resolve) => file.once('close', resolve));
  }
  t.match(await readFile(join(baseDir, 'said.jsonl'), 'utf8'), /one/);
  t.match(await readFile(join(baseDir, 'said-2.jsonl'), 'utf8'), /two/);
});

t.test('lines of a file come as texts, and none is too long', async (t) => {
  const path = join(t.testdir(), 'lines.txt');
  await writeFile(path, `One\r\n\n  Two  \n${'x'.repeat(9000)}`);
  const lines = (await textLines({ path }).toArray()) as TextData[];
  t.same(
    lines.map(({ text, isFinal }) => [text.slice(0, 3), text.length, isFinal]),
    [
      ['One', 3, true],
      ['Two', 3, true],
      ['xxx', 4000, false],
      ['xxx', 4000, false],
      ['xxx', 1000, true],
    ],
  );
  await t.rejects(textLines({ path: join(path, 'nothing') }).toArray(), { code: 'SLUICE_FILE_NOT_FOUND' });
});

t.test('a line without an end comes in parts while it is written, and no character is cut in two', async (t) => {
  const path = namedPipe(t.testdir());
  const [lines, writer] = [textLines({ path }), createWriteStream(path)];
  // Of each character the second half is where a part would end.
  writer.write(`x${'😀'.repeat(4500)}`);
  const parts = lines[Symbol.asyncIterator]() as AsyncIterator<TextData>;
  const next = async (): Promise<TextData> => (await parts.next()).value as TextData;
  const begun = [await next(), await next()];
  t.same(
    begun.map(({ text, isFinal }) => [text.length, isFinal]),
    [
      [3999, false],
      [4000, false],
    ],
  );
  writer.end('\nnext');
  const rest = await next();
  t.equal([...begun, rest].map(({ text }) => text).join(''), `x${'😀'.repeat(4500)}`);
  t.ok(rest.isFinal);
  t.match(await next(), { text: 'next', isFinal: true });
  t.equal((await parts.next()).done, true);
});

t.test('lines that are still written are closed at once when nobody wants more', async (t) => {
  const path = namedPipe(t.testdir());
  const [lines, writer] = [textLines({ path }), createWriteStream(path)];
  writer.on('error', () => undefined).write('One\nTw');
  t.match((await once(lines, 'data'))[0], { text: 'One', isFinal: true });
  const closed = once(lines, 'close');
  lines.destroy();
  await closed;
  writer.destroy();
});

t.test('a long line that ends in white space has an end, and a short one begins anew', (t) => {
  for (const length of [1, 7, 100_000]) {
    const splitter = new LineSplitter();
    const bytes = Buffer.from(`${'y'.repeat(4000)}${' '.repeat(20)}\r\n \n ü \rlast`);
    const values: TextData[] = [];
    for (let at = 0; at < bytes.length; at += length) values.push(...splitter.push(bytes.subarray(at, at + length)));
    values.push(...splitter.end());
    t.equal(values.filter(({ isFinal }) => isFinal).length, 3, `parts of ${length}`);
    t.same(textsOf(values), ['y'.repeat(4000), 'ü', 'last']);
  }
  t.end();
});

/** A file that is read while it is written. */
function namedPipe(folder: string, program = 'mkfifo'): string {
  const path = join(folder, 'pipe');
  execFileSync(program, [path]);
  return path;
}

/** What belongs together in one text. */
function textsOf(values: readonly TextData[]): string[] {
  const texts: string[] = [];
  let begun = '';
  for (const { text, isFinal } of values) {
    begun += text;
    if (isFinal) texts.push(begun.trim());
    if (isFinal) begun = '';
  }
  return texts;
}

t.test('a file whose first line cannot be written is closed', async (t) => {
  await t.rejects(Promise.resolve(webvttNode.create(webvttNode.options.parse({ path: '/dev/full' }), testContext())), {
    code: 'SLUICE_FILE_WRITE',
    mend: /room/,
  });
  const open = await Promise.all(
    (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
  );
  t.notOk(open.includes('/dev/full'));
});

t.test('transcripts and texts become captions, with who said them, and never too long to be sent', async (t) => {
  const values: (Transcript | TextData)[] = [
    said('Hello', 0, 1, { participant: 'Ann', isFinal: false }),
    { kind: 'text', text: 'Hi', isFinal: true },
  ];
  t.same(await captioned(values, true), [
    { kind: 'captions', text: 'Hello', isFinal: false, speaker: { name: 'Ann' } },
    { kind: 'captions', text: 'Hi', isFinal: true },
  ]);
  const [long] = await captioned([said('é'.repeat(MAX_CAPTIONS_BYTES), 0, 1)], false);
  t.equal(Buffer.byteLength(long!.text), MAX_CAPTIONS_BYTES);
  t.match(long!.text, /^é+$/);
});

async function captioned(values: readonly (Transcript | TextData)[], speaker: boolean): Promise<CaptionsData[]> {
  return (await Readable.from(values).pipe(captions({ speaker })).toArray()) as CaptionsData[];
}

t.test('captions of others become transcripts, from when they began to when they were final', async (t) => {
  const clock = new VirtualClock();
  const stream = { streamId: 'ann-1', name: 'Ann', connectionId: 'a', hasAudio: true, hasVideo: false };
  const made = await transcript.create({}, testContext({ clock, branch: stream }));
  if (!(made instanceof Transform)) throw new Error('it is a transform');
  const say = (text: string, isFinal: boolean, more: Partial<CaptionsData> = {}): unknown =>
    made.write({ kind: 'captions', text, isFinal, segmentId: 'one', ...more } satisfies CaptionsData);
  clock.advance(500);
  say('Good', false);
  say('And', false, { segmentId: 'two', speaker: { name: 'Bob' } });
  clock.advance(700);
  say('Good morning', true);
  clock.advance(100);
  say('And you', true, { segmentId: 'two', speaker: { name: 'Bob' } });
  say('Yes', true);
  made.end();
  const ann = { participant: 'Ann', streamId: 'ann-1' };
  t.strictSame(await made.toArray(), [
    said('Good', 500_000, 500_000, { isFinal: false, ...ann }),
    said('And', 500_000, 500_000, { isFinal: false, participant: 'Bob' }),
    said('Good morning', 500_000, 1_200_000, ann),
    said('And you', 500_000, 1_300_000, { participant: 'Bob' }),
    said('Yes', 1_300_000, 1_300_000, ann),
  ]);
});
