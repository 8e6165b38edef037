import { once } from 'node:events';
import t from 'tap';
import type { TextData } from '../../src/media/text.js';
import { funnel } from '../../src/nodes/funnel.js';
import type { NodePorts } from '../../src/media/node.js';
import { testContext } from '../nodes/node-lab.js';

function text(value: string): TextData {
  return { kind: 'text', text: value, isFinal: true };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

t.test('brings words together in the order in which they come, and ends when no more can', async (t) => {
  const ports = funnel.create({}, testContext()) as NodePorts;
  const [ann, bob] = [ports.input!('in'), ports.input!('in')];
  const output = ports.output!('out');
  const got: string[] = [];
  output.on('data', (value: TextData) => got.push(value.text));
  for (const [input, said] of [
    [ann, 'one'],
    [bob, 'two'],
    [ann, 'three'],
  ] as const) {
    input.write(text(said));
    await turn();
  }
  ann.end();
  await once(ann, 'close');
  const late = ports.input!('in');
  bob.destroy();
  late.write(text('four'));
  late.end();
  await once(late, 'close');
  t.equal(output.readableEnded, false, 'another may still come');
  ports.seal!('in');
  await once(output, 'end');
  t.same(got, ['one', 'two', 'three', 'four']);
});

t.test('holds its inputs back while nobody takes what they say', async (t) => {
  const ports = funnel.create({}, testContext()) as NodePorts;
  const input = ports.input!('in');
  let written = 0;
  while (input.write(text(String(written++))) || written < 20) await turn();
  input.end();
  ports.seal!('in');
  const all = (await ports.output!('out').toArray()) as TextData[];
  t.same(
    all.map((value) => value.text),
    Array.from({ length: written }, (_, i) => String(i)),
  );
});
