import { type AllocationRequest, allocate } from './allocation.js';
import type { LayerOption, LayerTarget, LayerWish } from './layer-choice.js';

/** What a layer above the present one has to fit into the estimate with: rates vary, and so does the estimate. */
const HEADROOM = 1.15;
/** After a step down no step up for so long; doubled when it comes soon after a step up. */
const MIN_HOLD_US = 1_000_000;
const MAX_HOLD_US = 8_000_000;
/** A step down so soon after one up says that it was too early. */
const SOON_US = 5_000_000;
/** Not even this part of the lowest layer fits, for so long: neither a key frame nor a look that was too dark is reason to pause. */
const LEAST_PART = 0.7;
const PAUSE_AFTER_US = 3_000_000;
/** What a layer that nobody has measured yet may cost: as much is looked for on the connection. */
const UNKNOWN_BPS = 2_500_000;

/** A track as its controller sees it. */
export interface ControlledTrack {
  readonly wish: LayerWish;
  /** Ways to send it, cheapest first; empty while it is not sent at all. */
  options(nowUs: number): readonly LayerOption[];
  /** There may be more layers than `options` has: too new to be measured. */
  hasUnmeasured(nowUs: number): boolean;
  /** Undefined pauses it. */
  target: LayerTarget | undefined;
}

/** Begins at the lowest layer, which is of use on any connection. */
const LOWEST: LayerTarget = { rank: 0, temporalId: Infinity };
const ALL: LayerTarget = { rank: Infinity, temporalId: Infinity };

interface State {
  /** The option in use; undefined pauses. */
  chosen: LayerTarget | undefined;
  holdUs: number;
  /** No step up before this. */
  holdUntilUs: number;
  raisedUs: number;
  /** Since when not even the lowest layer fits; NaN while it does. */
  tooMuchSinceUs: number;
}

/**
 * Chooses the layers of everything that goes to one subscriber, by what its connection bears: down at once, up only with room to
 * spare and not right after a step down, nothing at all for who does not even fit with the least. Pure; told the time.
 */
export class LayerController {
  /** What all tracks together would take if the connection bore it, in bit/s. */
  wantedBps = 0;
  readonly #states = new Map<ControlledTrack, State>();

  add(track: ControlledTrack): void {
    track.target = LOWEST;
    this.#states.set(track, {
      chosen: LOWEST,
      holdUs: MIN_HOLD_US,
      holdUntilUs: -Infinity,
      raisedUs: -Infinity,
      tooMuchSinceUs: NaN,
    });
  }

  remove(track: ControlledTrack): void {
    this.#states.delete(track);
  }

  /**
   * `budgetBps` is what there is for these tracks; Infinity where nothing is known of the connection. `congested`: there are signs
   * that there is no more; else the budget is only what has been proven so far, and the least is sent whatever it is.
   */
  update(budgetBps: number, congested: boolean, nowUs: number): void {
    const tracks = [...this.#states].map(([track, state]) => ({ track, state, options: track.options(nowUs) }));
    const requests = tracks.map(({ track, state, options }) => ({
      costs: options.map(({ bitrateBps }, i) => (i === 0 && state.chosen ? bitrateBps * LEAST_PART : bitrateBps)),
      current: indexOf(options, state.chosen),
      priority: track.wish.priority,
    }));
    const chosen = allocate(budgetBps, requests, HEADROOM);
    this.wantedBps = 0;
    for (const [index, { track, state, options }] of tracks.entries()) {
      const request = requests[index]!;
      if (budgetBps === Infinity && track.hasUnmeasured(nowUs)) state.chosen = ALL;
      else if (options.length === 0) state.chosen = budgetBps === Infinity ? ALL : LOWEST;
      else this.#settle(state, options, request, chosen[index]!, congested, nowUs);
      track.target = state.chosen;
      this.wantedBps += wanted(track, state, options, nowUs);
    }
  }

  #settle(
    state: State,
    options: readonly LayerOption[],
    { current }: AllocationRequest,
    wanted: number,
    congested: boolean,
    nowUs: number,
  ): void {
    let next = wanted;
    if (next > current && nowUs < state.holdUntilUs) next = current;
    if (next >= 0) state.tooMuchSinceUs = NaN;
    else if (state.chosen) {
      if (Number.isNaN(state.tooMuchSinceUs) || !congested) state.tooMuchSinceUs = nowUs;
      if (nowUs - state.tooMuchSinceUs < PAUSE_AFTER_US) next = 0;
    }
    if (next > current) state.raisedUs = nowUs;
    else if (next < current || (next === -1 && state.chosen)) hold(state, nowUs);
    state.chosen = next === -1 ? undefined : options[next];
  }
}

/** After a step down: no step up for a while. */
function hold(state: State, nowUs: number): void {
  // One step up that was too early counts once, however many steps down follow it.
  if (nowUs - state.raisedUs < SOON_US) state.holdUs = Math.min(MAX_HOLD_US, state.holdUs * 2);
  else if (nowUs - state.holdUntilUs > SOON_US) state.holdUs = MIN_HOLD_US;
  state.raisedUs = -Infinity;
  state.holdUntilUs = nowUs + state.holdUs;
}

/** The option that a target comes to: the best that does not pass it, else the first. -1 for none. */
function indexOf(options: readonly LayerOption[], target: LayerTarget | undefined): number {
  if (!target || options.length === 0) return -1;
  let found = 0;
  for (let i = 1; i < options.length; i++) {
    const { rank, temporalId } = options[i]!;
    if (rank < target.rank || (rank === target.rank && temporalId <= target.temporalId)) found = i;
  }
  return found;
}

function wanted(track: ControlledTrack, { chosen }: State, options: readonly LayerOption[], nowUs: number): number {
  const best = options[options.length - 1];
  const unknownBps = track.hasUnmeasured(nowUs) ? UNKNOWN_BPS : 0;
  if (!best) return unknownBps;
  // Who has everything needs no room to spare.
  const complete = chosen?.rank === best.rank && chosen.temporalId === best.temporalId;
  return Math.max(unknownBps, complete ? best.bitrateBps : best.bitrateBps * HEADROOM);
}
