import type { Kind } from '../session/driver.js';
import type { MutedExpectation } from './expectation-schema.js';

/** By how much a time may be off, in ms. */
const TOLERANCE_MS = 50;

/** When a stream that was published was muted. */
export class MutedTimes {
  readonly #times: { readonly media: Kind; readonly fromMs: number; toMs?: number }[] = [];

  /** From `atMs` on it is muted, or not any more. */
  set(media: Kind, muted: boolean, atMs: number): void {
    const last = this.#times.findLast((time) => time.media === media);
    const isMuted = last !== undefined && last.toMs === undefined;
    if (muted === isMuted) return;
    if (isMuted) last.toMs = atMs;
    else this.#times.push({ media, fromMs: atMs });
  }

  /** What is not as expected: all the times in the words of an expectation; undefined where they are those. */
  finding(expected: readonly MutedExpectation[]): { readonly found: string; readonly expected: string } | undefined {
    const wanted = [...expected].sort(byTime);
    const found = [...this.#times].sort(byTime);
    if (wanted.length === found.length && wanted.every((time, index) => isNear(time, found[index]))) return undefined;
    return { found: inWords(found), expected: inWords(wanted) };
  }
}

function byTime(a: MutedExpectation, b: MutedExpectation): number {
  return a.media.localeCompare(b.media) || a.fromMs - b.fromMs;
}

function isNear(a: MutedExpectation, b: MutedExpectation | undefined): boolean {
  if (a.media !== b?.media || Math.abs(a.fromMs - b.fromMs) > TOLERANCE_MS) return false;
  if (a.toMs === undefined || b.toMs === undefined) return a.toMs === b.toMs;
  return Math.abs(a.toMs - b.toMs) <= TOLERANCE_MS;
}

function inWords(times: readonly MutedExpectation[]): string {
  const words = times.map(
    ({ media, fromMs, toMs }) =>
      `${media} from ${Math.round(fromMs)}${toMs === undefined ? '' : ` to ${Math.round(toMs)}`}`,
  );
  return words.join(', ') || 'never muted';
}
