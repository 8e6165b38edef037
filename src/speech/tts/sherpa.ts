import { readdir } from 'node:fs/promises';
import { z } from 'zod';
import { SluiceError } from '../../media/errors.js';
import { pathFrom } from '../../media/path-template.js';
import { defineEngine } from '../engine.js';
import { type SoundChunk, type Sound, sayBySentence } from '../sentence-by-sentence.js';
import { type SherpaVoice, loadSherpa, missingFolder, sherpaNeeds } from '../sherpa-package.js';
import type { SpeechListener, Synthesiser } from '../synthesiser.js';
import { sherpaTtsModel } from './sherpa-model.js';

const Options = z.strictObject({
  model: z
    .string()
    .min(1)
    .describe('Folder of the model, relative to the pipeline file: VITS (Piper too), Kokoro, Kitten or Matcha.'),
  speaker: z.int().min(0).default(0).describe('Number of the voice, in models that have several.'),
  speed: z.number().min(0.25).max(4).default(1).describe('How fast to speak: 1 is the pace of the voice.'),
  threads: z.int().min(1).max(64).default(1).describe('Threads that the model runs on.'),
  timeoutMs: z
    .number()
    .min(100)
    .max(600_000)
    .default(30_000)
    .describe('How long the model may give no sound, in ms; loading it counts.'),
});
type SherpaOptions = z.output<typeof Options>;

/** Says sentences by a model of sherpa-onnx in this process, off the main thread; loaded with the first text. */
export const sherpaTts = defineEngine({
  type: 'tts-sherpa',
  kind: 'tts',
  options: Options,
  needs: ({ model }, baseDir) => sherpaNeeds(pathFrom(baseDir, model)),
  create: (options, { baseDir }) => new SherpaSynthesiser(options, pathFrom(baseDir, options.model)),
});

class SherpaSynthesiser implements Synthesiser {
  readonly #options: SherpaOptions;
  readonly #folder: string;
  #voice: Promise<SherpaVoice> | undefined;
  /** A model makes one sentence at a time. */
  #busy: Promise<unknown> = Promise.resolve();

  constructor(options: SherpaOptions, folder: string) {
    this.#options = options;
    this.#folder = folder;
  }

  say(text: AsyncIterable<string>, listener: SpeechListener, signal: AbortSignal): Promise<void> {
    return sayBySentence(text, listener, signal, (sentence, ending) => this.#make(sentence, ending));
  }

  async close(): Promise<void> {
    await this.#busy;
    this.#voice = undefined;
  }

  async #make(text: string, signal: AbortSignal): Promise<Sound> {
    const { speaker: sid, speed, timeoutMs } = this.#options;
    const made = new MadeSound(signal, timeoutMs);
    const making = this.#busy.then(async () => {
      if (made.isOver) return;
      this.#voice ??= this.#load();
      const voice = await this.#voice;
      if (sid >= voice.numSpeakers) throw unknownSpeaker(sid, voice.numSpeakers);
      made.sampleRate = voice.sampleRate;
      await voice.generateAsync({
        text,
        sid,
        speed,
        enableExternalBuffer: false,
        onProgress: ({ samples }) => made.push(samples),
      });
    });
    this.#busy = making.then(
      () => {
        made.end();
      },
      (error: unknown) => {
        // The next text loads it anew.
        this.#voice = undefined;
        made.end(failed(error));
      },
    );
    await made.begins();
    return made.chunks();
  }

  async #load(): Promise<SherpaVoice> {
    const sherpa = await loadSherpa();
    let names: readonly string[];
    try {
      names = await readdir(this.#folder);
    } catch (cause) {
      throw missingFolder(this.#folder, cause);
    }
    const model = { ...sherpaTtsModel(this.#folder, names), numThreads: this.#options.threads, provider: 'cpu' };
    return sherpa.OfflineTts.createAsync({ model, maxNumSentences: 1 });
  }
}

/** The sound of a sentence, on its way from the thread that makes it. */
class MadeSound {
  readonly #signal: AbortSignal;
  readonly #timeoutMs: number;
  readonly #waiting: Int16Array[] = [];
  readonly #stop = (): void => {
    this.end(this.#signal.reason as Error);
  };
  #failure: Error | undefined;
  #wake: (() => void) | undefined;
  /** Nothing more comes, or is wanted. */
  isOver = false;
  sampleRate = 0;

  constructor(signal: AbortSignal, timeoutMs: number) {
    this.#signal = signal;
    this.#timeoutMs = timeoutMs;
    if (signal.aborted) this.#stop();
    signal.addEventListener('abort', this.#stop, { once: true });
  }

  /** False where no more is wanted. */
  push(samples: Float32Array): boolean {
    if (this.isOver) return false;
    this.#waiting.push(
      Int16Array.from(samples, (sample) => Math.max(-32_768, Math.min(32_767, Math.round(sample * 32_767)))),
    );
    this.#wake?.();
    return true;
  }

  end(error?: Error): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#failure = error;
    this.#signal.removeEventListener('abort', this.#stop);
    this.#wake?.();
  }

  /** Settles with the first samples, or the end. */
  async begins(): Promise<void> {
    const timer = setTimeout(() => {
      this.end(late(this.#timeoutMs));
    }, this.#timeoutMs);
    try {
      while (this.#waiting.length === 0 && !this.isOver) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      clearTimeout(timer);
    }
    if (this.#failure) throw this.#failure;
  }

  async *chunks(): AsyncGenerator<SoundChunk> {
    for (;;) {
      await this.begins();
      const samples = this.#waiting.shift();
      if (!samples) return;
      yield { samples, format: { sampleRate: this.sampleRate, numberOfChannels: 1 } };
    }
  }
}

function late(timeoutMs: number): SluiceError {
  return new SluiceError('SLUICE_SPEECH_FAILED', `a model gave no sound within ${timeoutMs} ms`, {
    retryable: true,
    mend: 'Give it more time (timeoutMs) or threads, or take a smaller model.',
  });
}

function unknownSpeaker(speaker: number, count: number): SluiceError {
  return new SluiceError('SLUICE_CONFIG_INVALID', `there is no voice ${speaker} in the model`, {
    expected: `speaker: 0 to ${count - 1}`,
    retryable: false,
  });
}

function failed(error: unknown): SluiceError {
  if (error instanceof SluiceError) return error;
  return new SluiceError(
    'SLUICE_SPEECH_FAILED',
    `a model failed: ${error instanceof Error ? error.message : String(error)}`,
    {
      cause: error,
      mend: 'See that the folder holds a whole model, made for sherpa-onnx.',
    },
  );
}
