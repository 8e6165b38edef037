import { VirtualClock } from '../../src/media/clock.js';
import { runGraph, type GraphRun, type RunOptions } from '../../src/graph/run.js';
import { FrailNodes, type Trouble } from './frail-nodes.js';
import { FakeSession, Lab, factoryOf, noSessions, settle } from './lab.js';

/** A graph of nodes that fail, on the virtual clock. */
export class FrailGraph {
  readonly clock = new VirtualClock();
  readonly nodes = new FrailNodes();
  readonly lab = new Lab(this.nodes.defs);
  readonly session = new FakeSession();
  /** What was logged as info or worse. */
  readonly logged: string[] = [];

  constructor(troubles: Readonly<Record<string, Trouble>> = {}) {
    for (const [name, trouble] of Object.entries(troubles)) this.nodes.troubles.set(name, trouble);
  }

  /** Runs a graph, which may have a session; settles when it flows. */
  async run(text: string, options: Partial<RunOptions> = {}): Promise<GraphRun> {
    const log = (fields: object, line: string): void => void this.logged.push(`${line} ${JSON.stringify(fields)}`);
    const run = runGraph(this.lab.plan(text), {
      sessions: text.includes('sessions:') ? factoryOf(this.session) : noSessions,
      clock: this.clock,
      log: { debug: () => undefined, info: log, warn: log, error: log },
      ...options,
    });
    run.finished.catch(() => undefined);
    await settle();
    return run;
  }

  /** Lets time pass in steps of 20 ms. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 20) {
      this.clock.advance(20);
      await settle(6);
    }
  }

  /** Settles when `isSo` is, which must come without time passing. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await settle(1);
  }

  /** What a `frail-sink` took. */
  taken(name: string): readonly number[] {
    return this.nodes.taken.get(name) ?? [];
  }
}

/** Whole numbers from `from` to before `to`. */
export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}
