import { join, parse, resolve } from 'node:path';
import type { Plan, PlannedNode } from '../graph/planned.js';
import type { NodeContext, NodeDef } from '../media/node.js';
import { scriptSource, type ScriptedOutputs } from './script/script-source.js';
import type { VirtualTime } from './virtual-time.js';

export interface Dressing {
  /** Empty folder in which files are written: as if it were the root of the file system. */
  readonly sandbox: string;
  readonly time: VirtualTime;
  /** What gives media instead of these nodes, by their ids. */
  readonly inputs: ReadonlyMap<string, ScriptedOutputs>;
}

/**
 * The plan as it runs in a test: nothing is planned otherwise, but some sources are played by a script, sinks write below the
 * sandbox, and time waits while nodes are made.
 */
export function dressPlan(plan: Plan, dressing: Dressing): Plan {
  return { ...plan, nodes: plan.nodes.map((node) => ({ ...node, def: dress(node, plan, dressing) })) };
}

/** Where a sink finds itself that writes to `path`, relative to the pipeline's folder. Absolute paths are what they are. */
export function pathInSandbox(sandbox: string, baseDir: string, path: string): string {
  return resolve(folderInSandbox(sandbox, baseDir), path);
}

function folderInSandbox(sandbox: string, baseDir: string): string {
  const folder = resolve(baseDir);
  return join(sandbox, folder.slice(parse(folder).root.length));
}

function dress({ id, def, outputs, latency }: PlannedNode, { baseDir }: Plan, dressing: Dressing): NodeDef {
  const { sandbox, time, inputs } = dressing;
  const scripts = inputs.get(id);
  if (scripts) {
    const { given: _none, ...rest } = def;
    const create: NodeDef['create'] = (_options, context) =>
      scriptSource({ scripts, outputs, live: latency.live === true }, context);
    return { ...rest, create };
  }
  const writes = outputs.length === 0;
  const folder = folderInSandbox(sandbox, baseDir);
  return {
    ...def,
    create: (options, context) => {
      const dressed: NodeContext = writes ? { ...context, baseDir: folder } : context;
      return time.during(Promise.resolve(def.create(options, dressed)));
    },
  };
}
