import { Readable, finished, type Writable } from 'node:stream';
import { SluiceError, type Place } from '../media/errors.js';
import type { Clock } from '../media/clock.js';
import type { PortDef } from '../media/node.js';
import type { StreamInfo } from '../media/session-access.js';
import { buildNodes, type BuildOptions, type BuiltNode } from './build.js';
import { inputLink } from './input-link.js';
import { Pump } from './link.js';
import { LinkCount } from './link-count.js';
import { LinkTarget } from './link-target.js';
import { groupBy } from './order.js';
import { placed } from './placed.js';
import type { PlannedLink } from './planned.js';

export interface ScopeOptions extends BuildOptions {
  readonly clock: Clock;
  /** Of a branch: the nodes outside it. */
  readonly outside?: OutsideNodes;
}

/** Nodes that join, as a branch sees them. */
export interface OutsideNodes {
  /** A new input for a link that leads out of the branch. */
  input(link: PlannedLink): Writable;
  /** What a link into the branch comes from. */
  output(link: PlannedLink): Readable;
}

/** How long destroyed streams may take to close before the scope settles without them, in ms. */
const CLOSE_DEADLINE_MS = 2000;

/**
 * Nodes that live and end together: those of the graph itself, or those of one branch. Ends when all its streams
 * have ended; the first failure ends them all, as `stream.pipeline` does.
 */
export class Scope {
  /** Settles when every stream is closed and every node freed. Rejects with the first failure, with its place. */
  readonly finished: Promise<void>;
  readonly #options: ScopeOptions;
  readonly #nodes: ReadonlyMap<string, BuiltNode>;
  readonly #pumps: Pump[] = [];
  /** Pumps and outputs of the nodes that nothing flows into. */
  readonly #sources = new Map<Readable, Pump>();
  /** Outputs that nobody reads. */
  readonly #unread = new Set<Readable>();
  readonly #watched = new Set<Readable | Writable>();
  readonly #open = new Set<Readable | Writable>();
  /** Inputs of nodes outside, which are ended, not destroyed, when the scope fails. */
  readonly #outside = new Set<Readable | Writable>();
  /** Nodes that may still get inputs. */
  readonly #unsealed: Set<string>;
  #failure: SluiceError | undefined;
  #stopping = false;
  #over = false;
  #close!: () => void;

