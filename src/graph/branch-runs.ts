import type { Clock } from '../media/clock.js';
import { SluiceError } from '../media/errors.js';
import type { NodeContext, NodeDef } from '../media/node.js';
import type { StreamInfo } from '../media/session-access.js';
import type { LinkObserver } from './link-observer.js';
import type { Making } from './node-context.js';
import { placed } from './placed.js';
import type { PlannedBranch, PlannedNode } from './planned.js';
import { Restarts } from './restarts.js';
import { Scope, type ScopeSurroundings } from './scope.js';

export interface BranchOptions {
  readonly branch: PlannedBranch;
  /** How long a branch whose stream has gone may drain, in ms. */
  readonly drainMs: number;
  readonly surroundings: ScopeSurroundings;
  /** The nodes that are not in branches. */
  readonly main: Scope;
  /** Ends the whole graph. */
  readonly failGraph: (error: SluiceError) => void;
  readonly observe?: LinkObserver | undefined;
  readonly contextOf: (node: PlannedNode, making: Making) => NodeContext;
}

/** One stream's part of the graph while it lives. */
interface LiveBranch {
  readonly stream: StreamInfo;
  readonly scope: Scope;
  /** Told when the stream has changed. */
  readonly listeners: Set<(stream: StreamInfo) => void>;
  ending: boolean;
  /** The same stream has come back while the branch still drains. */
  again?: StreamInfo | undefined;
  /** Settles, never rejects, when nothing is left of it. */
  over: Promise<void>;
}

/** All branches of one node that makes them. What fails in a branch ends that branch and nothing else, unless its node says so. */
export class BranchRuns {
  readonly #options: BranchOptions;
  readonly #nodes: readonly PlannedNode[];
  readonly #live = new Map<string, LiveBranch>();
  /** Aborted when no more branches are wanted. */
  readonly #watching = new AbortController();

  constructor(options: BranchOptions) {
    this.#options = options;
    const ids = new Set(options.branch.nodes);
    this.#nodes = options.surroundings.plan.nodes.filter((node) => ids.has(node.id));
  }

  /** Makes branches until no more can come, and settles when all have ended. Errors: those of the node's `watch`. */
  async run(): Promise<void> {
    const source = this.#nodes.find((node) => node.id === this.#options.branch.source);
    if (!source?.def.watch) {
      throw new SluiceError(
        'SLUICE_INTERNAL',
        'a node makes branches but cannot watch for them',
        source && { place: source.place },
      );
    }
    await this.#watch(source, source.def.watch);
    this.#watching.abort();
    while (this.#live.size > 0) await Promise.all([...this.#live.values()].map((branch) => branch.over));
  }

  /** Watches until no more branches can come; anew after a failure where the node says so, while the branches there are go on. */
  async #watch(source: PlannedNode, watch: NonNullable<NodeDef['watch']>): Promise<void> {
    const { surroundings, contextOf } = this.#options;
    const { clock, counts, log } = surroundings;
    const { signal } = this.#watching;
    const restarts = source.onError.action === 'restart' ? new Restarts(source.onError, clock) : undefined;
    for (let isRestart = false; !signal.aborted || !isRestart; isRestart = true) {
      // What an attempt that failed has left behind ends with it.
      const attempt = new AbortController();
      const context = contextOf(source, { signal: AbortSignal.any([signal, attempt.signal]), isRestart });
      try {
        restarts?.began();
        await watch(source.options, context, {
          began: (stream) => {
            if (!attempt.signal.aborted) this.#begin(stream);
          },
          updated: (stream) => {
            for (const listener of this.#live.get(stream.streamId)?.listeners ?? []) listener(stream);
          },
          ended: (streamId) => {
            if (!attempt.signal.aborted) this.#end(streamId);
          },
        });
        return;
      } catch (cause) {
        const error = placed(cause, source.place);
        attempt.abort(error);
        const delayMs = signal.aborted ? undefined : restarts?.next();
        if (delayMs === undefined) throw error;
        counts.nodeRestarted(source.id, error);
        log.warn(
          { node: source.id, restart: restarts?.count ?? 0, inMs: delayMs, error },
          'a node failed and is made anew',
        );
        await passed(clock, delayMs, signal);
      }
    }
  }

  /** No new branches; those there are end their sources and drain. */
  stop(): void {
    this.#watching.abort();
    for (const branch of this.#live.values()) this.#stopBranch(branch);
  }

  /** Gives a node other options, in all branches. */
  update(nodeId: string, options: unknown): void {
    for (const { scope } of this.#live.values()) scope.update(nodeId, options);
  }

  /** Ends all branches at once. */
  destroy(error: unknown): void {
    this.#watching.abort();
    for (const branch of this.#live.values()) {
      branch.ending = true;
      branch.scope.destroy(error);
    }
  }

  #begin(stream: StreamInfo): void {
    if (this.#watching.signal.aborted) return;
    const present = this.#live.get(stream.streamId);
    if (present) {
      if (present.ending) present.again = stream;
      return;
    }
    const { surroundings, main, failGraph, observe, contextOf } = this.#options;
    const listeners: LiveBranch['listeners'] = new Set();
    const scope = new Scope({
      ...surroundings,
      nodes: this.#nodes,
      branch: { stream, main, failGraph },
      observe: observe && ((link) => observe(link, stream)),
      contextOf: (node, making) =>
        contextOf(node, {
          ...making,
          branch: stream,
          onBranchUpdated: (listener) => {
            listeners.add(listener);
            making.signal.addEventListener('abort', () => listeners.delete(listener), { once: true });
          },
        }),
    });
    const branch: LiveBranch = { stream, scope, listeners, ending: false, over: Promise.resolve() };
    this.#live.set(stream.streamId, branch);
    surroundings.counts.branchBegun();
    branch.over = this.#runBranch(branch).then(() => {
      this.#live.delete(stream.streamId);
      if (branch.again) this.#begin(branch.again);
    });
  }

  #end(streamId: string): void {
    const branch = this.#live.get(streamId);
    if (!branch) return;
    branch.again = undefined;
    this.#stopBranch(branch);
  }

  #stopBranch(branch: LiveBranch): void {
    if (branch.ending) return;
    branch.ending = true;
    const { scope } = branch;
    if (!scope.isOpen) {
      scope.destroy(new SluiceError('SLUICE_STATE_INVALID', 'ended before it began'));
      return;
    }
    scope.stop();
    const timer = this.#options.surroundings.clock.after(this.#options.drainMs, () => {
      scope.destroy(new SluiceError('SLUICE_STATE_INVALID', 'did not drain in time'));
    });
    void branch.over.then(() => {
      timer.cancel();
    });
  }

  async #runBranch(branch: LiveBranch): Promise<void> {
    const { scope, stream } = branch;
    const { counts, log } = this.#options.surroundings;
    try {
      await scope.open();
      scope.start();
      await scope.finished;
      counts.branchEnded();
    } catch (error) {
      const { failedNode } = scope;
      // What a branch that is ending anyway did not get done in time is no failure of it.
      if (!failedNode && branch.ending) {
        counts.branchEnded();
        return;
      }
      counts.branchFailed(stream, error, failedNode?.mayFail === true);
      log.warn({ streamId: stream.streamId, name: stream.name, error }, 'a branch failed');
    }
  }
}

/** Settles after so long, or when aborted. */
function passed(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const over = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', over);
      resolve();
    };
    const timer = clock.after(ms, over);
    signal.addEventListener('abort', over);
  });
}
