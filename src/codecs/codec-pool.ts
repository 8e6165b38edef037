import { availableParallelism } from 'node:os';
import { type Transferable, Worker } from 'node:worker_threads';
import { SluiceError, fromErrorData } from '../media/errors.js';
import type { MediaValue } from '../media/media-value.js';
import type { FromWorker, JobRequest, ToWorker, Work } from './codec-port.js';
import type { FileInfo } from './file-options.js';

/** What the owner of a job is told, in the order of its work. */
export interface JobListener {
  /** Answer to one step of work, which took so long. After `isEnd` nothing more will come. */
  done(values: readonly MediaValue[], isEnd: boolean, error: SluiceError | undefined, tookUs: number): void;
  /** The thread broke: nothing that is still pending will be answered. */
  lost(error: SluiceError): void;
}

/** One codec, file or muxer in a codec thread. */
export interface HostedJob {
  readonly info: FileInfo | undefined;
  /** Gives one step of work; what is in `transfer` belongs to the thread from now on. Errors: SLUICE_STATE_INVALID. */
  work(work: Work, transfer?: readonly Transferable[]): void;
  setBitrate(bitsPerSecond: number): void;
  /** Resolves when the job is gone; its listener is not called any more, from the call on. */
  close(): Promise<void>;
}

/**
 * Opens a job in a codec thread of this thread's pool: at most as many threads as the machine can run at
 * once, started when they are needed, ended some time after their last job. While a job is open it keeps
 * the process alive. Errors: what opening the codec or the file throws.
 */
export async function openJob(request: JobRequest, listener: JobListener): Promise<HostedJob> {
  const thread = chooseThread(request.kind);
  const job = new Job(thread, request.kind, listener);
  await thread.open(job, request);
  return job;
}

/** Questions to the codec threads of this thread that have not been answered yet: jobs that open or close, and steps of work. */
export function unansweredCount(): number {
  let count = 0;
  for (const thread of threads) count += thread.unanswered;
  return count;
}

/** How long a thread without work is kept, in ms. */
const IDLE_MS = 2000;

/** What is done with files. */
const FILE_JOBS: ReadonlySet<JobKind> = new Set(['probe', 'reader', 'muxer']);

type JobKind = JobRequest['kind'];

const threads: CodecThread[] = [];
let lastId = 0;

function chooseThread(kind: JobKind): CodecThread {
  // To write a file is little work, and a thread more takes longer to start: it is done where files are read or written already.
  const beside = kind === 'muxer' ? leastBusy((thread) => thread.hostsOnlyFiles) : undefined;
  if (beside) return beside;
  const best = leastBusy(() => true);
  if (best && (best.size === 0 || threads.length >= Math.max(1, availableParallelism()))) return best;
  const thread = new CodecThread();
  threads.push(thread);
  return thread;
}

function leastBusy(fits: (thread: CodecThread) => boolean): CodecThread | undefined {
  let best: CodecThread | undefined;
  for (const thread of threads) if (fits(thread) && (!best || thread.size < best.size)) best = thread;
  return best;
}

class Job implements HostedJob {
  readonly id = ++lastId;
  readonly kind: JobKind;
  readonly listener: JobListener;
  info: FileInfo | undefined;
  /** Set while `open` waits for its answer. */
  opening: { resolve(): void; reject(error: SluiceError): void } | undefined;
  /** Set while `close` waits for its answer. */
  closing: (() => void) | undefined;
  isOpen = true;
  readonly #thread: CodecThread;
  #closed: Promise<void> | undefined;

  constructor(thread: CodecThread, kind: JobKind, listener: JobListener) {
    this.#thread = thread;
    this.kind = kind;
    this.listener = listener;
  }

  work(work: Work, transfer?: readonly Transferable[]): void {
    if (!this.isOpen) throw new SluiceError('SLUICE_STATE_INVALID', 'the codec is closed');
    this.#thread.post({ op: 'work', id: this.id, work }, transfer);
  }

