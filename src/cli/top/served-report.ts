import { z } from 'zod';
import { usage } from '../arguments.js';
import type { Command } from '../command.js';
import { SluiceError } from '../../media/errors.js';
import { publicUrl } from '../../media/public-url.js';

const Counts = z.record(z.string(), z.number());

/** What is read of a report that a run serves: see RunReport and ProcessReport. */
const ServedReport = z.object({
  outcome: z.string(),
  elapsedMs: z.number(),
  links: z.array(
    z.object({
      name: z.string(),
      chunks: z.number(),
      held: z.number(),
      heldMs: z.number(),
      dropped: z.number(),
      waitMs: z.object({ chunks: z.number(), total: z.number(), max: z.number() }).optional(),
    }),
  ),
  dropped: z.record(z.string(), Counts),
  measures: z.record(
    z.string(),
    z.record(
      z.string(),
      z.object({
        count: z.number(),
        total: z.number(),
        last: z.number(),
        p50: z.number(),
        p99: z.number(),
        max: z.number(),
      }),
    ),
  ),
  branches: z.object({ begun: z.number(), ended: z.number(), failed: z.number() }),
  nodes: z.record(z.string(), z.object({ restarts: z.number(), ended: z.boolean() })),
  stalls: z.array(z.object({ link: z.string(), now: z.number() })),
  process: z.object({
    eventLoopLagMs: z.object({ p50: z.number(), p99: z.number(), max: z.number() }),
    cpuMs: z.number(),
    rssBytes: z.number(),
  }),
});
export type ServedReport = z.output<typeof ServedReport>;

/** A report as it came, and as it is read. */
export interface FoundReport {
  readonly text: string;
  readonly report: ServedReport;
}

const DEFAULT_URL = 'http://127.0.0.1:9464/report';
const TIMEOUT_MS = 5000;

/** Where a run serves its report: a port, `host:port`, or the address that `sluice run --metrics` told. Errors: SLUICE_USAGE. */
export function reportUrlOf(text: string | undefined, command: Command): URL {
  if (text === undefined) return new URL(DEFAULT_URL);
  const full = /^\d+$/.test(text) ? `http://127.0.0.1:${text}` : /^https?:/.test(text) ? text : `http://${text}`;
  if (!URL.canParse(full))
    throw usage(`"${publicUrl(text)}" is no address; use a port, host:port, or http://host:port/report`, command);
  const url = new URL(full);
  if (url.pathname === '/' || url.pathname === '/metrics') url.pathname = '/report';
  return url;
}

/** How the run does now. Errors: SLUICE_RUN_UNREACHABLE. */
export async function fetchReport(url: URL, signal: AbortSignal): Promise<FoundReport> {
  let text: string;
  try {
    const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]) });
    if (!response.ok) throw new Error(`it answered with status ${response.status}`);
    text = await response.text();
  } catch (error) {
    throw unreachable(url, error);
  }
  try {
    return { text, report: ServedReport.parse(JSON.parse(text)) };
  } catch (error) {
    throw unreachable(url, new Error('what is there is no run of sluice, or one of another version', { cause: error }));
  }
}

function unreachable(url: URL, error: unknown): SluiceError {
  const { cause } = error as { cause?: { code?: unknown } };
  const told = publicUrl(url.href);
  // Some messages have the address in them.
  const why = typeof cause?.code === 'string' ? cause.code : (error as Error).message.replaceAll(url.href, told);
  return new SluiceError('SLUICE_RUN_UNREACHABLE', `no running pipeline answers at ${told}`, {
    found: why,
    mend: 'Start one with `sluice run <file> --metrics 9464`, or give the address that it tells.',
  });
}
