import {
  RNNOISE_DELAY_FRAMES,
  RNNOISE_FRAMES,
  createNoiseSuppressor,
  type NoiseSuppressor,
} from '../codecs/rnnoise.js';
import type { VoiceDetector } from './voice-detector.js';

/** Less than this part of the energy is left of steady noise (measured: 0.0002 to 0.002), and more of speech: -24 dB. */
const LEAST_LEFT = 0.004;
/** Nobody speaks so softly: -60 dB of full scale. */
const QUIET_ENERGY = RNNOISE_FRAMES * 33 * 33;
/** RNNoise rests when it has been quiet for so many frames: it costs more than all else that is done with sound nobody speaks in. */
const QUIET_FRAMES = 30;
const DELAY = RNNOISE_DELAY_FRAMES / RNNOISE_FRAMES;

/**
 * The voice detector in RNNoise. Steady noise, as that of fans and rain, looks like speech to it after seconds, but it takes that noise
 * out all the same: where next to nothing is left of a frame, nobody spoke. Errors: SLUICE_CODEC_UNAVAILABLE.
 */
export async function createRnnoiseDetector(): Promise<VoiceDetector> {
  return new RnnoiseDetector(await createNoiseSuppressor());
}

class RnnoiseDetector implements VoiceDetector {
  readonly sampleRate = 48_000;
  readonly frameSize = RNNOISE_FRAMES;
  readonly #suppressor: NoiseSuppressor;
  /** Energies of the frames that RNNoise has not given back yet, oldest at `#next`. */
  readonly #energies = new Float64Array(DELAY);
  #next = 0;
  /** The last frames while RNNoise rests, oldest at `#oldest`: with these it begins again. */
  readonly #rested = Array.from({ length: DELAY }, () => new Float32Array(RNNOISE_FRAMES));
  #oldest = 0;
  #quietFrames = 0;
  #isClosed = false;

  constructor(suppressor: NoiseSuppressor) {
    this.#suppressor = suppressor;
  }

  judge(frame: Float32Array): number {
    if (energyOf(frame) >= QUIET_ENERGY) this.#wake();
    else if (++this.#quietFrames > QUIET_FRAMES) {
      this.#rested[this.#oldest]!.set(frame);
      this.#oldest = (this.#oldest + 1) % DELAY;
      return 0;
    }
    return this.#hear(frame);
  }

  close(): void {
    if (!this.#isClosed) this.#suppressor.close();
    this.#isClosed = true;
  }

  #wake(): void {
    const rested = Math.min(DELAY, this.#quietFrames - QUIET_FRAMES);
    for (let back = rested; back > 0; back--) this.#hear(this.#rested[(this.#oldest - back + DELAY) % DELAY]!);
    this.#quietFrames = 0;
  }

  #hear(frame: Float32Array): number {
    const before = this.#energies[this.#next]!;
    this.#energies[this.#next] = energyOf(frame);
    this.#next = (this.#next + 1) % DELAY;
    const likelihood = this.#suppressor.process(frame);
    return energyOf(frame) < LEAST_LEFT * before ? 0 : likelihood;
  }
}

function energyOf(frame: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < frame.length; i++) sum += frame[i]! * frame[i]!;
  return sum;
}
