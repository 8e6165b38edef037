import type { Clock } from '../media/clock.js';
import { SluiceError, type Place } from '../media/errors.js';
import type { NodeContext, NodeLog } from '../media/node.js';
import type { StreamInfo } from '../media/session-access.js';
import { buildNode, unitsOf, type BuildOptions } from './build.js';
import { inputLink } from './input-link.js';
import { Pump } from './link.js';
import { LinkCount } from './link-count.js';
import { LinkTarget } from './link-target.js';
import type { Making } from './node-context.js';
import { NodeRun, type NodeRunEvents } from './node-run.js';
import { groupBy } from './order.js';
import { placed } from './placed.js';
import type { Plan, PlannedLink, PlannedNode } from './planned.js';
import type { RunCounts } from './report.js';
import type { Watchdog } from './watchdog.js';

/** What a scope and all others of its graph have in common. */
export interface ScopeSurroundings {
  readonly plan: Plan;
  readonly counts: RunCounts;
  readonly clock: Clock;
  readonly log: NodeLog;
  readonly watchdog: Watchdog;
  readonly optionsOf: BuildOptions['optionsOf'];
}

export interface ScopeOptions extends ScopeSurroundings {
  readonly nodes: readonly PlannedNode[];
  readonly contextOf: (node: PlannedNode, making: Making) => NodeContext;
  readonly observe?: BuildOptions['observe'];
  /** Of a branch: its stream, the nodes outside, and how to end the whole graph. */
  readonly branch?: {
    readonly stream: StreamInfo;
    readonly main: Scope;
    readonly failGraph: (error: SluiceError) => void;
  };
}

/**
 * Nodes that live together: those of the graph itself, or those of one branch. Ends when all have ended. When one fails,
 * its `onError` says what that ends: everything here, the graph, or what depends on it.
 */
export class Scope implements NodeRunEvents {
  /** Settles when every stream is closed and every node freed. Rejects with the first failure that ended it, with its place. */
  readonly finished: Promise<void>;
  readonly #options: ScopeOptions;
  readonly #runs: readonly NodeRun[];
  /** By each of the nodes that a run was built of. */
  readonly #runOf = new Map<string, NodeRun>();
  /** Joins a link with a node outside. */
  readonly #outside: (() => void)[] = [];
  /** Links out of the scope. */
  readonly #leaving: LinkTarget[] = [];
  #failure: SluiceError | undefined;
  #failed: PlannedNode | undefined;
  #isOpen = false;

