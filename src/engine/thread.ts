import { Worker } from 'node:worker_threads';
import { SluiceError, fromErrorData, throwLater, toErrorData, type ErrorData } from '../media/errors.js';
import { BatchingPort } from './batching-port.js';
import type { EngineCalls, EngineEvents, EnginePosts, FromEngine, ToEngine } from './port.js';

/** Longest wait for the media thread to clean up when the process exits, in ms. */
const EXIT_TIMEOUT_MS = 2000;

type EventName = keyof EngineEvents;
type EventListener = <N extends EventName>(name: N, args: EngineEvents[N]) => void;

/** The media thread as the main thread sees it. */
export interface Engine {
  /** Asks and waits for the answer. Errors: whatever the call throws, or SLUICE_ENGINE_FAILED. */
  call<N extends keyof EngineCalls>(name: N, args: EngineCalls[N]['args']): Promise<EngineCalls[N]['result']>;
  /** Tells without an answer; `buffer` is transferred. */
  post<N extends keyof EnginePosts>(name: N, args: EnginePosts[N], buffer?: ArrayBufferLike): void;
  /** A number that is used for one session, publisher, reader or service only. */
  nextId(): number;
  /** Gets the events of the object with this id, until `forget`. */
  listen(id: number, listener: EventListener): void;
  forget(id: number): void;
  /** Keeps the process alive until as many `unref` followed. */
  ref(): void;
  unref(): void;
}

let engine: EngineThread | undefined;

/** The media thread of this process; started by the first call, never stopped before the process ends. */
export function getEngine(): Engine {
  return (engine ??= new EngineThread());
}

/** A service in the media thread, as the main thread sees it. */
export interface RunningService {
  readonly info: unknown;
  stats(): Promise<unknown>;
  /** Lets it end by itself, for so long, and closes it then. */
  drain(deadlineMs: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * Runs a service in the media thread: `module` exports `createService(options)`, which gives `{ info, stats(), drain?(), close() }`.
 * Options, info and stats cross the thread, so they are plain data. Keeps the process alive until closed.
 */
export async function startService(module: URL, options: unknown): Promise<RunningService> {
  const thread = getEngine();
  const service = thread.nextId();
  thread.ref();
  try {
    const info = await thread.call('serviceStart', { service, module: module.href, options });
    let closing: Promise<void> | undefined;
    const close = (): Promise<void> => (closing ??= stopService(thread, service));
    return {
      info,
      stats: () => thread.call('serviceStats', { service }),
      drain: async (deadlineMs) => {
        await thread.call('serviceDrain', { service, deadlineMs });
        await close();
      },
      close,
    };
  } catch (error) {
    thread.unref();
    throw error;
  }
}

async function stopService(thread: Engine, service: number): Promise<void> {
  try {
    await thread.call('serviceStop', { service });
  } finally {
    thread.unref();
  }
}

interface PendingCall {
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

class EngineThread implements Engine {
  readonly #worker: Worker;
  readonly #port: BatchingPort<ToEngine>;
  readonly #calls = new Map<number, PendingCall>();
  readonly #listeners = new Map<number, EventListener>();
  #lastId = 0;
  #refs = 0;
  #failure: ErrorData | undefined;

  constructor() {
    // No loader or inspector flags of the main thread: the worker is plain JavaScript.
    this.#worker = new Worker(new URL('./worker.js', import.meta.url), { execArgv: [], name: 'sluice-media' });
    this.#worker.unref();
    this.#port = new BatchingPort<ToEngine>(this.#worker);
    this.#worker.on('message', (batch: FromEngine[]) => {
      this.#receive(batch);
    });
    this.#worker.on('error', (error) => {
      this.#fail(error);
    });
    this.#worker.on('exit', () => {
      this.#fail(new Error('the media thread ended'));
    });
    process.on('exit', () => {
      this.#shutDown();
    });
  }

  call<N extends keyof EngineCalls>(name: N, args: EngineCalls[N]['args']): Promise<EngineCalls[N]['result']> {
    if (this.#failure) return Promise.reject(fromErrorData(this.#failure));
    const id = this.nextId();
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      this.ref();
      this.#port.send({ t: 'call', id, name, args } as ToEngine);
    });
  }

  post<N extends keyof EnginePosts>(name: N, args: EnginePosts[N], buffer?: ArrayBufferLike): void {
    if (!this.#failure) this.#port.send({ t: 'post', name, args } as ToEngine, buffer);
  }

  nextId(): number {
    return ++this.#lastId;
  }

  listen(id: number, listener: EventListener): void {
    this.#listeners.set(id, listener);
  }

  forget(id: number): void {
    this.#listeners.delete(id);
  }

  ref(): void {
    if (this.#refs++ === 0) this.#worker.ref();
  }

  unref(): void {
    if (--this.#refs === 0) this.#worker.unref();
  }

  #receive(batch: FromEngine[]): void {
    for (const message of batch) {
      if (typeof message === 'number') {
        this.#tell(message, 'audio', { reader: message });
      } else if (message.t === 'reply') {
        const call = this.#calls.get(message.id);
        this.#calls.delete(message.id);
        this.unref();
        if (message.error) call?.reject(fromErrorData(message.error));
        else call?.resolve(message.result);
      } else {
        const args = message.args as { session?: number; publisher?: number; reader?: number };
        const id = args.reader ?? args.publisher ?? args.session;
        if (id !== undefined) this.#tell(id, message.name, message.args);
      }
    }
  }

  /** What a listener throws must not keep the rest of the batch from others: it is thrown a moment later. */
  #tell<N extends EventName>(id: number, name: N, args: EngineEvents[N]): void {
    try {
      this.#listeners.get(id)?.(name, args);
    } catch (error) {
      throwLater(error);
    }
  }

  #fail(cause: unknown): void {
    if (this.#failure) return;
    this.#failure = toErrorData(
      new SluiceError(
        'SLUICE_ENGINE_FAILED',
        `the media thread broke: ${cause instanceof Error ? cause.message : String(cause)}`,
      ),
    );
    for (const call of this.#calls.values()) call.reject(fromErrorData(this.#failure));
    this.#calls.clear();
    for (const id of [...this.#listeners.keys()]) this.#tell(id, 'sessionLost', { session: id, error: this.#failure });
  }

  /** The process would abort if it ended while the native library is running: wait for it to be cleaned up. */
  #shutDown(): void {
    if (this.#failure) return;
    const done = new SharedArrayBuffer(4);
    this.#port.flush();
    this.#port.send({ t: 'shutdown', done });
    this.#port.flush();
    Atomics.wait(new Int32Array(done), 0, 0, EXIT_TIMEOUT_MS);
  }
}
