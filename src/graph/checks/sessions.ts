import { SluiceError } from '../../media/errors.js';
import type { NodeDef } from '../../media/node.js';
import type { LoadedGraph, LoadedNode } from '../load.js';
import { nearest } from '../nearest.js';
import { needs, optionNames } from '../typed-node.js';

/**
 * A node's options with the session that goes without saying: the only one of the graph. SLUICE_SESSION_UNKNOWN where
 * the graph does not have the session, or none at all; then undefined. Pure.
 */
export function checkSession(
  graph: LoadedGraph,
  node: LoadedNode,
  def: NodeDef,
  problems: SluiceError[],
): Readonly<Record<string, unknown>> | undefined {
  if (!optionNames(def).includes('session')) return node.options;
  const ids = graph.sessions.map((session) => session.id);
  const id = node.options['session'] ?? (ids.length === 1 ? ids[0] : undefined);
  if (id === undefined) {
    if (!needs(def, 'session')) return node.options;
    if (ids.length > 0) {
      return refuse(`${def.type} does not say which session it means`, {
        place: node.place,
        found: 'no `session`',
        expected: `one of ${ids.join(', ')}`,
        mend: `Add \`session: ${ids[0] ?? ''}\`, or another.`,
      });
    }
    return refuse(`${def.type} needs a session, and there is none`, {
      place: node.place,
      found: 'no sessions',
      expected: 'at least one session',
      mend: 'Add `sessions: { room: { sessionId: demo } }`.',
    });
  }
  if (typeof id !== 'string' || ids.includes(id)) return { ...node.options, session: id };
  const near = nearest(id, ids);
  return refuse(`there is no session "${id}"`, {
    place: { ...graph.places.placeOf(['nodes', node.id, 'session']), node: node.id },
    found: `session "${id}"`,
    expected: ids.length === 0 ? 'a session of the pipeline' : `one of ${ids.join(', ')}`,
    mend: near === undefined ? `Sessions here: ${ids.join(', ') || 'none'}.` : `Did you mean "${near}"?`,
  });

  function refuse(message: string, hints: ConstructorParameters<typeof SluiceError>[2]): undefined {
    problems.push(new SluiceError('SLUICE_SESSION_UNKNOWN', message, hints));
    return undefined;
  }
}
