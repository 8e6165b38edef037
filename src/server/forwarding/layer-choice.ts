import type { UpStream } from './up-stream.js';
import type { UpTrack } from './up-track.js';

/** What a subscriber would show of a track, when there is room for it. */
export interface LayerWish {
  /** The subscriber wants nothing now. */
  readonly disabled: boolean;
  /** The highest simulcast layer; 0 is the lowest. */
  readonly maxRank: number;
  /** Pictures per second that suffice; 0 for as many as there are. */
  readonly maxFps: number;
  /** The higher first, where not all can be had. */
  readonly priority: number;
}

/** The layers that a subscriber gets: a spatial one, and its temporal ones up to `temporalId`. */
export interface LayerTarget {
  readonly rank: number;
  readonly temporalId: number;
}

/** One way to send a track, and what it costs. */
export interface LayerOption extends LayerTarget {
  readonly bitrateBps: number;
}

export const EVERYTHING: LayerWish = { disabled: false, maxRank: Infinity, maxFps: 0, priority: 0 };

/** The stream to send on for a rank: the highest that is being sent and does not pass it, else the lowest that is being sent. */
export function chooseStream(track: UpTrack, maxRank: number): UpStream | undefined {
  let best: UpStream | undefined;
  for (const stream of track.layers) {
    if (!track.isLive(stream)) continue;
    if (best && stream.rank > maxRank) break;
    best = stream;
  }
  return best;
}

/** A layer with half its pictures looks better than the whole one below it from so many pictures a second on. */
const MIN_HALF_FPS = 12;

/**
 * The ways to send a track to someone who wishes so, cheapest first, each better than the one before. The lowest spatial layer has all
 * its temporal layers in it; of the others half the pictures are the least, and those only where they are many.
 */
export function layerOptions(track: UpTrack, wish: LayerWish, nowUs: number): LayerOption[] {
  const options: LayerOption[] = [];
  const lowest = chooseStream(track, -1);
  if (wish.disabled || !lowest) return options;
  for (const stream of track.layers) {
    if (!track.isLive(stream)) continue;
    // A layer that has just begun would look cheap.
    if (stream !== lowest && (stream.rank > wish.maxRank || !stream.isMeasured(nowUs))) continue;
    const highest = temporalLimit(stream, wish.maxFps);
    const half = stream.frameIntervalUs > 0 && 5e5 / stream.frameIntervalUs >= MIN_HALF_FPS ? highest - 1 : highest;
    const least = stream === lowest ? 0 : Math.max(0, half);
    for (let temporalId = least; temporalId <= highest; temporalId++) {
      const bitrateBps = stream.bitrateBps(temporalId, nowUs);
      // Dearer by nothing, or not measured: no step of its own.
      while (options.length > 0 && options[options.length - 1]!.bitrateBps >= bitrateBps) options.pop();
      options.push({ rank: stream.rank, temporalId, bitrateBps });
    }
  }
  return options;
}

/** There are layers that `layerOptions` leaves out because they have just begun. */
export function hasUnmeasured(track: UpTrack, maxRank: number, nowUs: number): boolean {
  const { layers } = track;
  if (layers.length === 0) return true;
  return layers.some((stream) => stream.rank <= maxRank && track.isLive(stream) && !stream.isMeasured(nowUs));
}

/** The temporal layer that gives `maxFps` pictures per second: each layer doubles their number. */
function temporalLimit(stream: UpStream, maxFps: number): number {
  const highest = stream.temporalLayers - 1;
  if (maxFps <= 0 || stream.frameIntervalUs === 0) return highest;
  let fps = 1e6 / stream.frameIntervalUs;
  let temporalId = highest;
  // Rates are measured: a tenth too few is as good.
  while (temporalId > 0 && fps / 2 >= maxFps * 0.9) {
    fps /= 2;
    temporalId--;
  }
  return temporalId;
}
