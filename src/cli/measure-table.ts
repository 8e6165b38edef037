import type { RunReport } from '../graph/report.js';
import { textColumns } from './text-columns.js';

const HEAD = ['node', 'stage', 'times', 'last', 'p50', 'p99', 'max'];
const NUMBERS = new Set([2, 3, 4, 5, 6]);

/** What nodes measured, as lines of a table; none where they measured nothing. Pure. */
export function measureTable(measures: RunReport['measures']): string[] {
  const rows = Object.entries(measures).flatMap(([node, stages]) =>
    Object.entries(stages).map(([stage, { count, last, p50, p99, max }]) => [
      node,
      stage,
      String(count),
      ...[last, p50, p99, max].map((ms) => `${Math.round(ms)} ms`),
    ]),
  );
  return rows.length === 0 ? [] : textColumns([HEAD, ...rows], NUMBERS);
}
