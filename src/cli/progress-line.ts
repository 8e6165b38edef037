import type { Progress } from '../graph/node-context.js';
import type { GraphRun } from '../graph/run.js';
import type { CliIo } from './command.js';

const QUIET_MS = 1000;
const REFRESH_MS = 500;

/** A line on a terminal that says how far a run has come; nothing during its first second, and nothing elsewhere. */
export class ProgressLine {
  readonly #io: CliIo;
  readonly #texts = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;
  #run: GraphRun | undefined;
  #shown = false;

  constructor(io: CliIo) {
    this.#io = io;
  }

  /** Takes what a node tells of its work. */
  readonly told = ({ node, text, fraction }: Progress): void => {
    this.#texts.set(node, `${node}: ${text}${fraction === undefined ? '' : ` ${Math.round(fraction * 100)} %`}`);
  };

  follow(run: GraphRun): void {
    if (this.#io.stderr.isTTY !== true) return;
    this.#run = run;
    this.#timer = setTimeout(() => {
      this.#show();
      this.#timer = setInterval(() => {
        this.#show();
      }, REFRESH_MS).unref();
    }, QUIET_MS).unref();
  }

  /** Takes the line away. */
  end(): void {
    clearInterval(this.#timer);
    if (this.#shown) this.#io.stderr.write('\r\x1b[K');
    this.#shown = false;
  }

  #show(): void {
    const report = this.#run?.report();
    if (!report) return;
    const chunks = report.links.reduce((sum, link) => sum + link.chunks, 0);
    const parts = [`${Math.round(report.elapsedMs / 1000)} s`, `${chunks} chunks`, ...this.#texts.values()];
    this.#io.stderr.write(`\r\x1b[K${parts.join('  ').slice(0, 120)}`);
    this.#shown = true;
  }
}
