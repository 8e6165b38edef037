import { measureTable } from '../measure-table.js';
import { textColumns } from '../text-columns.js';
import type { ServedReport } from './served-report.js';

type Link = ServedReport['links'][number];

/**
 * How a run does, in lines: its process, its links, and what its nodes measured. Rates are those since the report `last`; without it, and
 * where that is of a run before this one, those since the beginning. Pure.
 */
export function topText(now: ServedReport, last?: ServedReport): string[] {
  const before = last && last.elapsedMs <= now.elapsedMs ? last : undefined;
  const seconds = (now.elapsedMs - (before?.elapsedMs ?? 0)) / 1000;
  const earlier = new Map(before?.links.map((link) => [link.name, link]));
  const stalled = new Set(now.stalls.filter((stall) => stall.now > 0).map(({ link }) => link));
  const links = now.links.map((link) => linkRow(link, earlier.get(link.name), seconds, stalled.has(link.name)));
  const measures = measureTable(now.measures);
  const trouble = troubleLines(now);
  return [
    headLine(now, before, seconds),
    '',
    ...(links.length > 0 ? textColumns([HEAD, ...links], NUMBERS) : []),
    ...(measures.length > 0 ? ['', ...measures] : []),
    ...(trouble.length > 0 ? ['', ...trouble] : []),
  ];
}

const HEAD = ['link', 'chunks/s', 'held', 'held ms', 'wait', 'longest', 'dropped', ''];
const NUMBERS = new Set([1, 2, 3, 4, 5, 6]);

function headLine(now: ServedReport, before: ServedReport | undefined, seconds: number): string {
  const { outcome, elapsedMs, branches, process } = now;
  const { p50, p99, max } = process.eventLoopLagMs;
  const cpuMs = process.cpuMs - (before?.process.cpuMs ?? 0);
  const alive = branches.begun - branches.ended - branches.failed;
  const parts = [
    `${outcome} for ${(elapsedMs / 1000).toFixed(0)} s`,
    `CPU ${seconds > 0 ? (cpuMs / seconds / 10).toFixed(0) : '0'} %`,
    `memory ${(process.rssBytes / 1_048_576).toFixed(0)} MB`,
    `event loop late by ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, at most ${max.toFixed(1)} ms`,
    ...(branches.begun > 0 ? [`${alive} ${alive === 1 ? 'branch' : 'branches'}, ${branches.failed} failed`] : []),
  ];
  return parts.join('   ');
}

function linkRow(link: Link, before: Link | undefined, seconds: number, isStalled: boolean): string[] {
  const { name, held, heldMs, dropped, waitMs } = link;
  const rate = seconds > 0 ? (link.chunks - (before?.chunks ?? 0)) / seconds : 0;
  return [
    name,
    rate.toFixed(rate < 10 ? 1 : 0),
    String(held),
    String(heldMs),
    meanWait(waitMs, before?.waitMs),
    waitMs ? `${Math.round(waitMs.max)} ms` : '-',
    String(dropped),
    isStalled ? 'stands still' : '',
  ];
}

/** Mean wait in the queue of what has left it since then. */
function meanWait(now: Link['waitMs'], before: Link['waitMs']): string {
  const chunks = (now?.chunks ?? 0) - (before?.chunks ?? 0);
  if (!now || chunks <= 0) return '-';
  return `${Math.round((now.total - (before?.total ?? 0)) / chunks)} ms`;
}

function troubleLines({ dropped, nodes }: ServedReport): string[] {
  const drops = Object.entries(dropped).flatMap(([node, reasons]) =>
    Object.entries(reasons).map(([reason, count]) => `${node} dropped ${count}: ${reason}`),
  );
  const failures = Object.entries(nodes).map(([node, { restarts, ended }]) =>
    ended ? `${node} failed for good` : `${node} was made anew ${restarts} times`,
  );
  return [...drops, ...failures];
}
