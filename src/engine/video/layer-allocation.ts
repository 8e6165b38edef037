import type { LayerRates } from './layer-plan.js';

/** An upper layer is begun with this much more than its least, so that it is not ended at once. */
const BEGIN_FACTOR = 1.15;
/** A layer that had to end is not begun again before, in µs. */
const REST_US = 3_000_000;

/** One that ended sooner than this was never really there, in µs. */
const LEAST_RUN_US = 200_000;

interface State {
  on: boolean;
  beganUs: number;
  endedUs: number;
}

/**
 * Divides what a picture's layers may cost together: from the lowest that is taken up, each to where it looks good. Where it
 * does not suffice, the upper ones go first, and what they leave is the highest remaining one's; the lowest is always there. Pure.
 */
export class LayerAllocation {
  readonly #states: readonly State[];

  constructor(layers: number) {
    this.#states = Array.from({ length: layers }, () => ({ on: false, beganUs: 0, endedUs: -Infinity }));
  }

  /** Bits per second for each layer, lowest first; 0 is off. `rates` is undefined for a layer that nobody takes. */
  allocate(totalBps: number, rates: readonly (LayerRates | undefined)[], nowUs: number): number[] {
    let leftBps = totalBps;
    let top = -1;
    let open = true;
    const granted = rates.map(() => 0);
    for (const [index, layer] of rates.entries()) {
      const state = this.#states[index]!;
      if (!layer) {
        state.on = false;
        continue;
      }
      const lowest = top === -1;
      const enough = lowest || (open && this.#mayRun(state, layer, leftBps, nowUs));
      if (!enough) {
        // Without this one those above it have no business either.
        open = false;
        if (state.on && nowUs - state.beganUs >= LEAST_RUN_US) state.endedUs = nowUs;
        state.on = false;
        continue;
      }
      if (!state.on) state.beganUs = nowUs;
      state.on = true;
      top = index;
      const bps = lowest ? Math.min(Math.max(leftBps, 0), layer.targetBps) : Math.min(leftBps, layer.targetBps);
      leftBps -= bps;
      granted[index] = bps;
    }
    const best = rates[top];
    if (best && !open) granted[top] = Math.min(granted[top]! + Math.max(0, leftBps), best.maxBps);
    return granted;
  }

  #mayRun(state: State, rates: LayerRates, leftBps: number, nowUs: number): boolean {
    if (state.on) return leftBps >= rates.minBps;
    return leftBps >= rates.minBps * BEGIN_FACTOR && nowUs - state.endedUs >= REST_US;
  }
}
