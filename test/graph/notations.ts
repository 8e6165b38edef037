import { mkdtemp, readFile, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runInThisContext } from 'node:vm';
import * as fc from 'fast-check';
import t from 'tap';
import { loadGraph, type WrittenGraph } from '../../src/graph/load.js';
import { readLine } from '../../src/graph/notation/line.js';
import { programGraph, type Graph } from '../../src/graph/notation/program.js';
import { readText } from '../../src/graph/notation/text.js';
import { writeLine } from '../../src/graph/notation/write-line.js';
import { writeProgram } from '../../src/graph/notation/write-program.js';
import { normalGraph, writeJson, writeYaml } from '../../src/graph/notation/write-text.js';
import { planGraph } from '../../src/graph/plan.js';
import { planHash } from '../../src/graph/plan-hash.js';
import { PACKAGE_ROOT } from '../support/package-root.js';
import { GOOD_GRAPHS } from './corpus/index.js';
import { Lab } from './lab.js';

const { registry } = new Lab();
const ENVIRONMENT = { FILE: 'clip.mp4', HZ: '300' };

/** The hash of the plan that a graph makes. */
function hashOf(written: WrittenGraph): string {
  const { graph, problems } = loadGraph(written, ENVIRONMENT);
  if (!graph || problems[0]) throw problems[0] ?? new Error('no graph');
  return planHash(planGraph(graph, registry));
}

/** A graph in every other notation, read back; TypeScript as the value that its module exports. */
function everyNotation({ value }: WrittenGraph): Record<string, WrittenGraph> {
  const normal = normalGraph(value);
  return {
    yaml: readText(writeYaml(normal, './schema.json'), 'x.yaml', '/'),
    json: readText(writeJson(normal), 'x.json', '/'),
    line: readLine(writeLine(normal, {}), 'line', '/'),
    program: evaluated(writeProgram(normal)).written,
  };
}

/** Runs what a TypeScript module says, with another `graph`. */
function evaluated(module: string): Graph {
  const call = module
    .replace(/^import .*$/m, '')
    .replace('export const pipeline =', '')
    .trim()
    .replace(/;$/, '');
  const run = runInThisContext(`(graph) => ${call}`) as (graph: (value: unknown) => Graph) => Graph;
  return run((value) => programGraph(value, { file: 'x.ts' }, '/'));
}

await t.test('every graph of the corpus is the same in every notation', async (t) => {
  for (const [name, { graph }] of Object.entries(GOOD_GRAPHS)) {
    const written = readText(graph, 'lab.yaml', '/');
    const hash = hashOf(written);
    for (const [notation, again] of Object.entries(everyNotation(written))) {
      t.equal(hashOf(again), hash, `${name}: ${notation}`);
    }
  }
});

await t.test('every shipped pipeline is the same in every notation', async (t) => {
  const folder = join(PACKAGE_ROOT, 'pipelines');
  const files = (await readdir(folder)).filter((name) => name.endsWith('.yaml') && !name.endsWith('.test.yaml'));
  t.ok(files.length >= 4);
  for (const file of files) {
    const written = readText(await readFile(join(folder, file), 'utf8'), file, folder);
    const hash = hashOf(written);
    for (const [notation, again] of Object.entries(everyNotation(written))) {
      t.equal(hashOf(again), hash, `${basename(file)}: ${notation}`);
    }
  }
});

await t.test('the hash tells plans apart, and nothing else', async (t) => {
  const hash = (text: string): string => hashOf(readText(text, 'lab.yaml', '/'));
  const base = 'nodes:\n  a: { type: tone }\n  w: { type: wav, path: w.wav, from: a }';
  t.equal(hash(base), hash(`# a comment\n${base.replace('a: { type: tone }', 'a:\n    type: tone')}`));
  t.equal(hash(base), hash('nodes:\n  w: { type: wav, from: a, path: w.wav }\n  a: { type: tone }'), 'order');
  t.equal(hash(base), hash(base.replace('type: tone', 'type: tone, channels: 1')), 'a default that is written out');
  for (const [what, other] of [
    ['an option', base.replace('type: tone', 'type: tone, frequency: 300')],
    ['an id', base.replaceAll('a: {', 'b: {').replace('from: a', 'from: b')],
    ['a queue', base.replace('from: a', 'from: a, queue: { maxMs: 100 }')],
    ['what happens on errors', base.replace('from: a', 'from: a, onError: restart')],
    ['strictness', `strict: true\n${base}`],
    ['a session', `sessions: { room: { sessionId: x } }\n${base}`],
  ] as const) {
    t.not(hash(other), hash(base), what);
  }
});

await t.test('any text survives every notation', async (t) => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ minLength: 1 }),
        fc.constantFrom(
          'true',
          '7',
          'null',
          '~',
          '- a',
          'a: b',
          '!x',
          '"',
          "'",
          '\\',
          '[',
          '{a}',
          '#',
          'a #b',
          '1e3',
          '0x10',
          'a\nb',
        ),
      ),
      (text) => {
        const path = text.replaceAll('\0', '').replaceAll('$', '');
        if (path === '') return true;
        const value = { nodes: { a: { type: 'tone' }, w: { type: 'wav', from: 'a', path } } };
        const written = programGraph(value, {}, '/').written;
        return Object.values(everyNotation(written)).every(
          (again) => JSON.stringify(normalGraph(again.value)) === JSON.stringify(normalGraph(value)),
        );
      },
    ),
    { numRuns: 300 },
  );
  t.pass('for any text');
});

await t.test('a module that convert has written is a graph', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-'));
  const file = join(folder, 'x.mjs');
  const value = { nodes: { a: { type: 'tone', frequency: '${HZ}' }, n: { type: 'null', from: 'a' } } };
  const address = pathToFileURL(join(PACKAGE_ROOT, 'dist', 'index.js')).href;
  await writeFile(file, writeProgram(value).replace("'sluice'", `'${address}'`));
  const { pipeline } = (await import(pathToFileURL(file).href)) as { pipeline: Graph };
  t.equal(hashOf(pipeline.written), hashOf(readText(writeJson(value), 'x.json', '/')));
  t.match(pipeline.written.places.placeOf([]), { file, line: 3, column: 25 }, 'and knows where it is written');
  t.equal(pipeline.written.baseDir, folder);
});