  private constructor(options: ScopeOptions, nodes: ReadonlyMap<string, BuiltNode>) {
    this.#options = options;
    this.#nodes = nodes;
    this.#unsealed = new Set(options.nodes.filter((node) => node.inputs.some(isMany)).map((node) => node.id));
    const closed = new Promise<void>((resolve) => {
      this.#close = resolve;
    });
    this.finished = closed.then(() => this.#free());
    this.finished.catch(() => undefined);
  }

  /** Makes the nodes and links them; nothing flows yet. Errors: those of the nodes, with their place. */
  static async open(options: ScopeOptions): Promise<Scope> {
    const scope = new Scope(options, await buildNodes(options));
    try {
      scope.#link();
      return scope;
    } catch (error) {
      scope.destroy(error);
      await scope.finished.catch(() => undefined);
      throw error;
    }
  }

  start(): void {
    for (const pump of this.#pumps) pump.start();
    for (const output of this.#unread) output.resume();
    this.#closeIfDone();
  }

  /** No more inputs will come for this node. The scope stays open until all that take many have been told. */
  seal(nodeId: string): void {
    const planned = this.#options.nodes.find((node) => node.id === nodeId);
    for (const port of planned?.inputs ?? []) if (isMany(port)) this.#nodes.get(nodeId)?.seal(port.name);
    this.#unsealed.delete(nodeId);
    this.#closeIfDone();
  }

  /** A new input of one of its nodes, for a link from a branch. */
  input(link: PlannedLink, branch: StreamInfo): Writable {
    return this.#joinOf(link.to.node, link).input(link.to.input, inputLink(link, branch));
  }

  /** The output of one of its nodes that is for a branch. */
  output(link: PlannedLink, branch: string): Readable {
    return this.#joinOf(link.from.node, link).output(link.from.output, branch);
  }

  /** Gives one of its nodes other options; nothing happens where it is in another scope. */
  update(nodeId: string, options: unknown): void {
    this.#nodes.get(nodeId)?.update(options);
  }

  /** Ends the sources; what is on its way drains. `finished` tells when. */
  stop(): void {
    this.#stopping = true;
    for (const pump of this.#sources.values()) pump.stop();
  }

  /** Ends everything at once; `finished` rejects with `error`, or with the failure that came before. */
  destroy(error: unknown, place: Place = {}): void {
    if (this.#over || this.#failure) return;
    this.#failure = placed(error, place);
    for (const stream of this.#open) {
      if (!this.#outside.has(stream)) stream.destroy(this.#failure);
      else if (!(stream as Writable).writableEnded) (stream as Writable).end();
    }
    const guard = this.#options.clock.after(CLOSE_DEADLINE_MS, this.#close);
    void this.finished
      .catch(() => undefined)
      .then(() => {
        guard.cancel();
      });
    if (this.#open.size === 0) this.#close();
  }

  #joinOf(nodeId: string, { place }: PlannedLink): BuiltNode {
    const node = this.#nodes.get(nodeId);
    if (!node) throw new SluiceError('SLUICE_INTERNAL', `"${nodeId}" is not there`, { place });
    return node;
  }

  #closeIfDone(): void {
    if (this.#open.size === 0 && (this.#failure || this.#unsealed.size === 0)) this.#close();
  }

  #link(): void {
    for (const node of this.#options.nodes) {
      const built = this.#nodes.get(node.id);
      if (built?.stream) this.#watch(built.stream, built.place, this.#hasInput(built));
    }
    for (const node of this.#options.nodes) {
      const built = this.#nodes.get(node.id);
      if (built) for (const port of node.outputs) this.#linkOutput(node.id, port, built);
    }
    this.#linkGivenBack();
  }

  #linkOutput(nodeId: string, { name: port, many }: PortDef, built: BuiltNode): void {
    const { plan, outside } = this.#options;
    const links = plan.links.filter((link) => link.from.node === nodeId && link.from.output === port);
    if (links.length === 0 && built.stream instanceof Readable) this.#unread.add(built.stream);
    // The links inside a fused run are no streams; what is given back to branches is linked there.
    const outer = links.filter(
      (link) => !this.#isInner(link) && (outside !== undefined || this.#isInside(link.to.node)),
    );
    if (outer.length === 0) return;
    for (const read of many === true ? outer.map((link) => [link]) : [outer]) {
      const output = built.output(port);
      const pump = this.#pump(output, built.place, read);
      if (!this.#hasInput(built)) this.#sources.set(output, pump);
    }
  }

  /** Links what comes from nodes outside, which give each branch its own. */
  #linkGivenBack(): void {
    const { plan, outside } = this.#options;
    if (!outside) return;
    const links = plan.links.filter((link) => this.#isInside(link.to.node) && !this.#isInside(link.from.node));
    for (const [link, ...others] of groupBy(links, ({ from }) => `${from.node}.${from.output}`).values())
      if (link) this.#pump(outside.output(link), link.place, [link, ...others]);
  }

  #isInside(nodeId: string): boolean {
    return this.#options.nodes.some((node) => node.id === nodeId);
  }

  #pump(output: Readable, place: Place, links: readonly PlannedLink[]): Pump {
    const { counts, clock, observe } = this.#options;
    this.#watch(output, place, false);
    const targets = links.map((link) => {
      const count = counts.get(link.name) ?? new LinkCount();
      return new LinkTarget({
        writable: this.#inputFor(link),
        count,
        clock,
        queue: link.queue,
        onValue: observe?.(link),
      });
    });
    const pump = new Pump(output, targets);
    this.#pumps.push(pump);
    return pump;
  }

  #inputFor(link: PlannedLink): Writable {
    const { outside } = this.#options;
    const node = this.#nodes.get(link.to.node);
    const writable = node?.input(link.to.input, inputLink(link)) ?? outside?.input(link);
    if (!writable) throw new SluiceError('SLUICE_INTERNAL', `"${link.to.node}" is not there`, { place: link.place });
    if (!node) this.#outside.add(writable);
    this.#watch(writable, node?.place ?? link.place, true);
    return writable;
  }

  /** Whether anything flows into a node that was built. */
  #hasInput(built: BuiltNode): boolean {
    return this.#options.plan.links.some((link) => this.#nodes.get(link.to.node) === built);
  }

  #isInner(link: PlannedLink): boolean {
    return this.#options.plan.fused.some((run) => run.includes(link.from.node) && run.includes(link.to.node));
  }

  #watch(stream: Readable | Writable, place: Place, writable: boolean): void {
    if (this.#watched.has(stream)) return;
    this.#watched.add(stream);
    this.#open.add(stream);
    finished(stream, { writable }, (error) => {
      this.#open.delete(stream);
      if (error && !this.#isExpected(stream, error))
        this.destroy(isPremature(error) ? closedEarly(error) : error, place);
      this.#closeIfDone();
    });
  }

  /** A source that was told to stop is destroyed without having ended. */
  #isExpected(stream: Readable | Writable, error: Error): boolean {
    return this.#stopping && isPremature(error) && this.#sources.has(stream as Readable);
  }

  async #free(): Promise<void> {
    this.#over = true;
    const nodes = [...new Set(this.#nodes.values())];
    const results = await Promise.allSettled(nodes.map(async (node) => node.close()));
    results.forEach((result, index) => {
      if (result.status === 'rejected') this.#failure ??= placed(result.reason, nodes[index]?.place ?? {});
    });
    if (this.#failure) throw this.#failure;
  }
}

function isMany(port: PortDef): boolean {
  return port.many === true;
}

function isPremature(error: Error): boolean {
  return (error as NodeJS.ErrnoException).code === 'ERR_STREAM_PREMATURE_CLOSE';
}

function closedEarly(cause: Error): SluiceError {
  return new SluiceError('SLUICE_INTERNAL', 'closed before it had ended', { cause });
}
