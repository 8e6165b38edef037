import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { z } from 'zod';
import { nodeReference, referencePage, referenceText } from '../../src/graph/reference.js';
import { pipelineSchema } from '../../src/graph/pipeline-schema.js';
import { Registry } from '../../src/graph/registry.js';
import { checkGraph } from '../../src/graph/plan.js';
import { GRAPH_KEYS } from '../../src/graph/schema.js';
import * as nodes from '../../src/nodes/index.js';
import { PACKAGE_ROOT } from '../support/package-root.js';
import { loadText } from './lab.js';

const registry = new Registry(Object.values(nodes));

await t.test('every node is described', async (t) => {
  for (const def of registry.list()) {
    const reference = nodeReference(def);
    t.match(reference.summary, /^[A-Z].*\.$/, `${def.type} has a summary that is a sentence`);
    for (const option of reference.options) t.ok(option.description, `${def.type}.${option.name} is described`);
    t.ok(reference.inputs.length + reference.outputs.length > 0, `${def.type} has ports`);
    if (def.joins)
      t.ok(
        reference.inputs.some((port) => port.many),
        `${def.type} joins, so it takes many`,
      );
    t.notOk(
      reference.options.some(({ name }) => GRAPH_KEYS.includes(name)),
      `${def.type} leaves the names of the graph to it`,
    );
    t.equal(def.branches === undefined, def.watch === undefined, `${def.type} makes branches and watches, or neither`);
  }
  t.end();
});

await t.test('every example is a pipeline that works', async (t) => {
  for (const def of registry.list()) {
    // Keys come from the environment.
    const { graph, problems } = loadText(def.example.replaceAll(/\$\{\w+\}/g, 'a-key'));
    t.same(problems, [], `${def.type}: the example can be read`);
    if (!graph) continue;
    t.same(checkGraph(graph, registry).problems, [], `${def.type}: the example can be planned`);
    t.ok(
      graph.nodes.some((node) => node.type === def.type),
      `${def.type}: the example uses it`,
    );
  }
  t.end();
});

await t.test('the reference of a node', async (t) => {
  const text = referenceText(nodeReference(nodes.mixer));
  for (const line of [
    'mixer: Mixes any number of audio inputs into one, also those of branches, and for each branch all the others.',
    'input   in: audio 48000 Hz 1 ch (any number of links)',
    'output  others: audio 48000 Hz 1 ch (one for each branch, optional)',
    '  channels  1 | 2, default 1',
    '  queueMs  number 40..2000, default 200',
  ]) {
    t.match(text, line);
  }
  t.match(referenceText(nodeReference(nodes.wav)), '  path  string, required');
  t.end();
});

await t.test('the schema for editors takes what the loader takes', async (t) => {
  const schema = z.fromJSONSchema(pipelineSchema(registry) as Parameters<typeof z.fromJSONSchema>[0]);
  const good = { nodes: { a: { type: 'tone', frequency: '${HZ}' }, b: { type: 'null', from: ['a'] } } };
  t.ok(schema.safeParse(good).success);
  t.notOk(schema.safeParse({ nodes: { a: { type: 'tone', freq: 3 } } }).success, 'an unknown option');
  t.notOk(schema.safeParse({ nodes: { a: { type: 'tone', frequency: -1 } } }).success, 'a value out of range');
  t.notOk(schema.safeParse({ nodes: { a: { type: 'nope' } } }).success, 'an unknown type');
  t.notOk(schema.safeParse({ nodes: {} }).success, 'no nodes');
  const withQueue = (queue: object): object => ({
    strict: true,
    nodes: { a: { type: 'tone', onError: 'restart' }, b: { type: 'null', from: 'a', queue } },
  });
  t.ok(schema.safeParse(withQueue({ maxMs: 100, overflow: 'block' })).success, 'strict, a queue, what to do on errors');
  t.notOk(schema.safeParse(withQueue({ overflow: 'leak' })).success, 'an unknown policy');
  t.notOk(schema.safeParse({ ...good, strict: 'yes' }).success);
  const voice = (tts: object, queue: object): object => ({
    nodes: { a: { type: 'voice-agent', from: ['b'], queue, llm: { type: 'rules', rules: [] }, tts } },
  });
  const variables = [
    { type: 'tts-openai', baseUrl: 'http://${HOST}/v1', speed: '${SPEED:-1}' },
    { maxMs: '${MS}' },
  ] as const;
  t.ok(schema.safeParse(voice(...variables)).success, 'variables inside of options, and in addresses');
  t.notOk(schema.safeParse(voice({ ...variables[0], speed: 'fast' }, variables[1])).success);
  t.notOk(schema.safeParse(voice({ ...variables[0], baseUrl: 'nowhere' }, variables[1])).success);
  t.end();
});

await t.test('every shipped file names its schema for editors, and is what that says', async (t) => {
  const folder = join(PACKAGE_ROOT, 'pipelines');
  const schemas = new Map(
    ['schema.json', 'test-schema.json'].map((name) => {
      const schema: unknown = JSON.parse(readFileSync(join(folder, name), 'utf8'));
      return [name, z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0])];
    }),
  );
  const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
  t.ok(files.length >= 28, `${files.length} files`);
  for (const file of files) {
    const text = readFileSync(join(folder, file), 'utf8');
    const schema = file.endsWith('.test.yaml') ? 'test-schema.json' : 'schema.json';
    t.ok(text.startsWith(`# yaml-language-server: $schema=./${schema}\n`), `${file} names ${schema}`);
    t.same(schemas.get(schema)?.safeParse(parse(text)).error?.issues ?? [], [], file);
  }
  t.end();
});

await t.test('what is generated is fresh', async (t) => {
  const text = (path: string): string => readFileSync(join(PACKAGE_ROOT, path), 'utf8');
  t.equal(text('src/nodes/README.md'), referencePage(registry), 'run `npm run gen`');
  t.equal(text('pipelines/schema.json'), `${JSON.stringify(pipelineSchema(registry), null, 2)}\n`, 'run `npm run gen`');
  const files = readdirSync(join(PACKAGE_ROOT, 'src', 'nodes')).filter(
    (name) => name.endsWith('.ts') && name !== 'index.ts' && name !== 'by-type.ts',
  );
  for (const name of files)
    for (const list of ['index.ts', 'by-type.ts'])
      t.match(text(`src/nodes/${list}`), `'./${name.replace(/ts$/, 'js')}'`, `${name} is in ${list}`);
  t.end();
});
