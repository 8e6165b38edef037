import { createHistogram } from 'node:perf_hooks';

/** How the process of a run does. Plain data. */
export interface ProcessReport {
  /** How late the main thread came to what was due, in ms, since it was last asked. */
  readonly eventLoopLagMs: { readonly p50: number; readonly p99: number; readonly max: number };
  /** CPU time of all its threads so far, in ms. */
  readonly cpuMs: number;
  /** Resident memory. */
  readonly rssBytes: number;
}

/** How often it is looked, in ms. */
const STEP_MS = 20;

/** Watches the process that it is in, until it is closed. It keeps nothing alive. */
export class ProcessWatch {
  /** How late each look was, in µs. */
  readonly #late = createHistogram();
  #lastMs = performance.now();
  readonly #timer = setInterval(() => {
    const nowMs = performance.now();
    this.#late.record(Math.max(1, Math.round((nowMs - this.#lastMs - STEP_MS) * 1000)));
    this.#lastMs = nowMs;
  }, STEP_MS).unref();

  report(): ProcessReport {
    const late = this.#late;
    const [p50, p99, max] = [late.percentile(50), late.percentile(99), late.count === 0 ? 0 : late.max];
    late.reset();
    const { user, system } = process.cpuUsage();
    return {
      eventLoopLagMs: { p50: msOf(p50), p99: msOf(p99), max: msOf(max) },
      cpuMs: Math.round((user + system) / 1000),
      rssBytes: process.memoryUsage.rss(),
    };
  }

  close(): void {
    clearInterval(this.#timer);
  }
}

/** With two digits behind the point. */
function msOf(us: number): number {
  return Math.round(us / 10) / 100;
}
