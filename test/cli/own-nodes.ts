import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { cli } from './cli-lab.js';
import { MODULES, userProject } from './project-lab.js';

const NODE = `import { defineTransform, z } from 'sluice';
export const half = defineTransform({
  type: 'half',
  summary: 'Halves samples.',
  options: z.strictObject({ times: z.number().int().default(1).describe('How often.') }),
  inputs: [{ name: 'in', formats: [{ kind: 'audio' }] }],
  outputs: (_options, inputs) => [{ name: 'out', formats: inputs.get('in') ?? [{ kind: 'audio' }] }],
  example: '',
  transform: ({ times }) => (value) =>
    value.kind === 'audio' ? { ...value, data: value.data.map((sample) => sample / 2 ** times) } : value,
});
export const rest = 7;
`;
const GRAPH = `nodes:
  a: { type: tone, durationMs: 100, live: false }
  h: { type: half, from: a, times: 3 }
  w: { type: wav, path: half.wav, from: h }
  o: { type: wav, path: whole.wav, from: a }
`;

await t.test('a module of the user adds nodes to every command', async (t) => {
  const folder = await userProject({ 'package.json': MODULES, 'half.js': NODE, 'p.yaml': GRAPH });
  const [module, file] = [join(folder, 'half.js'), join(folder, 'p.yaml')];
  const unknown = await cli(['run', file]);
  t.match(unknown, { code: 78, stderr: 'there is no node type "half" [SLUICE_NODE_UNKNOWN]' });

  const run = await cli(['run', file, '--nodes', module]);
  t.equal(run.code, 0, run.stderr);
  const [half, whole] = await Promise.all(['half.wav', 'whole.wav'].map((name) => readFile(join(folder, name))));
  t.equal(loudest(half!), Math.trunc(loudest(whole!) / 8), 'an eighth of the tone');

  t.match(await cli(['validate', file, '--nodes', module]), { code: 0, stdout: `${file}: ok\n` });
  t.match((await cli(['plan', file, '--nodes', module])).stdout, /^h \(half\)$/m);
  t.match((await cli(['graph', file, '--nodes', module, '--format', 'mermaid'])).stdout, 'half');
  t.match((await cli(['nodes', '--nodes', module])).stdout, /^half +Halves samples\.$/m);
  t.match(JSON.parse((await cli(['inspect', 'half', '--json', '--nodes', module])).stdout), {
    options: [{ name: 'times' }],
  });
  t.match((await cli(['schema', '--nodes', module])).stdout, '"const": "half"');
  const line = ['launch', 'tone durationMs=40 live=false ! half ! null', '--nodes', module];
  t.match(await cli(line), { code: 0, stderr: /^ended after/ });
  t.match(await cli(['plan', '--line', 'tone ! half times=x ! null', '--nodes', module]), {
    code: 78,
    stderr: 'node "half": option "times"',
  });
});

await t.test('nodes of several modules, and of a program that brings its own along', async (t) => {
  const program = `import { graph } from 'sluice';
import { half } from './half.js';
export const pipeline = graph(
  { nodes: { a: { type: 'tone', durationMs: 40, live: false }, h: { type: 'half', from: 'a' }, n: { type: 'null', from: 'h' } } },
  { nodes: [half] },
);
`;
  const folder = await userProject({
    'package.json': MODULES,
    'half.js': NODE,
    'third.js': NODE.replaceAll('half', 'third'),
    'p.js': program,
  });
  const at = (name: string): string => join(folder, name);
  t.equal((await cli(['run', at('p.js')])).code, 0);
  t.equal((await cli(['run', at('p.js'), '--nodes', at('half.js')])).code, 0, 'the same node twice is one');
  const both = ['--nodes', at('half.js'), '--nodes', at('third.js')];
  const line = await cli(['launch', 'tone durationMs=40 live=false ! half ! third ! null', ...both]);
  t.equal(line.code, 0, line.stderr);
});

await t.test('modules without nodes, with broken ones, with a type that is taken', async (t) => {
  const folder = await userProject({
    'package.json': MODULES,
    'none.js': 'export const a = 1;',
    'broken.js': "throw new Error('not today');",
    'taken.js': NODE.replace("type: 'half'", "type: 'gain'"),
    'half.js':
      "export const half = { type: 'half', summary: 's', options: {}, inputs: [], outputs: [], example: '', create() {} };",
  });
  for (const [name, message] of [
    ['none.js', 'the module exports no node'],
    ['broken.js', 'the program broke: not today'],
    ['taken.js', 'there is a node of type "gain" already [SLUICE_CONFIG_INVALID]'],
    ['half.js', 'options of the node "half" is not what it has to be'],
  ] as const) {
    t.match(await cli(['nodes', '--nodes', join(folder, name)]), { code: 78, stderr: message }, name);
  }
  t.match(await cli(['nodes', '--nodes', join(folder, 'nope.js')]), { code: 78, stderr: 'SLUICE_FILE_NOT_FOUND' });
});

/** The loudest sample of a WAV file of 16 bits. */
function loudest(wav: Buffer): number {
  let most = 0;
  for (let at = 44; at < wav.length; at += 2) most = Math.max(most, wav.readInt16LE(at));
  return most;
}
