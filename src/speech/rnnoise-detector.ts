import { RNNOISE_DELAY_FRAMES, RNNOISE_FRAMES, createNoiseSuppressor } from '../codecs/rnnoise.js';
import type { VoiceDetector } from './voice-detector.js';

/** Less than this part of the energy is left of steady noise (measured: 0.0002 to 0.002), and more of speech: -24 dB. */
const LEAST_LEFT = 0.004;

/**
 * The voice detector in RNNoise. Steady noise, as that of fans and rain, looks like speech to it after seconds, but it takes that noise
 * out all the same: where next to nothing is left of a frame, nobody spoke. Errors: SLUICE_CODEC_UNAVAILABLE.
 */
export async function createRnnoiseDetector(): Promise<VoiceDetector> {
  const suppressor = await createNoiseSuppressor();
  /** Of the frames that RNNoise has not given back yet, oldest at `next`. */
  const energies = new Float64Array(RNNOISE_DELAY_FRAMES / RNNOISE_FRAMES);
  let next = 0;
  let isClosed = false;
  return {
    sampleRate: 48_000,
    frameSize: RNNOISE_FRAMES,
    judge(frame) {
      const before = energies[next]!;
      energies[next] = energyOf(frame);
      next = (next + 1) % energies.length;
      const likelihood = suppressor.process(frame);
      return energyOf(frame) < LEAST_LEFT * before ? 0 : likelihood;
    },
    close() {
      if (!isClosed) suppressor.close();
      isClosed = true;
    },
  };
}

function energyOf(frame: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < frame.length; i++) sum += frame[i]! * frame[i]!;
  return sum;
}
