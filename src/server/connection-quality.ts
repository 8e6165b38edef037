import { ConnectionQuality } from '@livekit/protocol';

/** How media gets through one way of a connection. */
export interface Delivery {
  /** Packets sent since the beginning, whether they came or not. */
  readonly packets: number;
  /** How many of them were lost on this connection. */
  readonly lost: number;
  readonly roundTripUs?: number | undefined;
  /** Simulcast layers that would be taken and that there is no room for; Infinity when there is no room for the lowest. */
  readonly missingLayers: number;
}

const BEST_SCORE = 100;
/** Of a connection that works: from lower down it would take too long to come back. */
const LOWEST_SCORE = 30;
const LOST_SCORE = 20;
/** Scores above these are excellent, good and poor. */
const EXCELLENT_ABOVE = 80;
const GOOD_ABOVE = 40;

/** Taken off for each percent of packets that is lost: what is recovered is not felt, so one percent is little. */
const SCORE_PER_PERCENT = 5;
const SCORE_PER_LAYER = 35;
/** Weight of a new look in the score: bad news counts at once, good news has to last. */
const DOWN_WEIGHT = 0.8;
const UP_WEIGHT = 0.4;

/** Keeps a score of one way of a connection, 0 to 100, by looks at it every few seconds. */
export class QualityMeter {
  #score = BEST_SCORE;
  #packets = 0;
  #lost = 0;
  #missingLayers = 0;

  get score(): number {
    return this.#score;
  }

  /** `silent`: nothing is heard of the other side, which should be. */
  update(delivery: Delivery, silent: boolean): void {
    const packets = delivery.packets - this.#packets;
    const lost = delivery.lost - this.#lost;
    // A layer that is missing for a moment is being looked for.
    const missing = Math.min(this.#missingLayers, delivery.missingLayers);
    this.#packets = delivery.packets;
    this.#lost = delivery.lost;
    this.#missingLayers = delivery.missingLayers;
    if (silent) {
      this.#score = LOST_SCORE;
      return;
    }
    // Numbers that go back are those of tracks that ended.
    const percent = packets > 0 && lost > 0 ? Math.min(100, (100 * lost) / packets) : 0;
    const byPackets = BEST_SCORE - percent * SCORE_PER_PERCENT - delayPenalty(delivery.roundTripUs ?? 0);
    const now = Math.min(byPackets, BEST_SCORE - missing * SCORE_PER_LAYER);
    const weight = now < this.#score ? DOWN_WEIGHT : UP_WEIGHT;
    this.#score = Math.max(LOWEST_SCORE, weight * Math.max(0, now) + (1 - weight) * this.#score);
  }
}

export function qualityOf(score: number): ConnectionQuality {
  if (score > EXCELLENT_ABOVE) return ConnectionQuality.EXCELLENT;
  if (score > GOOD_ABOVE) return ConnectionQuality.GOOD;
  return score > LOST_SCORE ? ConnectionQuality.POOR : ConnectionQuality.LOST;
}

/** Simplified E-model (ITU-T G.107): delay is hardly felt up to 160 ms one way, and then more and more. */
function delayPenalty(roundTripUs: number): number {
  const delayMs = roundTripUs / 2000;
  return delayMs <= 160 ? delayMs / 40 : (delayMs - 120) / 10;
}