  setBitrate(bitsPerSecond: number): void {
    if (this.isOpen) this.#thread.post({ op: 'bitrate', id: this.id, bitsPerSecond });
  }

  close(): Promise<void> {
    this.#closed ??= this.#thread.close(this);
    return this.#closed;
  }
}

class CodecThread {
  /** Messages that were posted and have their answer yet to come. */
  unanswered = 0;
  readonly #worker: Worker;
  readonly #jobs = new Map<number, Job>();
  #idle: NodeJS.Timeout | undefined;

  constructor() {
    this.#worker = new Worker(new URL('../codecs/codec-worker.js', import.meta.url), {
      execArgv: [],
      name: 'sluice-codec',
    });
    this.#worker.on('message', (message: FromWorker) => {
      this.#receive(message);
    });
    this.#worker.on('error', (error) => {
      this.#lost(`a codec thread broke: ${error.message}`, error);
    });
    this.#worker.on('exit', () => {
      this.#lost('a codec thread ended');
    });
    this.#worker.unref();
  }

  get size(): number {
    return this.#jobs.size;
  }

  /** It does nothing but read and write files, now. */
  get hostsOnlyFiles(): boolean {
    for (const { kind } of this.#jobs.values()) if (!FILE_JOBS.has(kind)) return false;
    return this.#jobs.size > 0;
  }

  post(message: ToWorker, transfer?: readonly Transferable[]): void {
    if (message.op !== 'bitrate' && message.op !== 'stop') this.unanswered++;
    this.#worker.postMessage(message, transfer);
  }

  open(job: Job, request: JobRequest): Promise<void> {
    clearTimeout(this.#idle);
    if (this.#jobs.size === 0) this.#worker.ref();
    this.#jobs.set(job.id, job);
    return new Promise((resolve, reject) => {
      job.opening = { resolve, reject };
      this.post({ op: 'open', id: job.id, job: request });
    });
  }

  close(job: Job): Promise<void> {
    job.isOpen = false;
    if (!this.#jobs.has(job.id)) return Promise.resolve();
    return new Promise((resolve) => {
      job.closing = resolve;
      this.post({ op: 'close', id: job.id });
    });
  }

  #receive(message: FromWorker): void {
    this.unanswered--;
    const job = this.#jobs.get(message.id);
    if (!job) return;
    switch (message.op) {
      case 'opened':
        this.#opened(job, message);
        return;
      case 'done': {
        if (!job.isOpen) return;
        const error = message.error && fromErrorData(message.error);
        job.listener.done(message.values, message.isEnd === true, error, message.tookUs);
        return;
      }
      case 'closed':
        this.#remove(job);
        job.closing?.();
    }
  }

  #opened(job: Job, message: FromWorker & { readonly op: 'opened' }): void {
    const { opening } = job;
    job.opening = undefined;
    job.info = message.info;
    if (!message.error) {
      opening?.resolve();
      return;
    }
    job.isOpen = false;
    this.#remove(job);
    opening?.reject(fromErrorData(message.error));
  }

  #remove(job: Job): void {
    if (!this.#jobs.delete(job.id) || this.#jobs.size > 0) return;
    this.#worker.unref();
    this.#idle = setTimeout(() => {
      this.#stop();
    }, IDLE_MS);
    this.#idle.unref();
  }

  #stop(): void {
    this.#leavePool();
    this.post({ op: 'stop' });
  }

  #lost(message: string, cause?: unknown): void {
    clearTimeout(this.#idle);
    this.#leavePool();
    const jobs = [...this.#jobs.values()];
    this.#jobs.clear();
    const error = new SluiceError('SLUICE_CODEC_FAILED', message, { cause });
    for (const job of jobs) {
      const wasOpen = job.isOpen;
      job.isOpen = false;
      if (job.opening) job.opening.reject(error);
      else if (job.closing) job.closing();
      else if (wasOpen) job.listener.lost(error);
    }
  }

  #leavePool(): void {
    const index = threads.indexOf(this);
    if (index >= 0) threads.splice(index, 1);
  }
}
