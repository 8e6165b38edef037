import { PassThrough } from 'node:stream';
import t from 'tap';
import { z } from 'zod';
import { formatPlace } from '../../src/media/errors.js';
import { defineNode, type NodeDef, type PortDef } from '../../src/media/node.js';
import { BAD_GRAPHS } from './bad-graph-corpus.js';
import { Lab, MONO, problemsIn } from './lab.js';

await t.test('everything wrong is told with code, place, message and mend', async (t) => {
  for (const [name, { text, file, problems }] of Object.entries(BAD_GRAPHS)) {
    await t.test(name, (t) => {
      const found = problemsIn(text, new Lab(extraNodes()).registry, {}, file);
      t.strictSame(
        found.map((problem) => [problem.code, formatPlace(problem.place), problem.message, problem.mend]),
        problems,
      );
      t.end();
    });
  }
});

/** Shapes that the simple nodes do not have. */
function extraNodes(): NodeDef[] {
  const node = (type: string, inputs: readonly PortDef[], outputs: readonly PortDef[]): NodeDef =>
    defineNode({
      type,
      summary: '',
      options: z.strictObject({}),
      inputs,
      outputs,
      example: '',
      create: () => new PassThrough(),
    });
  const port = (name: string): PortDef => ({ name, formats: [MONO] });
  return [
    node('twin', [port('one'), port('two')], [port('out')]),
    node(
      'pair',
      [],
      [
        { ...port('left'), optional: true },
        { ...port('right'), optional: true },
      ],
    ),
    node('any-rate', [], [{ name: 'out', formats: [{ kind: 'audio' }] }]),
  ];
}
