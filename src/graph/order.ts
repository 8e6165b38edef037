/** A link between two nodes, by their ids. */
export interface Edge {
  readonly from: string;
  readonly to: string;
}

/** The links of one cycle, in order, where there is one. Pure; the same for the same input. */
export function findCycle<E extends Edge>(ids: readonly string[], edges: readonly E[]): readonly E[] | undefined {
  const readers = groupBy(edges, (edge) => edge.from);
  const state = new Map<string, 'open' | 'done'>();
  const path: E[] = [];
  const visit = (id: string): readonly E[] | undefined => {
    state.set(id, 'open');
    for (const edge of readers.get(id) ?? []) {
      if (state.get(edge.to) === 'open') {
        const start = path.findIndex((step) => step.from === edge.to);
        return start === -1 ? [edge] : [...path.slice(start), edge];
      }
      if (state.has(edge.to)) continue;
      path.push(edge);
      const cycle = visit(edge.to);
      if (cycle) return cycle;
      path.pop();
    }
    state.set(id, 'done');
    return undefined;
  };
  for (const id of ids) {
    const cycle = state.has(id) ? undefined : visit(id);
    if (cycle) return cycle;
  }
  return undefined;
}

/** Ids so that every link goes forward; among equals as they were given. There must be no cycle. Pure. */
export function inOrder(ids: readonly string[], edges: readonly Edge[]): readonly string[] {
  const ordered: string[] = [];
  const waiting = new Set(ids);
  const missing = new Map(ids.map((id) => [id, 0]));
  for (const { to } of edges) missing.set(to, (missing.get(to) ?? 0) + 1);
  const readers = groupBy(edges, (edge) => edge.from);
  while (waiting.size > 0) {
    const next = [...waiting].find((id) => missing.get(id) === 0);
    if (next === undefined) break;
    waiting.delete(next);
    ordered.push(next);
    for (const { to } of readers.get(next) ?? []) missing.set(to, (missing.get(to) ?? 0) - 1);
  }
  return ordered;
}

/** Items by what they have in common, in their order. Pure. */
export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}
