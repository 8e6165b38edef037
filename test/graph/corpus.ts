import { PassThrough } from 'node:stream';
import t from 'tap';
import { z } from 'zod';
import { ERROR_CODES, formatPlace } from '../../src/media/errors.js';
import { defineNode, type NodeDef, type PortDef } from '../../src/media/node.js';
import { planGraph } from '../../src/graph/plan.js';
import type { Plan } from '../../src/graph/planned.js';
import { BAD_GRAPHS, CORPUS_SIZE, FORMATTED, GOOD_GRAPHS } from './corpus/index.js';
import { FLOW } from './corpus/flow.js';
import { Lab, MONO, loadText, problemsIn } from './lab.js';

const { registry } = new Lab();

await t.test('the corpus', async (t) => {
  const names = Object.keys({ ...GOOD_GRAPHS, ...BAD_GRAPHS });
  t.equal(names.length, CORPUS_SIZE, 'no name is used twice');
  t.ok(CORPUS_SIZE >= 200, `${CORPUS_SIZE} graphs`);
});

await t.test('formats: the converters that are put in, and the options that are settled', async (t) => {
  for (const [name, { graph, plan }] of Object.entries(FORMATTED)) t.strictSame(converted(planOf(graph)), plan, name);
});

await t.test('flow: push, pull, queues, latency and what happens on errors', async (t) => {
  for (const [name, { graph, plan }] of Object.entries(FLOW)) t.strictSame(flowing(planOf(graph)), plan, name);
});

await t.test('everything wrong is told with code, place, message and mend', async (t) => {
  const lab = new Lab(extraNodes());
  for (const [name, { graph, file = 'lab.yaml', refused }] of Object.entries(BAD_GRAPHS)) {
    const problems = problemsIn(graph, lab.registry, {}, file);
    t.strictSame(
      problems.map(({ code, place, message, mend }) => [code, withoutFile(formatPlace(place), file), message, mend]),
      refused,
      name,
    );
    for (const { place, found, expected } of problems) {
      t.ok((place?.line ?? 0) > 0 && (place?.column ?? 0) > 0, `${name}: has a line and a column`);
      t.ok(found !== undefined && found !== '', `${name}: says what was found`);
      t.ok(expected !== undefined && expected !== '', `${name}: says what was expected`);
    }
  }
});

await t.test('every code of planning is in the corpus', async (t) => {
  const told = new Set(Object.values(BAD_GRAPHS).flatMap(({ refused }) => refused.map(([code]) => code)));
  const planning = Object.keys(ERROR_CODES).filter((code) =>
    /^SLUICE_(CONFIG|LINK|PORT|INPUT|OUTPUT|BRANCH)_|^SLUICE_(NODE|SESSION)_UNKNOWN/.test(code),
  );
  t.same(
    planning.filter((code) => !told.has(code)),
    [],
  );
});

await t.test('the mend of a deadlock and of a strict link works', async (t) => {
  for (const [name, { graph, refused }] of Object.entries(BAD_GRAPHS)) {
    for (const [code, , , mend] of refused) {
      if (code === 'SLUICE_LINK_STRICT') {
        t.same(problemsIn(graph.replace('strict: true\n', ''), registry), [], `${name}: without strict`);
      }
      const [, id, queue] = /^Give "(\w+)" `(queue: \{[^}]*\})`/.exec(mend) ?? [];
      if (id === undefined || queue === undefined) continue;
      const line = new RegExp(`^(  ${id}: \\{.*?)(, queue: \\{[^}]*\\})? \\}$`, 'm');
      t.same(problemsIn(graph.replace(line, `$1, ${queue} }`), registry), [], `${name}: with the queue`);
    }
  }
});

function planOf(text: string): Plan {
  const { graph, problems } = loadText(text);
  if (!graph || problems[0]) throw problems[0] ?? new Error('no graph');
  return planGraph(graph, registry);
}

function converted({ nodes }: Plan): string[] {
  const options = (of: unknown): string =>
    Object.entries(of as object)
      .map(([name, value]) => `${name}=${String(value)}`)
      .join(' ');
  return [
    ...nodes.filter((node) => node.inserted).map((node) => `${node.id}(${options(node.options)})`),
    ...nodes
      .filter((node) => Object.keys(node.adapted).length > 0)
      .map((node) => `${node.id}: ${options(node.adapted)}`),
  ];
}

function flowing({ links, latencies, nodes }: Plan): string[] {
  return [
    ...links.map(
      ({ from, to, flow, queue }) =>
        `${from.node}>${to.node} ${flow}${queue ? ` ${queue.maxMs} ${queue.overflow}` : ''}`,
    ),
    ...latencies.map(
      ({ source, sink, minMs, maxMs, live }) => `${source}~${sink} ${minMs}..${maxMs}${live ? ' live' : ''}`,
    ),
    ...nodes.filter(({ onError }) => onError.action !== 'fail').map(({ id, onError }) => `${id} ${onError.action}`),
  ];
}

function withoutFile(place: string, file: string): string {
  return place.replace(`${file}:`, '');
}

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
