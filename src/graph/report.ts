import { toErrorData, type ErrorData } from '../media/errors.js';
import type { StreamInfo } from '../media/session-access.js';
import { LinkCount } from './link.js';
import type { Plan } from './planned.js';

export type Outcome = 'running' | 'ended' | 'stopped' | 'aborted' | 'failed';

/** What a run has done so far; also the final account. Plain data. */
export interface RunReport {
  readonly outcome: Outcome;
  readonly elapsedMs: number;
  /** Whether a stop let everything out that was on its way; false when its deadline passed. */
  readonly drained: boolean;
  readonly links: readonly LinkReport[];
  /** What nodes let go of, by reason; nodes that dropped nothing are left out. */
  readonly dropped: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly branches: BranchReport;
  readonly error?: ErrorData;
}

export interface LinkReport {
  readonly name: string;
  readonly chunks: number;
  readonly mediaMs: number;
  /** Values whose reader had gone. */
  readonly dropped: number;
  /** Media that waits now, in ms. */
  readonly heldMs: number;
  /** The most values that waited at once. */
  readonly mostHeld: number;
}

export interface BranchReport {
  readonly begun: number;
  readonly ended: number;
  readonly failed: number;
  /** The last failures, oldest first. */
  readonly failures: readonly { readonly streamId: string; readonly name: string; readonly error: ErrorData }[];
}

const FAILURES_KEPT = 20;

/** Counts while a graph runs. */
export class RunCounts {
  readonly links: ReadonlyMap<string, LinkCount>;
  readonly #dropped = new Map<string, Map<string, number>>();
  readonly #failures: { streamId: string; name: string; error: ErrorData }[] = [];
  #begun = 0;
  #ended = 0;
  #failed = 0;

  constructor(plan: Plan) {
    this.links = new Map(plan.links.map((link) => [link.name, new LinkCount()]));
  }

  dropped(nodeId: string, reason: string, count: number): void {
    let reasons = this.#dropped.get(nodeId);
    if (!reasons) this.#dropped.set(nodeId, (reasons = new Map<string, number>()));
    reasons.set(reason, (reasons.get(reason) ?? 0) + count);
  }

  branchBegun(): void {
    this.#begun++;
  }

  branchEnded(): void {
    this.#ended++;
  }

  branchFailed(stream: StreamInfo, error: unknown): void {
    this.#failed++;
    this.#failures.push({ streamId: stream.streamId, name: stream.name, error: toErrorData(error) });
    if (this.#failures.length > FAILURES_KEPT) this.#failures.shift();
  }

  report(outcome: Outcome, elapsedMs: number, drained: boolean, error: unknown): RunReport {
    return {
      outcome,
      elapsedMs: Math.round(elapsedMs),
      drained,
      links: [...this.links].map(([name, { chunks, mediaUs, dropped, heldMs, mostHeld }]) => ({
        name,
        chunks,
        mediaMs: Math.round(mediaUs / 1000),
        dropped,
        heldMs: Math.round(heldMs),
        mostHeld,
      })),
      dropped: Object.fromEntries([...this.#dropped].map(([id, reasons]) => [id, Object.fromEntries(reasons)])),
      branches: { begun: this.#begun, ended: this.#ended, failed: this.#failed, failures: [...this.#failures] },
      ...(error !== undefined && { error: toErrorData(error) }),
    };
  }
}
