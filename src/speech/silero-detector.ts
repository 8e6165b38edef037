import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { SluiceError } from '../media/errors.js';
import type { Need } from '../media/need.js';
import type { VoiceDetector } from './voice-detector.js';

const RUNTIME = 'onnxruntime-node';
const MODEL_PACKAGE = '@ricky0123/vad-web';
const MODEL_MEND = `Run \`npm install ${MODEL_PACKAGE}\`, which holds it, or name the file (model).`;

const SAMPLE_RATE = 16_000;
const FRAME_SIZE = 512;
/** Samples before a frame that the model is shown again. */
const CONTEXT = 64;
/** What the model remembers: 2 layers of 128 numbers. */
const STATE_SHAPE = [2, 1, 128] as const;
const STATE_SIZE = 256;

/**
 * The voice detector Silero VAD (version 5 and later), run by the package onnxruntime-node. `model` is the path of its file; the one in
 * the package @ricky0123/vad-web when left out. Errors: SLUICE_DRIVER_UNAVAILABLE, SLUICE_FILE_NOT_FOUND, and SLUICE_SPEECH_FAILED for
 * a file that holds something else.
 */
export async function createSileroDetector(model?: string): Promise<VoiceDetector> {
  const path = model ?? packagedModel();
  if (path === undefined || !existsSync(path)) {
    throw new SluiceError('SLUICE_FILE_NOT_FOUND', `the model of silero is not there${model ? `: ${model}` : ''}`, {
      mend: MODEL_MEND,
      retryable: false,
    });
  }
  const runtime = await loadRuntime();
  return new SileroDetector(runtime, await openModel(runtime, path));
}

/** What it needs outside of the program; `model` is a path. */
export function sileroNeeds(model?: string): readonly Need[] {
  return [
    { kind: 'package', name: RUNTIME, mend: `Run \`npm install ${RUNTIME}\`.` },
    { kind: 'file', path: model ?? packagedModel() ?? MODEL_PACKAGE, mend: MODEL_MEND },
  ];
}

class SileroDetector implements VoiceDetector {
  readonly sampleRate = SAMPLE_RATE;
  readonly frameSize = FRAME_SIZE;
  readonly #model: Model;
  readonly #sound = new Float32Array(CONTEXT + FRAME_SIZE);
  readonly #inputs: { readonly input: Tensor; state: Tensor; readonly sr: Tensor };
  /** While it judges, closing waits. */
  #isBusy = false;
  #isClosed = false;

  constructor(runtime: Runtime, model: Model) {
    this.#model = model;
    this.#inputs = {
      // Read anew in each run.
      input: new runtime.Tensor('float32', this.#sound, [1, this.#sound.length]),
      state: new runtime.Tensor('float32', new Float32Array(STATE_SIZE), STATE_SHAPE),
      sr: new runtime.Tensor('int64', BigInt64Array.of(BigInt(SAMPLE_RATE)), []),
    };
  }

  async judge(frame: Float32Array): Promise<number> {
    const sound = this.#sound;
    sound.copyWithin(0, FRAME_SIZE);
    for (let i = 0; i < FRAME_SIZE; i++) sound[CONTEXT + i] = frame[i]! / 32_768;
    this.#isBusy = true;
    try {
      const { output, stateN } = await this.#model.run(this.#inputs);
      if (!output || !stateN) throw new Error('it gives no likelihood');
      this.#inputs.state = stateN;
      return output.data[0] as number;
    } catch (cause) {
      throw failed('the model of silero cannot be run', cause);
    } finally {
      this.#isBusy = false;
      if (this.#isClosed) this.#release();
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (!this.#isBusy) this.#release();
  }

  #release(): void {
    // Nobody is left to be told.
    this.#model.release().catch(() => undefined);
  }
}

/** What is used of onnxruntime-node. */
interface Runtime {
  readonly Tensor: new (
    type: 'float32' | 'int64',
    data: Float32Array | BigInt64Array,
    shape: readonly number[],
  ) => Tensor;
  readonly InferenceSession: { create(path: string, options: object): Promise<Model> };
}

interface Tensor {
  readonly data: ArrayLike<unknown>;
}

interface Model {
  run(inputs: object): Promise<{ readonly output?: Tensor; readonly stateN?: Tensor }>;
  release(): Promise<void>;
}

async function loadRuntime(): Promise<Runtime> {
  try {
    // Not a literal: it is there only where the user has installed it.
    const name: string = RUNTIME;
    const loaded = (await import(name)) as Runtime & { readonly default?: Runtime };
    return loaded.default ?? loaded;
  } catch (cause) {
    throw new SluiceError('SLUICE_DRIVER_UNAVAILABLE', `${RUNTIME}, which runs silero, is not there or does not load`, {
      cause,
      mend: `Run \`npm install ${RUNTIME}\`, or use \`detector: rnnoise\`.`,
      retryable: false,
    });
  }
}

async function openModel(runtime: Runtime, path: string): Promise<Model> {
  try {
    // A frame takes a fraction of a millisecond: more threads would only spin.
    return await runtime.InferenceSession.create(path, { intraOpNumThreads: 1, interOpNumThreads: 1 });
  } catch (cause) {
    throw failed(`${path} is no model that can be run`, cause);
  }
}

function failed(what: string, cause: unknown): SluiceError {
  return new SluiceError('SLUICE_SPEECH_FAILED', what, {
    cause,
    mend: 'Use silero_vad_v5.onnx or a later one.',
    retryable: false,
  });
}

function packagedModel(): string | undefined {
  try {
    return join(dirname(createRequire(import.meta.url).resolve(MODEL_PACKAGE)), 'silero_vad_v5.onnx');
  } catch {
    return undefined;
  }
}
