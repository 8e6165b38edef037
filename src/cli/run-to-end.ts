import type { Plan } from '../graph/planned.js';
import { runGraph } from '../graph/run.js';
import type { RunReport } from '../graph/report.js';
import { runSessions } from '../graph-sessions.js';
import type { CliIo, CommandArguments, CommandOption } from './command.js';
import { EXIT_CODES, exitCodeOf } from './exit-codes.js';
import { cliLog } from './log.js';
import { ProgressLine } from './progress-line.js';
import { errorText } from './show-error.js';

/** Options of commands that run a pipeline. */
export const RUN_OPTIONS: Readonly<Record<string, CommandOption>> = {
  stats: { type: 'boolean', description: 'At the end, print what passed over each link.' },
  verbose: { type: 'boolean', description: 'Log more than warnings.' },
};

/** Runs a plan until it ends or is stopped, tells how it went, and gives the exit code. */
export async function runToEnd(plan: Plan, args: CommandArguments, io: CliIo): Promise<number> {
  const json = args.flag('json');
  const report = await runAndWait(plan, io, { json, verbose: args.flag('verbose') });
  if (json) io.stdout.write(`${JSON.stringify(report)}\n`);
  else io.stderr.write(summary(report, args.flag('stats')));
  if (report.error) return exitCodeOf(report.error.code);
  return report.outcome === 'aborted' ? EXIT_CODES.failed : EXIT_CODES.ok;
}

async function runAndWait(plan: Plan, io: CliIo, options: { json: boolean; verbose: boolean }): Promise<RunReport> {
  const abort = new AbortController();
  const progress = new ProgressLine(io);
  const pages = new Set<string>();
  const sessions = runSessions(io.env, (url, sessionId) => {
    const page = `${url}/?session=${encodeURIComponent(sessionId)}`;
    if (pages.has(page)) return;
    pages.add(page);
    if (options.json) io.stderr.write(`${JSON.stringify({ level: 'info', text: 'embedded server', page })}\n`);
    else io.stdout.write(`Open ${page} to join session "${sessionId}".\n`);
  });
  const run = runGraph(plan, {
    sessions: sessions.factory,
    signal: abort.signal,
    log: cliLog(io, options),
    onProgress: progress.told,
  });
  let asked = 0;
  const forget = io.onSignal(() => {
    if (++asked > 1) {
      abort.abort(new Error('ended at once'));
      return;
    }
    if (!options.json) io.stderr.write('Stopping; once more ends at once.\n');
    void run.stop();
  });
  progress.follow(run);
  try {
    await run.finished;
  } catch {
    // The report has it.
  } finally {
    progress.end();
    await sessions.close().catch((error: unknown) => {
      cliLog(io, options).warn({ error }, 'the embedded server did not close');
    });
    forget();
  }
  return run.report();
}

function summary(report: RunReport, stats: boolean): string {
  const { outcome, error, elapsedMs, branches } = report;
  const lines: string[] = [];
  if (error && outcome === 'failed') lines.push(errorText(error));
  const extra = [
    branches.begun > 0 ? `${branches.begun} branches, ${branches.failed} failed` : '',
    outcome === 'stopped' && !report.drained ? 'not everything came out in time' : '',
  ].filter((text) => text !== '');
  lines.push([`${outcome} after ${(elapsedMs / 1000).toFixed(1)} s`, ...extra].join('; '));
  for (const [node, reasons] of Object.entries(report.dropped)) {
    for (const [reason, count] of Object.entries(reasons)) lines.push(`${node} dropped ${count}: ${reason}`);
  }
  if (stats) lines.push(...table(report));
  return `${lines.join('\n')}\n`;
}

function table({ links }: RunReport): string[] {
  const rows = [
    ['link', 'chunks', 'media', 'dropped', 'most held'],
    ...links.map((link) => [
      link.name,
      String(link.chunks),
      `${(link.mediaMs / 1000).toFixed(1)} s`,
      String(link.dropped),
      String(link.mostHeld),
    ]),
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  '),
  );
}
