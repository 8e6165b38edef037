import { readdir } from 'node:fs/promises';
import { z } from 'zod';
import { SluiceError } from '../../media/errors.js';
import { pathFrom } from '../../media/path-template.js';
import { convertChannels } from '../../media/pcm.js';
import { defineEngine } from '../engine.js';
import type { Recogniser, Recognition } from '../recogniser.js';
import { type SherpaEars, loadSherpa, sherpaNeeds } from '../sherpa-package.js';
import type { Utterance } from '../utterances.js';
import { SHERPA_STT_KINDS, sherpaSttModel } from './sherpa-model.js';

const Options = z.strictObject({
  model: z.string().min(1).describe('Folder of an offline model, relative to the pipeline file.'),
  kind: z
    .enum(SHERPA_STT_KINDS)
    .optional()
    .describe('Kind of the model, where its files and the name of its folder do not tell.'),
  language: z
    .string()
    .min(2)
    .optional()
    .describe('What is spoken, as `en`, for models that take it (whisper, sense-voice); without it they find out.'),
  threads: z.int().min(1).max(64).default(1).describe('Threads that the model runs on.'),
  timeoutMs: z
    .number()
    .min(100)
    .max(600_000)
    .default(30_000)
    .describe('How long the model may take for an utterance, in ms; loading it, and those before, count.'),
});
type SherpaOptions = z.output<typeof Options>;

/** Understands utterances by an offline model of sherpa-onnx in this process, off the main thread; loaded with the first one. */
export const sherpaStt = defineEngine({
  type: 'stt-sherpa',
  kind: 'stt',
  options: Options,
  needs: ({ model }, baseDir) => sherpaNeeds(pathFrom(baseDir, model)),
  create: (options, { baseDir }) => new SherpaRecogniser({ ...options, model: pathFrom(baseDir, options.model) }),
});

/** What is shorter holds no word, in seconds; models need some frames. */
const SHORTEST_S = 0.1;

class SherpaRecogniser implements Recogniser {
  readonly #options: SherpaOptions;
  #model: SharedModel | undefined;

  constructor(options: SherpaOptions) {
    this.#options = options;
  }

  async recognise({ samples, sampleRate, numberOfChannels }: Utterance, signal: AbortSignal): Promise<Recognition> {
    signal.throwIfAborted();
    if (samples.length < SHORTEST_S * sampleRate * numberOfChannels) return { text: '' };
    this.#model ??= SharedModel.of(this.#options);
    const floats = Float32Array.from(convertChannels(samples, numberOfChannels, 1), (sample) => sample / 32_768);
    const recognising = this.#model.recognise({ samples: floats, sampleRate }, signal);
    return { text: (await within(recognising, this.#options.timeoutMs, signal)).replaceAll(/\s+/g, ' ').trim() };
  }

  async close(): Promise<void> {
    await this.#model?.release();
    this.#model = undefined;
  }
}

/** A model takes much memory: all that ask for the same one share it. */
const models = new Map<string, SharedModel>();

class SharedModel {
  readonly #key: string;
  readonly #options: SherpaOptions;
  #users = 0;
  #ears: Promise<SherpaEars> | undefined;
  /** It understands one utterance at a time. */
  #busy: Promise<unknown> = Promise.resolve();

  private constructor(key: string, options: SherpaOptions) {
    this.#key = key;
    this.#options = options;
  }

  static of(options: SherpaOptions): SharedModel {
    const { model, kind, language, threads } = options;
    const key = JSON.stringify([model, kind, language, threads]);
    const shared = models.get(key) ?? new SharedModel(key, options);
    models.set(key, shared);
    shared.#users++;
    return shared;
  }

  recognise(wave: { samples: Float32Array; sampleRate: number }, signal: AbortSignal): Promise<string> {
    const recognising = this.#busy.then(async () => {
      signal.throwIfAborted();
      const ears = await (this.#ears ??= load(this.#options));
      signal.throwIfAborted();
      const stream = ears.createStream();
      stream.acceptWaveform(wave);
      return (await ears.decodeAsync(stream)).text;
    });
    this.#busy = recognising.catch(() => undefined);
    return recognising.catch((error: unknown) => {
      if (signal.aborted) throw signal.reason;
      // The next utterance loads it anew.
      this.#ears = undefined;
      throw failed(error);
    });
  }

  async release(): Promise<void> {
    if (--this.#users > 0) return;
    models.delete(this.#key);
    await this.#busy;
  }
}

async function load({ model: folder, kind, language, threads }: SherpaOptions): Promise<SherpaEars> {
  const sherpa = await loadSherpa();
  let names: readonly string[];
  try {
    names = await readdir(folder);
  } catch (cause) {
    throw new SluiceError('SLUICE_FILE_NOT_FOUND', `there is no folder ${folder}`, { cause, retryable: false });
  }
  const modelConfig = { ...sherpaSttModel(folder, names, { kind, language }), numThreads: threads, provider: 'cpu' };
  return sherpa.OfflineRecognizer.createAsync({ modelConfig });
}

/** What runs in a thread cannot be stopped: it is not waited for any longer. */
async function within<T>(work: Promise<T>, timeoutMs: number, signal: AbortSignal): Promise<T> {
  let giveUp: (reason: unknown) => void = () => undefined;
  const over = new Promise<never>((_resolve, reject) => {
    giveUp = reject;
  });
  const stop = (): void => {
    giveUp(signal.reason);
  };
  const timer = setTimeout(() => {
    giveUp(late(timeoutMs));
  }, timeoutMs);
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([work, over]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}

function late(timeoutMs: number): SluiceError {
  return new SluiceError('SLUICE_SPEECH_FAILED', `a model gave no text within ${timeoutMs} ms`, {
    retryable: true,
    mend: 'Give it more time (timeoutMs) or threads, or take a smaller model.',
  });
}

function failed(error: unknown): SluiceError {
  if (error instanceof SluiceError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new SluiceError('SLUICE_SPEECH_FAILED', `a model failed: ${reason}`, {
    cause: error,
    mend: 'See that the folder holds a whole model, made for sherpa-onnx.',
  });
}
