import { toErrorData, type ErrorData, type SluiceError } from '../media/errors.js';
import type { StreamInfo } from '../media/session-access.js';
import { LinkCount } from './link-count.js';
import { Measure, type MeasureReport } from './measure.js';
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
  /** How long stages took, by node and name, in all branches together; nodes that measured nothing are left out. */
  readonly measures: Readonly<Record<string, Readonly<Record<string, MeasureReport>>>>;
  readonly branches: BranchReport;
  /** Nodes that failed while the rest went on, by id; all others are left out. */
  readonly nodes: Readonly<Record<string, NodeReport>>;
  /** Ids of the nodes that are still being made, in whatever branch: nothing flows through them. */
  readonly making: readonly string[];
  /** Links whose readers took nothing for a while; all others are left out. */
  readonly stalls: readonly StallReport[];
  readonly error?: ErrorData;
}

export interface LinkReport {
  readonly name: string;
  /** Values that came in: `taken + dropped + held`. */
  readonly chunks: number;
  readonly mediaMs: number;
  /** Values that the reader is done with. */
  readonly taken: number;
  /** Values that got lost on the link, in all and by reason. */
  readonly dropped: number;
  readonly drops: Readonly<Record<string, number>>;
  /** Values that wait now, and media in ms. */
  readonly held: number;
  readonly heldMs: number;
  /** The most values that waited at once. */
  readonly mostHeld: number;
  /** How long values waited in the queue of the link, in ms, of those that have left it; undefined where none has. */
  readonly waitMs?: { readonly chunks: number; readonly total: number; readonly mean: number; readonly max: number };
  /** What came, by format, oldest first; and how often it changed. */
  readonly formats: readonly string[];
  readonly formatChanges: number;
}

export interface BranchReport {
  readonly begun: number;
  readonly ended: number;
  readonly failed: number;
  /** Of those that failed: by a node of which the graph says that it may end its branch (`onError: end-branch`). */
  readonly expected: number;
  /** The last failures, oldest first. */
  readonly failures: readonly { readonly streamId: string; readonly name: string; readonly error: ErrorData }[];
}

export interface NodeReport {
  /** How often it was made anew, in all branches together. */
  readonly restarts: number;
  /** It failed for good, and what depends on it has ended (`onError: end-branch` outside a branch). */
  readonly ended: boolean;
  /** The last failures, oldest first. */
  readonly errors: readonly ErrorData[];
}

export interface StallReport {
  /** Name of the link. */
  readonly link: string;
  /** How often it has stood still, in all branches together. */
  readonly times: number;
  /** How many stand still now. */
  readonly now: number;
}

const FAILURES_KEPT = 20;

/** Counts while a graph runs. */
export class RunCounts {
  readonly links: ReadonlyMap<string, LinkCount>;
  readonly #dropped = new Map<string, Map<string, number>>();
  readonly #measures = new Map<string, Map<string, Measure>>();
  readonly #failures: { streamId: string; name: string; error: ErrorData }[] = [];
  readonly #nodes = new Map<string, { restarts: number; ended: boolean; readonly errors: ErrorData[] }>();
  readonly #stalls = new Map<string, { times: number; now: number }>();
  readonly #making = new Map<string, number>();
  #begun = 0;
  #ended = 0;
  #failed = 0;
  #expected = 0;

  constructor(plan: Plan) {
    this.links = new Map(plan.links.map((link) => [link.name, new LinkCount()]));
  }

  dropped(nodeId: string, reason: string, count: number): void {
    let reasons = this.#dropped.get(nodeId);
    if (!reasons) this.#dropped.set(nodeId, (reasons = new Map<string, number>()));
    reasons.set(reason, (reasons.get(reason) ?? 0) + count);
  }

  measured(nodeId: string, name: string, ms: number): void {
    if (!Number.isFinite(ms)) return;
    let measures = this.#measures.get(nodeId);
    if (!measures) this.#measures.set(nodeId, (measures = new Map<string, Measure>()));
    let measure = measures.get(name);
    if (!measure) measures.set(name, (measure = new Measure()));
    measure.add(ms);
  }

