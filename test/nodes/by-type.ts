import t from 'tap';
import { CONVERTERS, NODES_BY_TYPE } from '../../src/nodes/by-type.js';
import * as defs from '../../src/nodes/index.js';
import type { NodeDef } from '../../src/media/node.js';

const all: readonly NodeDef[] = Object.values(defs);

await t.test('every node can be loaded by its type alone', async (t) => {
  const loaded = await Promise.all([...NODES_BY_TYPE.values()].map((load) => load()));
  t.same(
    loaded.map(({ type }) => type),
    [...NODES_BY_TYPE.keys()],
  );
  t.same(new Set(loaded), new Set(all));
});

await t.test('the planner has every node that converts', (t) => {
  const converting = all.filter((def) => def.converts).map(({ type }) => type);
  t.same([...CONVERTERS].sort(), converting.sort());
  t.end();
});
