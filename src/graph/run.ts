import { settlesWithin, systemClock, type Clock, type ClockTimer } from '../media/clock.js';
import { SluiceError } from '../media/errors.js';
import type { NodeLog } from '../media/node.js';
import { BranchRuns } from './branch-runs.js';
import { ChangedOptions } from './changed-options.js';
import type { Plan } from './planned.js';
import { GivenToRun, type GivenStreams } from './given-streams.js';
import type { LinkObserver } from './link-observer.js';
import { nodeContext, type Progress, type RunParts } from './node-context.js';
import { RunCounts, type Outcome, type RunReport } from './report.js';
import { Scope, type ScopeSurroundings } from './scope.js';
import { openSessions, type OpenSessions, type SessionFactory } from './sessions.js';
import { Watchdog } from './watchdog.js';

export interface RunOptions extends GivenStreams {
  /** Joins the sessions that the graph names. */
  readonly sessions: SessionFactory;
  /** Ends the run at once when aborted. */
  readonly signal?: AbortSignal;
  /** Default: the machine's clock. */
  readonly clock?: Clock;
  /** Default: nothing is logged. */
  readonly log?: NodeLog;
  /** How long a stop may take to drain, in ms. Default 5000. */
  readonly drainMs?: number;
  /** Told about long work of nodes. */
  readonly onProgress?: (progress: Progress) => void;
  /** Looks at what passes the links. */
  readonly observe?: LinkObserver;
}

/** A graph that runs. */
export interface GraphRun {
  /**
   * Settles when everything has ended and every session was left: with the report when the graph ended by itself or was
   * stopped. Rejects with the first failure (a SluiceError with the place of its node), or with the signal's reason.
   */
  readonly finished: Promise<RunReport>;
  /** Ends the sources and lets out what is on its way, up to the deadline; then `finished` settles. Never rejects. */
  stop(): Promise<RunReport>;
  /** How things stand. */
  report(): RunReport;
  /**
   * Changes options of a node while it runs, in all branches: those that its reference says can be (`input` of a switch).
   * Errors: SLUICE_CONFIG_INVALID; SLUICE_STATE_INVALID after the end.
   */
  update(nodeId: string, options: Readonly<Record<string, unknown>>): void;
}

/** Runs a plan: joins its sessions, makes its nodes, lets media flow, and frees everything however it ends. */
export function runGraph(plan: Plan, options: RunOptions): GraphRun {
  const run = new Run(plan, options);
  const finished = run.run();
  return {
    finished,
    stop: async () => {
      run.stop();
      await finished.catch(() => undefined);
      return run.report();
    },
    report: () => run.report(),
    update: (nodeId, changes) => {
      run.update(nodeId, changes);
    },
  };
}

const DRAIN_MS = 5000;
/** How long what has been told to end may take, in ms. */
const GRACE_MS = 4000;
const SILENT: NodeLog = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

class Run {
  readonly #plan: Plan;
  readonly #options: RunOptions;
  readonly #clock: Clock;
  readonly #log: NodeLog;
  readonly #counts: RunCounts;
  readonly #given: GivenToRun;
  readonly #changed: ChangedOptions;
  readonly #startUs: number;
  readonly #watchdog: Watchdog;
  readonly #parts: RunParts;
  /** Ids of all nodes that are made anew for every stream. */
  readonly #inBranches: ReadonlySet<string>;
  /** Aborted when the run ends at once, or is over. */
  readonly #abort = new AbortController();
  #sessions: OpenSessions | undefined;
  #scope: Scope | undefined;
  #branches: readonly BranchRuns[] = [];
  #outcome: Outcome = 'running';
  #stopping = false;
  #drained = true;
  #failure: unknown;
  #endUs: number | undefined;
  #guard: ClockTimer | undefined;

