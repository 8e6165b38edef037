import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** Functions that a program of its own process answers to. */
// Written as methods, so that functions of any one argument fit.
export type Calls = Record<string, { answer(args: never): unknown }['answer']>;

type Args<C extends Calls, N extends keyof C> = Parameters<C[N]>[0];
type Result<C extends Calls, N extends keyof C> = Awaited<ReturnType<C[N]>>;

interface Call {
  readonly id: number;
  readonly name: string;
  readonly args: unknown;
}

interface Reply {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

/** A program of this folder in a process of its own. */
export class Child<C extends Calls> {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>();
  #lastId = 0;

  /** `program` is the name of its file without the ending. */
  constructor(program: string, execArgv: readonly string[] = []) {
    this.#process = fork(new URL(`./${program}.js`, import.meta.url), {
      execArgv: [...execArgv],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#process.on('message', ({ id, result, error }: Reply) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(result);
      else waiting?.reject(new Error(`${program}: ${error}`));
    });
    this.#process.on('exit', (code, signal) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`${program} ended (${code ?? signal ?? ''})`));
      this.#waiting.clear();
    });
  }

  call<N extends keyof C & string>(name: N, args: Args<C, N>): Promise<Result<C, N>> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve, reject });
      this.#process.send({ id, name, args } satisfies Call);
    });
  }

  /** Ends the process at once. */
  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exit = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await exit;
  }
}

/** Runs `body` with children, which are ended however it ends. */
export async function withChildren<T>(
  body: (add: <C extends Calls>(child: Child<C>) => Child<C>) => Promise<T>,
): Promise<T> {
  const children: { stop(): Promise<void> }[] = [];
  try {
    return await body((child) => {
      children.push(child);
      return child;
    });
  } finally {
    await Promise.all(children.map((child) => child.stop()));
  }
}

/** In the child: answers what its parent asks, until the parent is gone. */
export function answerCalls(calls: Calls): void {
  process.on('message', ({ id, name, args }: Call) => {
    const answer = async (): Promise<unknown> => (calls[name] as (args: unknown) => unknown)(args);
    answer().then(
      (result) => process.send?.({ id, result } satisfies Reply),
      (error: unknown) =>
        process.send?.({
          id,
          error: error instanceof Error ? (error.stack ?? error.message) : String(error),
        } satisfies Reply),
    );
  });
  process.on('disconnect', () => process.exit(0));
}
