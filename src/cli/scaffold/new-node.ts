import { basename } from 'node:path';
import { SluiceError } from '../../media/errors.js';
import { allNodes } from '../../pipeline.js';
import { extensionFor } from './project.js';
import type { Scaffold } from './write-new.js';

/**
 * A node that works as it is, and its test, in the language of the project that they are put into. Both are free of types that
 * a compiler could not find by itself, so that they are the same in JavaScript and TypeScript. Errors: SLUICE_USAGE for the name
 * of a node that comes with sluice.
 */
export async function newNode(path: string, name: string): Promise<Scaffold> {
  if ((await allNodes()).get(name)) {
    throw new SluiceError('SLUICE_USAGE', `there is a node of type "${name}" already`, {
      mend: 'Choose another name.',
    });
  }
  const { source, runs } = await extensionFor(path);
  const test = `${path}.test.${runs}`;
  // With `Node` behind it, no name is a word of the language, or one that the test imports.
  const identifier = `${name.replaceAll(/-(\w)/g, (_all, letter: string) => letter.toUpperCase())}Node`;
  return {
    files: [
      { path: `${path}.${source}`, text: nodeText(name, identifier) },
      { path: `${path}.test.${source}`, text: testText(name, identifier, `./${basename(path)}.${runs}`) },
    ],
    next: `${source === runs ? '' : 'tsc; '}node --test ${test}; sluice inspect ${name} --nodes ${path}.${runs}`,
  };
}

function nodeText(type: string, identifier: string): string {
  return `import { defineTransform, z } from 'sluice';

const Options = z.strictObject({
  factor: z.number().min(0).max(8).default(1).describe('What samples are multiplied by; 1 leaves them as they are.'),
});

/** Multiplies audio by a constant factor, clipped at full scale. */
export const ${identifier} = defineTransform({
  type: '${type}',
  summary: 'Multiplies audio by a constant factor.',
  options: Options,
  inputs: [{ name: 'in', formats: [{ kind: 'audio' }] }],
  // What comes out looks like what goes in.
  outputs: (_options, inputs) => [{ name: 'out', formats: inputs.get('in') ?? [{ kind: 'audio' }] }],
  example: \`nodes:
  beep: { type: tone, durationMs: 500 }
  half: { type: ${type}, from: beep, factor: 0.5 }
  file: { type: wav, from: half, path: out/half.wav }\`,
  // Called for every chunk. Values are shared: make new ones instead of changing those that came in.
  transform: ({ factor }) => (value) => {
    if (value.kind !== 'audio') return value;
    return { ...value, data: value.data.map((sample) => Math.max(-32768, Math.min(32767, Math.round(sample * factor)))) };
  },
});
`;
}

function testText(type: string, identifier: string, module: string): string {
  return `import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import test from 'node:test';
import { audioData, graph, runGraph } from 'sluice';
import { ${identifier} } from '${module}';

test('${type} multiplies samples by its factor, and clips them', async () => {
  const pipeline = graph(
    {
      nodes: {
        mic: { type: 'input', media: 'audio', sampleRate: 48000, channels: 1 },
        louder: { type: '${type}', from: 'mic', factor: 2 },
        speaker: { type: 'output', media: 'audio', from: 'louder' },
      },
    },
    { nodes: [${identifier}] },
  );
  const mic = Readable.from([audioData(Int16Array.of(100, -100, 30000), 48000, 1, 0)]);
  const speaker = new PassThrough({ objectMode: true });
  const run = await runGraph(pipeline, { inputs: { mic }, outputs: { speaker } });
  const [first] = await speaker.toArray();
  await run.finished;
  assert.deepEqual([...first.data], [200, -200, 32767]);
});
`;
}
