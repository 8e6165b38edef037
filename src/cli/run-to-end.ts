import type { Plan } from '../graph/planned.js';
import { runGraph, type GraphRun } from '../graph/run.js';
import type { RunReport } from '../graph/report.js';
import { runSessions } from '../graph-sessions.js';
import type { NodeLog } from '../media/node.js';
import type { CliIo } from './command.js';
import { EXIT_CODES, exitCodeOf } from './exit-codes.js';
import { cliLog } from './log.js';
import { serveMetrics, type MetricsServer } from './metrics-server.js';
import { ProgressLine } from './progress-line.js';
import type { RunChoices } from './run-options.js';
import { summaryText } from './run-summary.js';

/** How long nodes may take to be made before that is told, in ms. */
const WAITING_MS = 3000;

/**
 * Runs a plan until it ends or is stopped, tells how it went, and gives the exit code. Errors: those of a metrics server
 * that cannot listen; nothing was started then.
 */
export async function runToEnd(plan: Plan, choices: RunChoices, io: CliIo): Promise<number> {
  const report = await runAndWait(plan, choices, io);
  if (choices.json || choices.statsMs !== undefined) printReport(report, io);
  if (!choices.json) io.stderr.write(summaryText(report, { table: io.stderr.isTTY === true }));
  if (report.error) return exitCodeOf(report.error.code);
  const { failed, expected } = report.branches;
  return report.outcome === 'aborted' || failed > expected ? EXIT_CODES.failed : EXIT_CODES.ok;
}

async function runAndWait(plan: Plan, choices: RunChoices, io: CliIo): Promise<RunReport> {
  const { json, metrics: address } = choices;
  const metrics = address && (await serveMetrics(address, () => run.report()));
  const abort = new AbortController();
  const progress = new ProgressLine(io);
  const log = cliLog(io, choices);
  const sessions = runSessions(io.env, pageTeller(choices, io));
  const run = runGraph(plan, {
    sessions: sessions.factory,
    signal: abort.signal,
    log,
    drainMs: choices.drainMs,
    onProgress: progress.told,
  });
  if (metrics) tellMetrics(metrics, json, io);
  const stopStats = printStats(run, choices, io);
  const stopWaiting = tellWaiting(run, log);
  let asked = 0;
  const forget = io.onSignal(() => {
    if (++asked > 1) {
      abort.abort(new Error('ended at once'));
      return;
    }
    if (!json) io.stderr.write('Stopping; once more ends at once.\n');
    void run.stop();
  });
  progress.follow(run);
  try {
    await run.finished;
  } catch {
    // The report has it.
  } finally {
    progress.end();
    stopStats();
    stopWaiting();
    await metrics?.close();
    await sessions.close().catch((error: unknown) => {
      log.warn({ error }, 'the embedded server did not close');
    });
    forget();
  }
  return run.report();
}

/** Prints a report at every interval, where that was asked for; returns what ends it. */
function printStats(run: GraphRun, { statsMs }: RunChoices, io: CliIo): () => void {
  if (statsMs === undefined) return () => undefined;
  const timer = setInterval(() => {
    printReport(run.report(), io);
  }, statsMs);
  return () => {
    clearInterval(timer);
  };
}

/**
 * Tells now and then which nodes are still being made; returns what ends it. It keeps the process alive, which would end without a word
 * when nothing but such a node is waited for.
 */
function tellWaiting(run: GraphRun, log: NodeLog): () => void {
  let told = '';
  const timer = setInterval(() => {
    const nodes = run.report().making.join(', ');
    if (nodes !== '' && nodes !== told) log.warn({ nodes }, 'nodes are not ready yet');
    told = nodes;
  }, WAITING_MS);
  return () => {
    clearInterval(timer);
  };
}

function printReport(report: RunReport, io: CliIo): void {
  io.stdout.write(`${JSON.stringify(report)}\n`);
}

/** Tells the page of each embedded session once; beside the results where those are read by a program. */
function pageTeller({ json, statsMs }: RunChoices, io: CliIo): (url: string, sessionId: string) => void {
  const pages = new Set<string>();
  return (url, sessionId) => {
    const page = `${url}/?session=${encodeURIComponent(sessionId)}`;
    if (pages.has(page)) return;
    pages.add(page);
    if (json) io.stderr.write(`${JSON.stringify({ level: 'info', text: 'embedded server', page })}\n`);
    else (statsMs === undefined ? io.stdout : io.stderr).write(`Open ${page} to join session "${sessionId}".\n`);
  };
}

function tellMetrics({ url }: MetricsServer, json: boolean, io: CliIo): void {
  io.stderr.write(json ? `${JSON.stringify({ level: 'info', text: 'metrics', url })}\n` : `Metrics at ${url}\n`);
}
