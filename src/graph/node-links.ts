import { Readable, type Writable } from 'node:stream';
import type { Clock } from '../media/clock.js';
import type { SluiceError } from '../media/errors.js';
import type { InputLink } from '../media/node.js';
import type { Pump } from './link.js';
import type { LinkTarget } from './link-target.js';
import type { NodeLife } from './node-life.js';
import type { PlannedNode } from './planned.js';
import { RestartTimeline, makesTimeAnew } from './restart-timeline.js';

/** A link into a node. */
export interface Inlet {
  readonly port: string;
  /** What the node is told of it. */
  readonly link: InputLink;
  /** Of a link from another scope: the input has failed, which is the business of who writes. */
  readonly onBroken?: (error: SluiceError) => void;
}

/** An output of a node that is read. */
export interface Outlet {
  readonly port: string;
  /** Of one for each branch: the id of its stream. */
  readonly branch?: string;
  /** Of one for each branch: it has failed, which is the business of who reads. */
  readonly onBroken?: (error: SluiceError) => void;
}

/** What is to be done when a stream of a node is over. */
export interface StreamEnd {
  readonly ended: () => void;
  /** It has failed, and the node goes on without it; otherwise the node has failed. */
  readonly broken?: (error: SluiceError) => void;
}

/** Watches a stream of a node that lives; see NodeLife.watch. */
export type WatchStream = (life: NodeLife, stream: Readable | Writable, writable: boolean, end?: StreamEnd) => void;

/** The links of one node, which stay when the node is made anew: each life of it is connected to them. */
export class NodeLinks {
  readonly #node: PlannedNode;
  readonly #watch: WatchStream;
  readonly #inlets = new Map<LinkTarget, Inlet>();
  readonly #pumps = new Map<Pump, Outlet>();
  readonly #outputs = new Map<Pump, Readable>();
  readonly #timeline: RestartTimeline | undefined;
  /** What is connected now. */
  #life: NodeLife | undefined;
  #flows = false;

  constructor(node: PlannedNode, clock: Clock, watch: WatchStream) {
    this.#node = node;
    this.#watch = watch;
    if (makesTimeAnew(node)) this.#timeline = new RestartTimeline(clock);
  }

  get inlets(): Iterable<LinkTarget> {
    return this.#inlets.keys();
  }

  get pumps(): Iterable<Pump> {
    return this.#pumps.keys();
  }

  /** Nothing waits for the node on any of its links, and nothing more will come. */
  get isDone(): boolean {
    for (const target of this.#inlets.keys()) if (!target.isDone) return false;
    return true;
  }

  join(target: LinkTarget, inlet: Inlet): void {
    this.#inlets.set(target, inlet);
    if (this.#life) this.#connectInput(this.#life, target, inlet);
  }

  addPump(pump: Pump, outlet: Outlet): void {
    this.#pumps.set(pump, outlet);
    if (!this.#life) return;
    const output = this.#openOutput(this.#life, pump, outlet);
    if (this.#flows) pump.connect(output, this.#timeline);
  }

  /** Nobody reads what `pump` carries any more. */
  removePump(pump: Pump): void {
    const output = this.#outputs.get(pump);
    this.#forget(pump);
    pump.disconnect();
    output?.destroy();
  }

  /** Connects a life of the node; nothing flows out of it yet. Errors: those of the node's `input` and `output`. */
  connect(life: NodeLife): void {
    this.#life = life;
    this.#flows = false;
    for (const [target, inlet] of this.#inlets) this.#connectInput(life, target, inlet);
    this.#outputs.clear();
    for (const [pump, outlet] of this.#pumps) {
      if (outlet.branch === undefined || this.#hasInputOf(outlet.branch)) {
        this.#openOutput(life, pump, outlet);
        continue;
      }
      // What it was for has ended meanwhile.
      pump.finish();
      this.#forget(pump);
    }
  }

  /** Lets flow what the node gives. */
  flow(): void {
    this.#flows = true;
    for (const [pump, output] of this.#outputs) {
      if (pump.isOver) output.resume();
      else pump.connect(output, this.#timeline);
    }
    const stream = this.#life?.node.stream;
    if (this.#pumps.size === 0 && stream instanceof Readable) stream.resume();
  }

  /** Lets go of the node's life; another may be connected. Gives the number of values that it had ready, which are lost. */
  disconnect(): number {
    for (const target of this.#inlets.keys()) target.disconnect();
    return this.#letGo();
  }

  /** Lets go of the node's life for good: who writes to it is told. Gives the number of values that it had ready. */
  close(): number {
    const lost = this.#letGo();
    for (const target of this.#inlets.keys()) target.abandon();
    this.#inlets.clear();
    return lost;
  }

  /** Gives what the outputs have ready, then ends them. */
  stop(): void {
    for (const pump of this.#pumps.keys()) pump.stop();
  }

  /** The readers get what waits for them, then the end. */
  finishOutputs(): void {
    for (const pump of this.#pumps.keys()) pump.finish();
  }

  #letGo(): number {
    this.#life = undefined;
    this.#timeline?.restarted();
    let lost = 0;
    for (const pump of this.#pumps.keys()) lost += pump.disconnect();
    return lost;
  }

  #connectInput(life: NodeLife, target: LinkTarget, inlet: Inlet): void {
    const writable = life.node.input(inlet.port, inlet.link);
    const { onBroken } = inlet;
    this.#watch(life, writable, true, {
      ended: () => {
        target.abandon();
        // One of many is not missed when the node is made anew.
        if (this.#isMany(inlet.port)) this.#inlets.delete(target);
      },
      ...(onBroken && {
        broken: (error) => {
          this.#inlets.delete(target);
          onBroken(error);
          target.abandon();
        },
      }),
    });
    // What ended before the node was made anew is at its end for the new one too.
    if (target.isGone) writable.end();
    else target.connect(writable);
  }

  #openOutput(life: NodeLife, pump: Pump, outlet: Outlet): Readable {
    const output = life.node.output(outlet.port, outlet.branch);
    const { onBroken } = outlet;
    this.#outputs.set(pump, output);
    this.#watch(life, output, false, {
      ended: () => {
        pump.finish();
        if (outlet.branch !== undefined) this.#forget(pump);
      },
      ...(onBroken && {
        broken: (error) => {
          // It is destroyed when nobody reads it any more.
          if (!this.#pumps.has(pump)) return;
          this.#forget(pump);
          onBroken(error);
        },
      }),
    });
    return output;
  }

  #forget(pump: Pump): void {
    this.#pumps.delete(pump);
    this.#outputs.delete(pump);
  }

  #hasInputOf(branch: string): boolean {
    for (const { link } of this.#inlets.values()) if (link.branch === branch) return true;
    return false;
  }

  #isMany(port: string): boolean {
    return this.#node.inputs.some(({ name, many }) => name === port && many === true);
  }
}
