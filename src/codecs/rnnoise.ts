import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { SluiceError } from '../media/errors.js';

/** What RNNoise works on: 10 ms of mono at 48 kHz. */
export const RNNOISE_FRAMES = 480;

/** How far what it gives lies behind what it was given, in samples: it looks one frame ahead and overlaps another. */
export const RNNOISE_DELAY_FRAMES = 960;

/** RNNoise with the state of one stream. */
export interface NoiseSuppressor {
  /**
   * Takes RNNOISE_FRAMES samples, which are floats of the range of 16-bit integers, and puts those of RNNOISE_DELAY_FRAMES before in
   * their place, without noise. How likely it is that somebody speaks in them, 0 to 1.
   */
  process(frame: Float32Array): number;
  close(): void;
}

/** Errors: SLUICE_CODEC_UNAVAILABLE. */
export async function createNoiseSuppressor(): Promise<NoiseSuppressor> {
  loading ??= load();
  return new Suppressor(await loading);
}

/** What is used of RNNoise 0.2 in WebAssembly, by Emscripten. */
interface Rnnoise {
  readonly HEAPF32: Float32Array;
  _malloc(bytes: number): number;
  _free(address: number): void;
  /** The address of a new state; `model` 0 is the one built in. */
  _rnnoise_create(model: 0): number;
  _rnnoise_destroy(state: number): void;
  /** Addresses of 480 floats, which may be the same. The likelihood of speech. */
  _rnnoise_process_frame(state: number, output: number, input: number): number;
}

interface RnnoiseModule {
  /** Compiles it, in some 20 ms. */
  readonly default: () => Rnnoise;
}

class Suppressor implements NoiseSuppressor {
  readonly #rnnoise: Rnnoise;
  readonly #state: number;
  /** In the memory of RNNoise, which may grow. */
  readonly #frame: number;

  constructor(rnnoise: Rnnoise) {
    this.#rnnoise = rnnoise;
    this.#state = rnnoise._rnnoise_create(0);
    this.#frame = rnnoise._malloc(RNNOISE_FRAMES * Float32Array.BYTES_PER_ELEMENT);
  }

  process(frame: Float32Array): number {
    const at = this.#frame / Float32Array.BYTES_PER_ELEMENT;
    this.#rnnoise.HEAPF32.set(frame, at);
    const likelihood = this.#rnnoise._rnnoise_process_frame(this.#state, this.#frame, this.#frame);
    frame.set(this.#rnnoise.HEAPF32.subarray(at, at + RNNOISE_FRAMES));
    return likelihood;
  }

  close(): void {
    this.#rnnoise._rnnoise_destroy(this.#state);
    this.#rnnoise._free(this.#frame);
  }
}

let loading: Promise<Rnnoise> | undefined;

async function load(): Promise<Rnnoise> {
  try {
    // The package does not say that it is a module: under hooks of others Node.js would take it for CommonJS.
    const path = createRequire(import.meta.url).resolve('@jitsi/rnnoise-wasm/dist/rnnoise-sync.js');
    const source = await readFile(path, 'base64');
    const { default: create } = (await import(`data:text/javascript;base64,${source}`)) as RnnoiseModule;
    return create();
  } catch (cause) {
    loading = undefined;
    throw new SluiceError('SLUICE_CODEC_UNAVAILABLE', 'RNNoise does not load on this machine', {
      cause,
      mend: 'Reinstall with `npm ci`.',
    });
  }
}
