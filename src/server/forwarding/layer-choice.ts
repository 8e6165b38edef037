import type { UpStream } from './up-stream.js';

/** A layer without a packet for this long is not sent any more, in µs. */
const ACTIVE_US = 1_500_000;

/** LiveKit's names of layers, lowest first. */
const LAYER_NAMES = ['q', 'h', 'f'];

/** Rank of a layer: 0 is the lowest. `rids` are those of the track as its sender lists them, lowest first. */
function layerRank(rid: string, rids: readonly string[]): number {
  const known = LAYER_NAMES.indexOf(rid);
  return known === -1 ? Math.max(0, rids.indexOf(rid)) : known;
}

/**
 * The layer to send on: the highest that is being sent and does not pass `maxRank`, else the lowest that is being sent.
 * Undefined while none is.
 */
export function chooseLayer(
  streams: Iterable<UpStream>,
  rids: readonly string[],
  maxRank: number,
  nowUs: number,
): UpStream | undefined {
  let best: UpStream | undefined;
  let bestRank = -1;
  let lowest: UpStream | undefined;
  let lowestRank = Infinity;
  for (const stream of streams) {
    if (nowUs - stream.lastMediaUs > ACTIVE_US) continue;
    const rank = layerRank(stream.rid, rids);
    if (rank <= maxRank && rank > bestRank) {
      best = stream;
      bestRank = rank;
    }
    if (rank < lowestRank) {
      lowest = stream;
      lowestRank = rank;
    }
  }
  return best ?? lowest;
}
