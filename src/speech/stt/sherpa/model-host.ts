import { type ChildProcess, fork } from 'node:child_process';
import { SluiceError, fromErrorData } from '../../../media/errors.js';
import { MAX_COMPLAINT, closing, owe } from '../../program.js';
import { late } from './model-failure.js';
import { readModelFolder } from './model-folder.js';
import type { FromModel, Said, ToModel } from './port.js';
import { type StreamingKind, streamingModel } from './streaming-model.js';

export interface StreamingOptions {
  /** Path of its folder. */
  readonly model: string;
  readonly kind?: StreamingKind | undefined;
  readonly threads: number;
  /** How long it may give no answer, in ms. */
  readonly timeoutMs: number;
}

/** What a speaker's line is told, in the order of what it was given. */
export interface LineListener {
  /** Answer to one `sound` or `finish`; `said` is left out where it is what was told before. */
  heard(isFinal: boolean, said: Said | undefined): void;
  /** The process is gone: nothing is answered any more. */
  lost(error: SluiceError): void;
}

/** Sound of one speaker on its way to a model. */
export interface SpeakerLine {
  sound(samples: Int16Array, sampleRate: number): void;
  finish(): void;
  /** Its listener is not called any more. */
  close(): void;
}

/** A model takes much memory: all that ask for the same one share it, and its process. */
const models = new Map<string, SharedModel>();

/** A streaming model in a process of its own, which is started when somebody is to be heard, and ended when nobody uses it. */
export class SharedModel {
  readonly #key: string;
  readonly #options: StreamingOptions;
  #users = 0;
  #process: ModelProcess | undefined;

  private constructor(key: string, options: StreamingOptions) {
    this.#key = key;
    this.#options = options;
  }

  /** To be released. */
  static of(options: StreamingOptions): SharedModel {
    const { model, kind, threads, timeoutMs } = options;
    const key = JSON.stringify([model, kind, threads, timeoutMs]);
    const shared = models.get(key) ?? new SharedModel(key, options);
    models.set(key, shared);
    shared.#users++;
    return shared;
  }

  /** Settles when the model is loaded. Errors: those of the folder, SLUICE_DRIVER_UNAVAILABLE, SLUICE_SPEECH_FAILED. */
  async open(listener: LineListener): Promise<SpeakerLine> {
    if (!this.#process || this.#process.isGone) this.#process = new ModelProcess(this.#options);
    const running = this.#process;
    await running.loaded;
    return running.open(listener);
  }

  async release(): Promise<void> {
    if (--this.#users > 0) return;
    models.delete(this.#key);
    await this.#process?.end();
  }
}

class ModelProcess {
  readonly loaded: Promise<void>;
  readonly #timeoutMs: number;
  readonly #child: ChildProcess;
  readonly #closed: Promise<void>;
  readonly #listeners = new Map<number, LineListener>();
  #loading: { resolve: () => void; reject: (error: SluiceError) => void } | undefined;
  #lastId = 0;
  /** Answers that have not come. */
  #owed = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Why it was ended, where that is known. */
  #failure: SluiceError | undefined;
  #complaint = '';
  /** Why it is gone. */
  #end: SluiceError | undefined;

  constructor({ model, kind, threads, timeoutMs }: StreamingOptions) {
    this.#timeoutMs = timeoutMs;
    const modelConfig = { ...streamingModel(readModelFolder(model), kind), numThreads: threads, provider: 'cpu' };
    this.#child = fork(new URL('./model-process.js', import.meta.url), {
      execArgv: ['--expose-gc'],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#closed = closing(this.#child).then((failure) => {
      this.#gone(failure);
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#complaint = (this.#complaint + text).slice(-MAX_COMPLAINT);
    });
    this.#child.on('message', (message: FromModel) => {
      this.#receive(message);
    });
    this.loaded = new Promise((resolve, reject) => {
      this.#loading = { resolve, reject };
    });
    this.loaded.catch(() => undefined);
    this.#ask({
      op: 'load',
      config: { featConfig: { sampleRate: 16_000, featureDim: 80 }, modelConfig, enableEndpoint: false },
    });
  }

  get isGone(): boolean {
    return this.#end !== undefined;
  }

  /** Errors: why it is gone. */
  open(listener: LineListener): SpeakerLine {
    if (this.#end) throw this.#end;
    const id = ++this.#lastId;
    this.#listeners.set(id, listener);
    return {
      sound: (samples, sampleRate) => {
        this.#ask({ op: 'sound', id, samples, sampleRate });
      },
      finish: () => {
        this.#ask({ op: 'finish', id });
      },
      close: () => {
        if (this.#listeners.delete(id)) this.#post({ op: 'close', id });
      },
    };
  }

  /** Settles when nothing is left of it. */
  async end(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#closed;
  }

  #ask(message: ToModel): void {
    if (this.isGone) return;
    owe(1);
    if (this.#owed++ === 0) this.#await();
    this.#post(message);
  }

  #post(message: ToModel): void {
    // Of a process that is gone its end tells.
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }

  #await(): void {
    this.#timer = setTimeout(() => {
      this.#failure = late(this.#timeoutMs);
      this.#child.kill('SIGKILL');
    }, this.#timeoutMs);
  }

  #receive(message: FromModel): void {
    if (this.isGone) return;
    switch (message.op) {
      case 'loaded':
        this.#answered();
        this.#loading?.resolve();
        this.#loading = undefined;
        return;
      case 'failed':
        this.#failure = fromErrorData(message.error);
        this.#child.kill('SIGKILL');
        return;
      case 'heard':
        this.#answered();
        this.#listeners.get(message.id)?.heard(message.isFinal, message.said);
    }
  }

  #answered(): void {
    owe(-1);
    clearTimeout(this.#timer);
    if (--this.#owed > 0) this.#await();
  }

  #gone(failure: string | Error | undefined): void {
    clearTimeout(this.#timer);
    owe(-this.#owed);
    this.#owed = 0;
    const error = this.#failure ?? broken(failure, this.#complaint, this.#loading === undefined);
    this.#end = error;
    this.#loading?.reject(error);
    const listeners = [...this.#listeners.values()];
    this.#listeners.clear();
    for (const listener of listeners) listener.lost(error);
  }
}

function broken(failure: string | Error | undefined, complaint: string, wasLoaded: boolean): SluiceError {
  const said = complaint.trim().split('\n').at(-1)?.trim() ?? '';
  const how = failure instanceof Error ? failure.message : (failure ?? 'it ended');
  return new SluiceError('SLUICE_SPEECH_FAILED', `a model failed (${how})${said === '' ? '' : `: ${said}`}`, {
    retryable: wasLoaded,
    mend: 'See that the folder holds a whole model, made for sherpa-onnx.',
  });
}
