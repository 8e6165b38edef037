import type { Clock, ClockTimer } from '../media/clock.js';
import type { NodeLog } from '../media/node.js';
import type { LinkTarget } from './link-target.js';
import type { NodeRun } from './node-run.js';
import type { RunCounts } from './report.js';

/** How often links are looked at, in ms. */
const LOOK_MS = 250;
/** A link is stalled when values waited and none was taken at so many looks in a row. */
const STALLED_LOOKS = 4;
/** What an output may hold that gives without being asked, in values. */
const MOST_UNASKED = 4096;

/** How one link was found at the last look. */
interface Seen {
  readonly taken: number;
  /** At how many looks in a row values waited and none was taken. */
  readonly looks: number;
  /** It was told that it is stalled. */
  readonly isTold: boolean;
}

/**
 * Looks at the links of a running graph now and then. One whose values wait while its reader takes none for 750 ms is stalled: it is
 * named once, and again when it moves. Links whose reader waits for its own readers are not. Costs nothing when media passes.
 */
export class Watchdog {
  readonly #clock: Clock;
  readonly #log: NodeLog;
  readonly #counts: RunCounts;
  readonly #runs = new Set<NodeRun>();
  #seen = new Map<LinkTarget, Seen>();
  #timer: ClockTimer | undefined;

  constructor(clock: Clock, log: NodeLog, counts: RunCounts) {
    this.#clock = clock;
    this.#log = log;
    this.#counts = counts;
  }

  watch(run: NodeRun): void {
    this.#runs.add(run);
  }

  forget(run: NodeRun): void {
    this.#runs.delete(run);
  }

  start(): void {
    this.#timer = this.#clock.after(LOOK_MS, this.#look);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const [target, { isTold }] of this.#seen) if (isTold) this.#counts.linkMoves(target.name);
    this.#seen.clear();
  }

  readonly #look = (): void => {
    const seen = new Map<LinkTarget, Seen>();
    for (const run of this.#runs) {
      this.#relieve(run);
      // Who waits for its own readers is not the one that all wait for.
      const isHeldBack = [...run.pumps].some((pump) => pump.targets.some((target) => target.isBlocking));
      for (const target of run.inlets) seen.set(target, this.#compare(target, isHeldBack));
    }
    for (const [target, { isTold }] of this.#seen) if (isTold && !seen.has(target)) this.#counts.linkMoves(target.name);
    this.#seen = seen;
    this.#timer = this.#clock.after(LOOK_MS, this.#look);
  };

  #compare(target: LinkTarget, isHeldBack: boolean): Seen {
    const last = this.#seen.get(target);
    const { taken } = target;
    // While its reader is being made anew, that is known.
    const waits = target.isConnected && target.held > 0 && !isHeldBack;
    const looks = waits ? (last?.taken === taken ? last.looks + 1 : 1) : 0;
    return { taken, looks, isTold: this.#tell(target, looks, last?.isTold === true) };
  }

  /** Whether it is told now. What was told stays so until it moves. */
  #tell(target: LinkTarget, looks: number, isTold: boolean): boolean {
    const { name } = target;
    if (!isTold && looks >= STALLED_LOOKS) {
      this.#counts.linkStalled(name);
      const heldMs = Math.round(target.heldUs / 1000);
      this.#log.warn({ link: name, held: target.held, heldMs }, 'a link is stalled: its reader takes nothing');
      return true;
    }
    if (isTold && looks <= 1) {
      this.#counts.linkMoves(name);
      this.#log.info({ link: name }, 'a link moves again');
      return false;
    }
    return isTold;
  }

  /** Bounds what is given without being asked for. */
  #relieve(run: NodeRun): void {
    for (const pump of run.pumps) {
      const dropped = pump.relieve(MOST_UNASKED);
      if (dropped > 0) this.#counts.dropped(run.planned.id, 'given without being asked', dropped);
    }
  }
}
