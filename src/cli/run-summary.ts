import type { LinkReport, RunReport } from '../graph/report.js';
import { measureTable } from './measure-table.js';
import { errorText } from './show-error.js';
import { textColumns } from './text-columns.js';

/** How a run went, in a few lines; with tables of its links and measures where there is a terminal to read them on. Pure. */
export function summaryText(report: RunReport, options: { readonly table: boolean }): string {
  const { outcome, error, elapsedMs, branches } = report;
  const lines: string[] = [];
  if (error && outcome === 'failed') lines.push(errorText(error));
  lines.push(...troubleLines(report));
  const extra = [
    branches.begun > 0
      ? `${branches.begun} ${branches.begun === 1 ? 'branch' : 'branches'}, ${branches.failed} failed`
      : '',
    outcome === 'stopped' && !report.drained ? 'not everything came out in time' : '',
  ].filter((text) => text !== '');
  lines.push([`${outcome} after ${(elapsedMs / 1000).toFixed(1)} s`, ...extra].join('; '));
  for (const [node, reasons] of Object.entries(report.dropped)) {
    for (const [reason, count] of Object.entries(reasons)) lines.push(`${node} dropped ${count}: ${reason}`);
  }
  if (options.table && report.links.length > 0) lines.push('', ...linkTable(report.links));
  const measures = options.table ? measureTable(report.measures) : [];
  if (measures.length > 0) lines.push('', ...measures);
  return `${lines.join('\n')}\n`;
}

/** What went wrong while the rest went on. */
function troubleLines({ branches, nodes, making, stalls }: RunReport): string[] {
  const lines = branches.failures.map(
    ({ streamId, name, error }) => `the branch of "${name}" (${streamId}) failed: ${errorText(error)}`,
  );
  for (const [id, { restarts, ended, errors }] of Object.entries(nodes)) {
    const last = errors.at(-1);
    const what = [restarts > 0 ? `was made anew ${times(restarts)}` : '', ended ? 'failed for good' : ''];
    lines.push(`${id} ${what.filter((text) => text !== '').join(' and ')}${last ? `: ${errorText(last)}` : ''}`);
  }
  for (const id of making) lines.push(`${id} was not ready`);
  for (const stall of stalls) lines.push(`${stall.link} stood still ${times(stall.times)}: its reader took nothing`);
  return lines;
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

const HEAD = ['link', 'chunks', 'media', 'most held', 'longest wait', 'dropped', 'formats'];
const NUMBERS = new Set([1, 2, 3, 4]);

function linkTable(links: readonly LinkReport[]): string[] {
  const rows = links.map((link) => [
    link.name,
    String(link.chunks),
    `${(link.mediaMs / 1000).toFixed(1)} s`,
    String(link.mostHeld),
    link.waitMs ? `${Math.round(link.waitMs.max)} ms` : '-',
    dropsText(link),
    formatsText(link),
  ]);
  return textColumns([HEAD, ...rows], NUMBERS);
}

function dropsText({ dropped, drops }: LinkReport): string {
  if (dropped === 0) return '0';
  return Object.entries(drops)
    .map(([reason, count]) => `${count} ${reason}`)
    .join('; ');
}

function formatsText({ formats, formatChanges }: LinkReport): string {
  const changes = formatChanges === 0 ? '' : ` (${formatChanges} ${formatChanges === 1 ? 'change' : 'changes'})`;
  return `${formats.join(', ')}${changes}`;
}
