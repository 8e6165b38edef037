import { z } from 'zod';
import { SluiceError } from '../media/errors.js';
import { portsOf, type NodeDef, type PortDef } from '../media/node.js';
import { checkOptions } from './check-options.js';
import type { LoadedGraph, LoadedNode } from './load.js';
import { nearest } from './nearest.js';
import type { Registry } from './registry.js';

/** A node whose type is known and whose options are right. */
export interface TypedNode {
  readonly loaded: LoadedNode;
  readonly def: NodeDef;
  readonly options: unknown;
  readonly inputs: readonly PortDef[];
  readonly latencyMs: number;
}

/** Finds the type of every node and checks its options. Pure. */
export function planNodes(graph: LoadedGraph, registry: Registry, problems: SluiceError[]): Map<string, TypedNode> {
  const typed = new Map<string, TypedNode>();
  for (const loaded of graph.nodes) {
    const def = registry.get(loaded.type);
    if (!def) {
      problems.push(
        new SluiceError('SLUICE_NODE_UNKNOWN', `there is no node type "${loaded.type}"`, {
          place: loaded.typePlace,
          mend: registry.mendFor(loaded.type),
        }),
      );
      continue;
    }
    const options = checkedOptions(graph, loaded, def, problems);
    if (options === undefined) continue;
    const latencyMs = typeof def.latencyMs === 'function' ? def.latencyMs(options) : (def.latencyMs ?? 0);
    typed.set(loaded.id, { loaded, def, options, inputs: portsOf(def, options).inputs, latencyMs });
  }
  return typed;
}

function checkedOptions(graph: LoadedGraph, loaded: LoadedNode, def: NodeDef, problems: SluiceError[]): unknown {
  const names = optionNames(def);
  const takesSession = names.includes('session');
  const [only, ...others] = graph.sessions;
  const fill = takesSession && loaded.options['session'] === undefined && only && others.length === 0;
  const written = fill ? { ...loaded.options, session: only.id } : loaded.options;
  if (takesSession && graph.sessions.length === 0 && written['session'] === undefined) {
    problems.push(
      new SluiceError('SLUICE_CONFIG_INVALID', `${def.type} needs a session, and there is none`, {
        place: loaded.place,
        mend: 'Add `sessions: { room: { sessionId: demo } }`.',
      }),
    );
    return undefined;
  }
  const checked = checkOptions(def.options, written, {
    places: graph.places,
    base: ['nodes', loaded.id],
    knownKeys: (path) => (path.length === 0 ? [...names, 'from'] : []),
    substituted: graph.substituted,
    noun: 'option',
    mend: `See \`sluice inspect ${def.type}\` for its options.`,
  });
  problems.push(...checked.problems);
  if (checked.problems.length > 0) return undefined;
  return takesSession && !knowsSession(graph, loaded, written['session'], problems) ? undefined : checked.data;
}

function knowsSession(graph: LoadedGraph, loaded: LoadedNode, id: unknown, problems: SluiceError[]): boolean {
  if (typeof id !== 'string' || graph.sessions.some((session) => session.id === id)) return true;
  const ids = graph.sessions.map((session) => session.id);
  const near = nearest(id, ids);
  problems.push(
    new SluiceError('SLUICE_CONFIG_INVALID', `there is no session "${id}"`, {
      place: { ...graph.places.placeOf(['nodes', loaded.id, 'session']), node: loaded.id },
      mend: near === undefined ? `Sessions here: ${ids.join(', ') || 'none'}.` : `Did you mean "${near}"?`,
    }),
  );
  return false;
}

/** Names of a node's options. */
function optionNames(def: NodeDef): readonly string[] {
  return def.options instanceof z.ZodObject ? Object.keys(def.options.shape) : [];
}
