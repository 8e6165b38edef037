import type { Verdict } from './link.js';

/** What one direction did. */
export interface LinkStats {
  /** Since the start: datagrams delivered at least once. */
  readonly forwarded: number;
  /** Since the start: of those, bytes without headers. */
  readonly bytes: number;
  readonly dropped: { readonly loss: number; readonly burst: number; readonly queue: number };
  readonly duplicated: number;
  readonly reordered: number;
  /** Over the window: what was delivered, in bit/s without headers. */
  readonly bitsPerSecond: number;
  /** Over the window: the wait for the rate limit, in ms. */
  readonly queueMs: { readonly p50: number; readonly p90: number; readonly p99: number };
  /** What the window held, in datagrams. */
  readonly windowDatagrams: number;
}

/** Datagrams that a window looks back on at most: half a minute of 2000 a second. */
const CAPACITY = 65_536;

/** Counts what one direction did, and looks back over a window of the last datagrams. */
export class LinkStatistics {
  readonly #atUs = new Float64Array(CAPACITY);
  readonly #bytes = new Uint16Array(CAPACITY);
  readonly #queuedUs = new Float64Array(CAPACITY);
  readonly #dropped = { loss: 0, burst: 0, queue: 0 };
  #count = 0;
  #totalBytes = 0;
  #duplicated = 0;
  #reordered = 0;

  add(verdict: Verdict, bytes: number, nowUs: number): void {
    if (verdict.dropped) {
      this.#dropped[verdict.dropped]++;
      return;
    }
    const slot = this.#count++ % CAPACITY;
    this.#atUs[slot] = nowUs + verdict.queuedUs;
    this.#bytes[slot] = bytes;
    this.#queuedUs[slot] = verdict.queuedUs;
    this.#totalBytes += bytes;
    this.#duplicated += verdict.deliveriesUs.length - 1;
    if (verdict.reordered) this.#reordered++;
  }

  /** `windowMs`: how far to look back from now. */
  read(nowUs: number, windowMs: number): LinkStats {
    const waits: number[] = [];
    let bytes = 0;
    const oldest = Math.max(0, this.#count - CAPACITY);
    for (let i = this.#count - 1; i >= oldest; i--) {
      const atUs = this.#atUs[i % CAPACITY] ?? 0;
      if (atUs > nowUs) continue;
      if (atUs < nowUs - windowMs * 1000) break;
      bytes += this.#bytes[i % CAPACITY] ?? 0;
      waits.push((this.#queuedUs[i % CAPACITY] ?? 0) / 1000);
    }
    waits.sort((a, b) => a - b);
    return {
      forwarded: this.#count,
      bytes: this.#totalBytes,
      dropped: { ...this.#dropped },
      duplicated: this.#duplicated,
      reordered: this.#reordered,
      bitsPerSecond: (bytes * 8000) / windowMs,
      queueMs: { p50: quantile(waits, 0.5), p90: quantile(waits, 0.9), p99: quantile(waits, 0.99) },
      windowDatagrams: waits.length,
    };
  }
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}
