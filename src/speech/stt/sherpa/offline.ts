import { convertChannels } from '../../../media/pcm.js';
import type { Recogniser, Recognition } from '../../recogniser.js';
import { type SherpaEars, loadSherpa } from '../../sherpa-package.js';
import type { Utterance } from '../../utterances.js';
import { failed } from './model-failure.js';
import { readModelFolder } from './model-folder.js';
import { type OfflineKind, offlineModel } from './offline-model.js';
import { within } from './within.js';

export interface OfflineOptions {
  /** Path of its folder. */
  readonly model: string;
  readonly kind?: OfflineKind | undefined;
  readonly language?: string | undefined;
  readonly threads: number;
  readonly timeoutMs: number;
}

/** What is shorter holds no word, in seconds; models need some frames. */
const SHORTEST_S = 0.1;

/** Understands utterances by an offline model in this process, off the main thread; loaded with the first one. */
export class OfflineRecogniser implements Recogniser {
  readonly #options: OfflineOptions;
  #model: SharedModel | undefined;

  constructor(options: OfflineOptions) {
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
  readonly #options: OfflineOptions;
  #users = 0;
  #ears: Promise<SherpaEars> | undefined;
  /** It understands one utterance at a time. */
  #busy: Promise<unknown> = Promise.resolve();

  private constructor(key: string, options: OfflineOptions) {
    this.#key = key;
    this.#options = options;
  }

  static of(options: OfflineOptions): SharedModel {
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

async function load({ model, kind, language, threads }: OfflineOptions): Promise<SherpaEars> {
  const sherpa = await loadSherpa();
  const found = offlineModel(readModelFolder(model), { kind, language });
  const modelConfig = { ...found, numThreads: threads, provider: 'cpu' };
  return sherpa.OfflineRecognizer.createAsync({ modelConfig });
}