  constructor(options: ScopeOptions) {
    this.#options = options;
    this.#runs = unitsOf(options.plan, options.nodes).map((members) => this.#runFor(members));
    for (const run of this.#runs) for (const { id } of run.members) this.#runOf.set(id, run);
    for (const run of this.#runs) this.#linkOutputs(run);
    if (options.branch) this.#linkGivenBack(options.branch);
    this.finished = Promise.all(this.#runs.map((run) => run.finished)).then(() => {
      for (const run of this.#runs) options.watchdog.forget(run);
      if (this.#failure) throw this.#failure;
    });
    this.finished.catch(() => undefined);
  }

  /** All nodes have been made. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** The node whose failure ended it. */
  get failedNode(): PlannedNode | undefined {
    return this.#failed;
  }

  /** Makes the nodes; nothing flows yet. Errors: those of the nodes, with their place; then everything is freed. */
  async open(): Promise<void> {
    const made = Promise.all(this.#runs.map((run) => run.make()));
    await Promise.race([made, this.finished.catch(() => undefined)]);
    try {
      if (!this.#failure) for (const join of this.#outside) join();
    } catch (error) {
      this.destroy(error);
    }
    if (this.#failure) {
      for (const target of this.#leaving) target.abandon();
      await this.finished;
    }
    this.#isOpen = true;
  }

  /** Lets media flow. Into the nodes of `joining` more links may come, until they are sealed. */
  start(joining: ReadonlySet<string> = new Set()): void {
    for (const run of this.#runs) if (!joining.has(run.planned.id)) run.seal();
    for (const run of this.#runs) this.#options.watchdog.watch(run);
    for (const run of this.#runs) run.start();
  }

  /** No more links into this node will come. */
  seal(nodeId: string): void {
    this.#runOf.get(nodeId)?.seal();
  }

  /** A node that a link from or to another scope is joined with. */
  node(nodeId: string, { place }: PlannedLink): NodeRun {
    const run = this.#runOf.get(nodeId);
    if (run) return run;
    throw new SluiceError('SLUICE_INTERNAL', `"${nodeId}" is not there`, { place });
  }

  /** Gives one of its nodes other options; nothing happens where it is in another scope. */
  update(nodeId: string, options: unknown): void {
    this.#runOf.get(nodeId)?.update(options);
  }

  /** Ids of the nodes that are not over, upstream first. */
  get unfinished(): readonly string[] {
    return this.#runs.filter((run) => !run.isOver).map((run) => run.planned.id);
  }

  /** Ends the sources; what is on its way drains. `finished` tells when. */
  stop(): void {
    for (const run of this.#runs) run.stop();
  }

  /** Ends everything at once; `finished` rejects with `error`, or with the failure that came before. */
  destroy(error: unknown, place: Place = {}): void {
    if (this.#failure) return;
    const failure = placed(error, place);
    this.#failure = failure;
    for (const run of this.#runs) run.destroy(failure);
    // Readers in other scopes keep what they were given before.
    for (const run of this.#runs) run.finishOutputs();
  }

  failed(run: NodeRun, error: SluiceError): void {
    if (this.#failure) return;
    const { branch, counts, log } = this.#options;
    const { action } = run.planned.onError;
    if (!branch && action === 'end-branch') {
      const node = nodeOf(run, error);
      counts.nodeEnded(node, error);
      log.warn({ node, error }, 'a node failed; what depends on it ends');
      run.end(error);
      return;
    }
    this.#failed = run.planned;
    if (branch && action === 'fail') branch.failGraph(error);
    this.destroy(error);
  }

  restarting(run: NodeRun, error: SluiceError, count: number, delayMs: number): void {
    const node = nodeOf(run, error);
    this.#options.counts.nodeRestarted(node, error);
    this.#options.log.warn({ node, restart: count, inMs: delayMs, error }, 'a node failed and is made anew');
  }

  lost(run: NodeRun, values: number): void {
    this.#options.counts.dropped(run.planned.id, 'not read before it ended', values);
  }

  #runFor(members: readonly [PlannedNode, ...PlannedNode[]]): NodeRun {
    const { plan, counts, clock, contextOf, optionsOf, observe } = this.#options;
    const ids = new Set(members.map(({ id }) => id));
    return new NodeRun({
      members,
      isSource: !plan.links.some((link) => ids.has(link.to.node)),
      clock,
      events: this,
      build: async (signal, isRestart) => {
        for (const id of ids) counts.nodeMaking(id, 1);
        try {
          return await buildNode(members, {
            plan,
            counts: counts.links,
            observe,
            optionsOf,
            contextOf: (node) => contextOf(node, { signal, isRestart }),
          });
        } finally {
          for (const id of ids) counts.nodeMaking(id, -1);
        }
      },
    });
  }

  /** The links out of a node; those inside a fused run are none. */
  #linkOutputs(run: NodeRun): void {
    const { plan, branch } = this.#options;
    for (const { id, outputs } of run.members) {
      for (const { name: port, many } of outputs) {
        const links = plan.links.filter(
          ({ from, to }) => from.node === id && from.output === port && this.#runOf.get(to.node) !== run,
        );
        // What is given back to branches is linked there.
        const own = branch ? links : links.filter(({ to }) => this.#runOf.has(to.node));
        if (own.length === 0) continue;
        const unread = (): void => {
          this.#unread(run);
        };
        // One that gives many has one for each link.
        for (const read of many === true ? own.map((link) => [link]) : [own])
          run.addPump(this.#pump(read, run, unread), { port });
      }
    }
  }

  /** Links from nodes outside, which give each branch its own. */
  #linkGivenBack({ main, stream }: NonNullable<ScopeOptions['branch']>): void {
    const links = this.#options.plan.links.filter(
      ({ from, to }) => this.#runOf.has(to.node) && !this.#runOf.has(from.node),
    );
    for (const [first, ...others] of groupBy(links, ({ from }) => `${from.node}.${from.output}`).values()) {
      if (!first) continue;
      const { from, to, place } = first;
      const writer = main.node(from.node, first);
      const pump: Pump = this.#pump([first, ...others], undefined, () => {
        writer.removePump(pump);
      });
      this.#outside.push(() => {
        writer.addPump(pump, {
          port: from.output,
          branch: stream.streamId,
          onBroken: (error) => {
            this.failed(this.node(to.node, first), error.at(place));
          },
        });
      });
    }
  }

  /** Carries an output of `writer`, or of a node outside, over its links. `onUnread`: see Pump. */
  #pump(links: readonly PlannedLink[], writer: NodeRun | undefined, onUnread: () => void): Pump {
    const { counts, clock, observe, branch } = this.#options;
    const targets = links.map((link) => {
      const { name, flow, queue, formats } = link;
      const count = counts.links.get(name) ?? new LinkCount();
      const target = new LinkTarget({ name, flow, queue, formats, clock, count, onValue: observe?.(link) });
      const reader = this.#runOf.get(link.to.node);
      if (reader) reader.join(target, { port: link.to.input, link: inputLink(link) });
      else if (branch && writer) {
        this.#leaving.push(target);
        this.#outside.push(() => {
          this.#joinOutside(link, target, writer, branch);
        });
      }
      return target;
    });
    return new Pump(targets, onUnread);
  }

  #joinOutside(
    link: PlannedLink,
    target: LinkTarget,
    writer: NodeRun,
    { main, stream }: NonNullable<ScopeOptions['branch']>,
  ): void {
    main.node(link.to.node, link).join(target, {
      port: link.to.input,
      link: inputLink(link, stream),
      onBroken: (error) => {
        this.failed(writer, error.at(link.place));
      },
    });
  }

  /** What nobody reads any more has no reason to go on. */
  #unread(run: NodeRun): void {
    if (!this.#failure && [...run.pumps].every((pump) => pump.isOver || pump.isUnread)) run.end();
  }
}

/** The one of a run's nodes that an error is from. */
function nodeOf(run: NodeRun, error: SluiceError): string {
  return run.members.find(({ id }) => id === error.place?.node)?.id ?? run.planned.id;
}
