import type { Readable, Writable } from 'node:stream';
import type { Clock, ClockTimer } from '../media/clock.js';
import { SluiceError } from '../media/errors.js';
import type { Pump } from './link.js';
import type { LinkTarget } from './link-target.js';
import type { NodeLife } from './node-life.js';
import { NodeLinks, type Inlet, type Outlet, type StreamEnd } from './node-links.js';
import { NodeLives, type BuildNode } from './node-lives.js';
import { placed } from './placed.js';
import type { PlannedNode } from './planned.js';
import { Restarts } from './restarts.js';
import { streamFailure } from './stream-failure.js';

/** What a node that runs tells the scope that it lives in. */
export interface NodeRunEvents {
  /** It has failed and is not made anew. The scope says what that ends, with `end` or `destroy`. */
  failed(run: NodeRun, error: SluiceError): void;
  /** It has failed, for the `count`th time, and is made anew after a while. */
  restarting(run: NodeRun, error: SluiceError, count: number, delayMs: number): void;
  /** Values that it had ready to give when it failed. */
  lost(run: NodeRun, values: number): void;
}

export interface NodeRunOptions {
  /** One node, or functions that are built as one stream and do the same when one fails. */
  readonly members: readonly [PlannedNode, ...PlannedNode[]];
  /** Nothing flows into it. */
  readonly isSource: boolean;
  readonly clock: Clock;
  readonly events: NodeRunEvents;
  readonly build: BuildNode;
}

/**
 * `making`, `ready` (made, but nothing flows yet), `running`, `broken` (failed; it is made anew or somebody says how to go on), `ending`,
 * `over`.
 */
type Phase = 'making' | 'ready' | 'running' | 'broken' | 'ending' | 'over';

/** How long a node that is not wanted any more may go on being made, in ms. */
const MAKE_DEADLINE_MS = 2000;

/** A node of a scope from the beginning to the end, however often it is made anew. Its links stay the same. */
export class NodeRun {
  readonly planned: PlannedNode;
  readonly members: readonly PlannedNode[];
  /** Settles when it is over and freed. Never rejects. */
  readonly finished: Promise<void>;
  readonly #options: NodeRunOptions;
  readonly #links: NodeLinks;
  readonly #lives: NodeLives;
  readonly #restarts: Restarts | undefined;
  #phase: Phase = 'making';
  #timer: ClockTimer | undefined;
  /** Why it ended while it was being made. */
  #endReason: SluiceError | undefined;
  #isStarted = false;
  #isSealed = false;
  #isStopping = false;
  #settle!: () => void;

