import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import t from 'tap';
import type { NodePorts } from '../../src/media/node.js';
import type { TextData } from '../../src/media/text.js';
import { parseOptions } from '../../src/media/node.js';
import { gather } from '../../src/nodes/gather.js';
import { txt } from '../../src/nodes.js';
import { testContext, type TestContext } from '../nodes/node-lab.js';

function gathering(options: object = {}, context: TestContext = testContext()): NodePorts {
  return gather.create(parseOptions(gather, options), context) as NodePorts;
}

function text(value: string, isFinal = true): TextData {
  return { kind: 'text', text: value, isFinal };
}

t.test('what everyone said is one text at the end, with who said it', async (t) => {
  const ports = gathering();
  const [ann, bob] = [
    ports.input!('in', { branch: 'ST_a', name: 'Ann' }),
    ports.input!('in', { branch: 'ST_b', name: 'Bob' }),
  ];
  const all = ports.output!('out').toArray();
  ann.write(text('good '));
  ann.write({ kind: 'transcript', text: 'not yet', isFinal: false, start: 0, end: 1 });
  bob.write({ kind: 'transcript', text: 'hello\nall', isFinal: true, start: 0, end: 1, participant: 'Robert' });
  ann.write(text('half a '));
  ann.write(text('sentence', true));
  bob.write(text('in two ', false));
  bob.write(text('parts'));
  bob.write(text('  '));
  ann.write(text('to be ', false));
  ann.write({ kind: 'transcript', text: 'in between', isFinal: true, start: 0, end: 1 });
  ann.end(text('continued', false));
  bob.end();
  await Promise.all([once(ann, 'close'), once(bob, 'close')]);
  ports.seal!('in');
  t.same(await all, [
    text(
      'Ann: good\nRobert: hello all\nAnn: half a\nAnn: sentence\nBob: in two parts\nAnn: in between\nAnn: to be continued',
    ),
  ]);
});

t.test('where nothing was said nothing comes, and of too much the oldest is let go', async (t) => {
  const silent = gathering();
  silent.input!('in').end();
  silent.seal!('in');
  t.same(await silent.output!('out').toArray(), []);
  const context = testContext();
  const talkative = gathering({ maxCharacters: 100 }, context);
  const input = talkative.input!('in');
  for (let i = 0; i < 30; i++) input.write(text('never ends ', false));
  for (let i = 0; i < 30; i++) input.write(text(`line ${i} of many`));
  input.end();
  talkative.seal!('in');
  const [kept] = (await talkative.output!('out').toArray()) as TextData[];
  t.match(kept?.text, /^line 24 of many\n[^]*line 29 of many$/);
  t.equal(context.drops.get('more than is kept'), 24 + 3, 'also of texts without an end');
});

t.test('texts are written as they are, each on a line of its own', async (t) => {
  const path = join(t.testdir(), 'out', 'said.txt');
  const said = { kind: 'transcript', text: ' good night ', isFinal: true, start: 0, end: 1 } as const;
  const values = [text('one'), text('two ', false), text('parts'), said, { ...said, isFinal: false }];
  await pipeline(Readable.from(values), txt({ path }));
  t.equal(await readFile(path, 'utf8'), 'one\ntwo parts\ngood night\n');
});
