import { createHash } from 'node:crypto';
import type { Plan } from './planned.js';

/**
 * A text that two plans share when they do the same, whatever they were written in: nodes with all their options, links
 * with formats, flow and queues, sessions without their secrets. Where things stand in a file, and in which order, does
 * not count. Hexadecimal SHA-256. Pure.
 */
export function planHash(plan: Plan): string {
  const parts = {
    strict: plan.strict,
    sessions: sortedBy(
      plan.sessions.map(({ id, config: { url, sessionId, name, settings } }) => ({
        id,
        url,
        sessionId,
        name,
        settings,
      })),
      ({ id }) => id,
    ),
    nodes: sortedBy(
      plan.nodes.map(({ id, def, options, onError, inserted }) => ({ id, type: def.type, options, onError, inserted })),
      ({ id }) => id,
    ),
    links: sortedBy(
      plan.links.map(({ name, formats, flow, queue }) => ({ name, formats, flow, queue })),
      ({ name }) => name,
    ),
    branches: sortedBy(
      plan.branches.map(({ source, nodes }) => ({ source, nodes: [...nodes].sort() })),
      ({ source }) => source,
    ),
    fused: sortedBy(
      plan.fused.map((run) => run.join()),
      (run) => run,
    ),
  };
  return createHash('sha256').update(JSON.stringify(parts, inKeyOrder)).digest('hex');
}

function sortedBy<T>(items: readonly T[], keyOf: (item: T) => string): T[] {
  return [...items].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

/** For JSON.stringify: maps with their keys in order, numbers that JSON does not have by name. */
function inKeyOrder(_key: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
