import type { JitterBufferStats } from '../rtp/jitter-buffer-stats.js';

/** What was counted of one received audio track, by the names of W3C webrtc-stats; samples at 48 kHz. */
export interface AudioReceiverStats extends Readonly<JitterBufferStats> {
  /** Those concealed while the source was silent. */
  readonly silentConcealedSamples: number;
  /** 0 to 1, of what was played last. */
  readonly audioLevel: number;
  /** Square of the level, times seconds. */
  readonly totalAudioEnergy: number;
  /** Of all that was played, in seconds. */
  readonly totalSamplesDuration: number;
}

const CLOCK_RATE = 48_000;
/** -70 dBFS: what is concealed at this level or below is silence. */
const SILENT_MEAN_SQUARE = 1e-7;

/** Counts what is heard of a track. */
export class AudioStatistics {
  #silentConcealedSamples = 0;
  #meanSquare = 0;
  #energy = 0;
  #seconds = 0;

  /** Notes what is played: its mean square, full scale being 1, and its length. */
  played(meanSquare: number, samples: number, concealed: boolean): void {
    const seconds = samples / CLOCK_RATE;
    this.#meanSquare = meanSquare;
    this.#energy += meanSquare * seconds;
    this.#seconds += seconds;
    if (concealed && meanSquare <= SILENT_MEAN_SQUARE) this.#silentConcealedSamples += samples;
  }

  with(stats: JitterBufferStats): AudioReceiverStats {
    return {
      ...stats,
      silentConcealedSamples: this.#silentConcealedSamples,
      audioLevel: Math.sqrt(this.#meanSquare),
      totalAudioEnergy: this.#energy,
      totalSamplesDuration: this.#seconds,
    };
  }
}