  constructor(options: NodeRunOptions) {
    const [first] = options.members;
    this.planned = first;
    this.members = options.members;
    this.#options = options;
    this.#lives = new NodeLives(options.build, options.clock);
    this.#links = new NodeLinks(first, options.clock, (life, stream, writable, end) => {
      this.#watch(life, stream, writable, end);
    });
    if (first.onError.action === 'restart') this.#restarts = new Restarts(first.onError, options.clock);
    this.finished = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  /** It has ended and is freed. */
  get isOver(): boolean {
    return this.#phase === 'over';
  }

  /** Links into it. */
  get inlets(): Iterable<LinkTarget> {
    return this.#links.inlets;
  }

  /** Carry what it gives. */
  get pumps(): Iterable<Pump> {
    return this.#links.pumps;
  }

  /** One of its outputs goes to the targets of `pump`. */
  addPump(pump: Pump, outlet: Outlet): void {
    if (this.#isEnding() || pump.isUnread) pump.finish();
    else this.#links.addPump(pump, outlet);
  }

  /** Nobody reads what `pump` carries any more. */
  removePump(pump: Pump): void {
    this.#links.removePump(pump);
  }

  /** A link into it. */
  join(target: LinkTarget, inlet: Inlet): void {
    if (this.#isEnding()) target.abandon();
    else this.#links.join(target, inlet);
  }

  /** Makes it; settles when that has been done or has failed. Never rejects. */
  async make(): Promise<void> {
    let life: NodeLife;
    try {
      life = await this.#lives.make();
    } catch (error) {
      if (this.#isMaking()) this.#failed(error);
      else this.#over();
      return;
    }
    const { stream } = life.node;
    if (stream) this.#watch(life, stream, !this.#options.isSource);
    if (!this.#isMaking()) {
      await life.end(this.#endReason).catch(() => undefined);
      this.#over();
      return;
    }
    this.#lives.begin(life);
    try {
      this.#links.connect(life);
      if (this.#isSealed) this.#sealPorts(life);
    } catch (error) {
      this.#failed(error);
      return;
    }
    this.#phase = 'ready';
    if (this.#isStarted) this.#flow();
  }

  /** Lets media flow. */
  start(): void {
    this.#isStarted = true;
    if (this.#phase === 'ready') this.#flow();
  }

  /** No more links into it will come. */
  seal(): void {
    this.#isSealed = true;
    const life = this.#lives.current;
    if (!life) return;
    this.#sealPorts(life);
    this.#checkDone();
  }

  /** Gives it other options while it runs; what is made from now on has them anyhow. */
  update(options: unknown): void {
    this.#lives.current?.node.update(options);
  }

  /** Of a source: gives what it has ready, then ends. Others end when what they read has. */
  stop(): void {
    this.#isStopping = true;
    if (!this.#options.isSource) return;
    if (this.#phase === 'running') this.#links.stop();
    else this.end();
  }

  /** It failed for good (`reason`), or is not needed: what it gave still goes out to its readers, who then end. */
  end(reason?: SluiceError): void {
    this.#shut(reason);
    this.finishOutputs();
  }

  /** Ends it at once. Its readers are told by `finishOutputs`. */
  destroy(error: SluiceError): void {
    this.#shut(error);
  }

  /** The readers get what waits for them, then the end. */
  finishOutputs(): void {
    this.#links.finishOutputs();
  }

  #isMaking(): boolean {
    return this.#phase === 'making';
  }

  #isEnding(): boolean {
    return this.#phase === 'ending' || this.#phase === 'over';
  }

  #sealPorts(life: NodeLife): void {
    for (const port of this.planned.inputs) if (port.many === true) life.node.seal(port.name);
  }

  #flow(): void {
    this.#phase = 'running';
    this.#restarts?.began();
    this.#links.flow();
    this.#checkDone();
  }

  #watch(life: NodeLife, stream: Readable | Writable, writable: boolean, end?: StreamEnd): void {
    life.watch(stream, writable, (error) => {
      if (life !== this.#lives.current) return;
      if (error && !this.#isStopped()) {
        const failure = streamFailure(error, this.planned.place);
        if (end?.broken) this.#break(life, end.broken, failure);
        else this.#failed(failure);
        return;
      }
      end?.ended();
      this.#checkDone();
    });
  }

  /** What becomes of a source that was told to stop is no failure: it is destroyed without having ended. */
  #isStopped(): boolean {
    return this.#isStopping && this.#options.isSource;
  }

  #break(life: NodeLife, broken: (error: SluiceError) => void, failure: SluiceError): void {
    // Where the node itself has failed, and this stream only with it, that is told first.
    setImmediate(() => {
      if (life !== this.#lives.current || this.#phase !== 'running') return;
      broken(failure);
      this.#checkDone();
    });
  }

  #checkDone(): void {
    if (this.#phase === 'running' && this.#isSealed && this.#lives.current?.isClosed === true) this.end();
  }

  #failed(error: unknown): void {
    if (this.#phase === 'broken' || this.#isEnding()) return;
    const { events, clock } = this.#options;
    const failure = placed(error, this.planned.place);
    this.#phase = 'broken';
    this.#lose(this.#links.disconnect());
    const delayMs = this.#isWorthAnother() ? this.#restarts?.next() : undefined;
    if (delayMs === undefined) {
      events.failed(this, failure);
      return;
    }
    events.restarting(this, failure, this.#restarts?.count ?? 0, delayMs);
    void this.#lives.free(failure).then(() => {
      if (this.#phase !== 'broken') return;
      this.#timer = clock.after(delayMs, () => {
        this.#phase = 'making';
        void this.make();
      });
    });
  }

  /** Whether there is anything that it could do if it were made anew. */
  #isWorthAnother(): boolean {
    return this.#options.isSource || !this.#isSealed || !this.#links.isDone;
  }

  #lose(values: number): void {
    if (values > 0) this.#options.events.lost(this, values);
  }

  #shut(reason: SluiceError | undefined): void {
    if (this.#isEnding()) return;
    const wasMaking = this.#isMaking();
    this.#phase = 'ending';
    this.#timer?.cancel();
    this.#lose(this.#links.close());
    if (!wasMaking) {
      void this.#close(reason);
      return;
    }
    // What is being made is freed when it is there; what never comes is not waited for.
    this.#endReason = reason;
    this.#lives.abort(reason);
    this.#timer = this.#options.clock.after(MAKE_DEADLINE_MS, () => {
      this.#over();
    });
  }

  async #close(reason: SluiceError | undefined): Promise<void> {
    try {
      await this.#lives.end(reason);
    } catch (error) {
      if (!reason) this.#options.events.failed(this, placed(error, this.planned.place));
    }
    this.#over();
  }

  #over(): void {
    this.#timer?.cancel();
    this.#phase = 'over';
    this.#settle();
  }
}