  branchBegun(): void {
    this.#begun++;
  }

  branchEnded(): void {
    this.#ended++;
  }

  branchFailed(stream: StreamInfo, error: unknown, isExpected: boolean): void {
    this.#failed++;
    if (isExpected) this.#expected++;
    keep(this.#failures, { streamId: stream.streamId, name: stream.name, error: toErrorData(error) });
  }

  /** A node is being made, or (`change` -1) no longer is. */
  nodeMaking(id: string, change: 1 | -1): void {
    const count = (this.#making.get(id) ?? 0) + change;
    if (count > 0) this.#making.set(id, count);
    else this.#making.delete(id);
  }

  nodeRestarted(id: string, error: SluiceError): void {
    const node = this.#node(id);
    node.restarts++;
    keep(node.errors, toErrorData(error));
  }

  nodeEnded(id: string, error: SluiceError): void {
    const node = this.#node(id);
    node.ended = true;
    keep(node.errors, toErrorData(error));
  }

  linkStalled(name: string): void {
    const stall = this.#stalls.get(name) ?? { times: 0, now: 0 };
    stall.times++;
    stall.now++;
    this.#stalls.set(name, stall);
  }

  linkMoves(name: string): void {
    const stall = this.#stalls.get(name);
    if (stall) stall.now--;
  }

  report(outcome: Outcome, elapsedMs: number, drained: boolean, error: unknown): RunReport {
    return {
      outcome,
      elapsedMs: Math.round(elapsedMs),
      drained,
      links: [...this.links].map(([name, count]) => reportOf(name, count)),
      dropped: Object.fromEntries([...this.#dropped].map(([id, reasons]) => [id, Object.fromEntries(reasons)])),
      measures: Object.fromEntries([...this.#measures].map(([id, measures]) => [id, measuresOf(measures)])),
      branches: {
        begun: this.#begun,
        ended: this.#ended,
        failed: this.#failed,
        expected: this.#expected,
        failures: [...this.#failures],
      },
      nodes: Object.fromEntries([...this.#nodes].map(([id, node]) => [id, { ...node, errors: [...node.errors] }])),
      making: [...this.#making.keys()],
      stalls: [...this.#stalls].map(([link, stall]) => ({ link, ...stall })),
      ...(error !== undefined && { error: toErrorData(error) }),
    };
  }

  #node(id: string): { restarts: number; ended: boolean; readonly errors: ErrorData[] } {
    let node = this.#nodes.get(id);
    if (!node) this.#nodes.set(id, (node = { restarts: 0, ended: false, errors: [] }));
    return node;
  }
}

function measuresOf(measures: ReadonlyMap<string, Measure>): Readonly<Record<string, MeasureReport>> {
  return Object.fromEntries([...measures].map(([name, measure]) => [name, measure.report()]));
}

/** Adds to the last few of a list. */
function keep<T>(list: T[], item: T): void {
  list.push(item);
  if (list.length > FAILURES_KEPT) list.shift();
}

function reportOf(name: string, count: LinkCount): LinkReport {
  const { chunks, mediaUs, taken, dropped, drops, held, heldMs, mostHeld, queued, formats, formatChanges } = count;
  return {
    name,
    chunks,
    mediaMs: Math.round(mediaUs / 1000),
    taken,
    dropped,
    drops: Object.fromEntries(drops),
    held,
    heldMs: Math.round(heldMs),
    mostHeld,
    ...(queued > 0 && { waitMs: waitOf(count) }),
    formats: [...formats],
    formatChanges,
  };
}

function waitOf({ queued, queuedUs, longestUs }: LinkCount): NonNullable<LinkReport['waitMs']> {
  return { chunks: queued, total: rounded(queuedUs), mean: rounded(queuedUs / queued), max: rounded(longestUs) };
}

/** µs as ms with one digit behind the point. */
function rounded(us: number): number {
  return Math.round(us / 100) / 10;
}
