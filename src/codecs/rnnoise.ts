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
  const state = (await loading).createDenoiseState();
  return {
    process: (frame) => state.processFrame(frame),
    close: () => {
      state.destroy();
    },
  };
}

type Rnnoise = import('@shiguredo/rnnoise-wasm').Rnnoise;

let loading: Promise<Rnnoise> | undefined;

async function load(): Promise<Rnnoise> {
  // The package refuses to run anywhere but in a page or a worker of one, whose global it looks for.
  const isBare = !('WorkerGlobalScope' in globalThis);
  if (isBare) Object.assign(globalThis, { WorkerGlobalScope: Object });
  try {
    return await (await import('@shiguredo/rnnoise-wasm')).Rnnoise.load();
  } catch (cause) {
    loading = undefined;
    throw new SluiceError('SLUICE_CODEC_UNAVAILABLE', 'RNNoise does not load on this machine', {
      cause,
      mend: 'Reinstall with `npm ci`.',
    });
  } finally {
    if (isBare) Reflect.deleteProperty(globalThis, 'WorkerGlobalScope');
  }
}