  constructor(plan: Plan, options: RunOptions) {
    this.#plan = plan;
    this.#inBranches = new Set(plan.branches.flatMap((branch) => branch.nodes));
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log ?? SILENT;
    this.#counts = new RunCounts(plan);
    this.#given = new GivenToRun(options);
    this.#changed = new ChangedOptions(plan);
    this.#startUs = this.#clock.nowUs();
    this.#watchdog = new Watchdog(this.#clock, this.#log, this.#counts);
    this.#parts = {
      plan,
      clock: this.#clock,
      log: this.#log,
      counts: this.#counts,
      given: this.#given,
      session: (id) => this.#sessions?.get(id),
      onProgress: options.onProgress,
    };
  }

  async run(): Promise<RunReport> {
    const { signal } = this.#options;
    const onAbort = (): void => {
      this.#end('aborted', signal?.reason);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      this.#given.check(this.#plan);
      if (signal?.aborted === true) onAbort();
      await Promise.race([this.#flow(), this.#abandoned()]);
    } catch (error) {
      this.#end('failed', error);
    } finally {
      signal?.removeEventListener('abort', onAbort);
      await this.#leave();
    }
    if (this.#outcome === 'failed' || this.#outcome === 'aborted') throw this.#failure;
    return this.report();
  }

  report(): RunReport {
    const elapsedMs = ((this.#endUs ?? this.#clock.nowUs()) - this.#startUs) / 1000;
    return this.#counts.report(this.#outcome, elapsedMs, this.#drained, this.#failure);
  }

  update(nodeId: string, changes: Readonly<Record<string, unknown>>): void {
    if (this.#isOver()) throw new SluiceError('SLUICE_STATE_INVALID', 'the graph has ended');
    const options = this.#changed.change(nodeId, changes);
    this.#scope?.update(nodeId, options);
    for (const branch of this.#branches) branch.update(nodeId, options);
  }

  stop(): void {
    if (this.#stopping || this.#outcome !== 'running') return;
    this.#stopping = true;
    this.#watchdog.stop();
    if (this.#scope?.isOpen !== true) {
      this.#end('stopped', undefined);
      return;
    }
    this.#scope.stop();
    for (const branch of this.#branches) branch.stop();
    const timer = this.#clock.after(this.#options.drainMs ?? DRAIN_MS, () => {
      if (this.#outcome !== 'running') return;
      this.#drained = false;
      this.#log.warn({ nodes: this.#scope?.unfinished.join(', ') }, 'did not drain in time');
      this.#end('stopped', undefined);
    });
    this.#abort.signal.addEventListener('abort', () => {
      timer.cancel();
    });
  }

  async #flow(): Promise<void> {
    if (this.#isOver()) return;
    this.#sessions = await openSessions(this.#plan.sessions, this.#options.sessions, {
      signal: this.#abort.signal,
      log: this.#log,
      onLost: (error) => {
        if (!this.#stopping) this.#end('failed', error);
      },
    });
    if (this.#isOver()) return;
    const surroundings: ScopeSurroundings = {
      plan: this.#plan,
      counts: this.#counts,
      clock: this.#clock,
      log: this.#log,
      watchdog: this.#watchdog,
      optionsOf: this.#changed.of,
    };
    const { observe } = this.#options;
    const scope = new Scope({
      ...surroundings,
      nodes: this.#plan.nodes.filter((node) => !this.#inBranches.has(node.id)),
      contextOf: (node, making) => nodeContext(node, making, this.#parts),
      observe: observe && ((link) => observe(link, undefined)),
    });
    this.#scope = scope;
    await scope.open();
    await Promise.all([this.#watch(scope.finished), this.#watch(this.#runBranches(scope, surroundings))]);
  }

  /** Starts everything together; joins are sealed when no more branches can come. */
  async #runBranches(scope: Scope, surroundings: ScopeSurroundings): Promise<void> {
    const failGraph = (error: SluiceError): void => {
      this.#end('failed', error);
    };
    this.#branches = this.#plan.branches.map(
      (branch) =>
        new BranchRuns({
          branch,
          drainMs: this.#options.drainMs ?? DRAIN_MS,
          surroundings,
          observe: this.#options.observe,
          main: scope,
          failGraph,
          contextOf: (node, making) => nodeContext(node, making, this.#parts),
        }),
    );
    const joining = this.#joining();
    scope.start(joining);
    this.#watchdog.start();
    await Promise.all(this.#branches.map((branch) => this.#watch(branch.run())));
    for (const id of joining) scope.seal(id);
  }

  #isOver(): boolean {
    return this.#abort.signal.aborted;
  }

  /** Nodes outside the branches that links out of branches lead to. */
  #joining(): ReadonlySet<string> {
    const inBranches = this.#inBranches;
    const out = this.#plan.links.filter(({ from, to }) => inBranches.has(from.node) && !inBranches.has(to.node));
    return new Set(out.map(({ to }) => to.node));
  }

  /** The first failure of any part ends the others. */
  async #watch(part: Promise<void>): Promise<void> {
    try {
      await part;
    } catch (error) {
      this.#end('failed', error);
    }
  }

  /** Settles some time after the run was ended: what does not heed its signal is left behind. */
  #abandoned(): Promise<void> {
    return new Promise((resolve) => {
      const { signal } = this.#abort;
      const wait = (): void => {
        if (this.#endUs !== undefined) return;
        this.#guard = this.#clock.after(GRACE_MS, resolve);
      };
      if (signal.aborted) wait();
      else signal.addEventListener('abort', wait, { once: true });
    });
  }

  /** Ends everything at once; the first call says how it ended. */
  #end(outcome: Outcome, failure: unknown): void {
    if (this.#outcome !== 'running') return;
    this.#outcome = outcome;
    this.#failure = failure;
    const reason: unknown = failure ?? new SluiceError('SLUICE_STATE_INVALID', 'the graph was stopped');
    this.#abort.abort(reason);
    this.#scope?.destroy(reason);
    for (const branch of this.#branches) branch.destroy(reason);
  }

  async #leave(): Promise<void> {
    this.#guard?.cancel();
    this.#watchdog.stop();
    if (this.#outcome === 'running') this.#outcome = this.#stopping ? 'stopped' : 'ended';
    const left = this.#sessions?.leave((error, id) => {
      this.#log.warn({ session: id, error }, 'could not leave the session');
    });
    if (left) await settlesWithin(this.#clock, left, GRACE_MS);
    this.#given.release(this.#failure);
    this.#endUs = this.#clock.nowUs();
    this.#abort.abort();
  }
}
