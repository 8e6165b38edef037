/** One who wants a part of what may be sent. */
export interface BitrateDemand {
  /** Bits per second of which it cannot do without. */
  readonly minBps: number;
  /** Bits per second beyond which it has no use for more. */
  readonly maxBps: number;
  /** Its part of what is left beyond all minima, against the others' weights. */
  readonly weight: number;
}

/**
 * Divides a bitrate: everyone gets the least it needs (even where that is more than there is), then parts by weight, up to
 * what each has use for; what one leaves goes to the others. Returns bits per second, in the order of the demands. Pure.
 */
export function shareBitrate(totalBps: number, demands: readonly BitrateDemand[]): number[] {
  const claims = demands.map(({ minBps, maxBps, weight }) => ({ bps: Math.min(minBps, maxBps), maxBps, weight }));
  let leftBps = totalBps - claims.reduce((sum, { bps }) => sum + bps, 0);
  let hungry = claims.filter(({ bps, maxBps }) => bps < maxBps);
  while (leftBps > 1 && hungry.length > 0) {
    const weights = hungry.reduce((sum, { weight }) => sum + weight, 0);
    const portionBps = leftBps / Math.max(weights, Number.MIN_VALUE);
    const filled = hungry.filter(({ bps, maxBps, weight }) => maxBps - bps <= portionBps * weight);
    // Those who need less than their part get what they need, and the rest is divided anew.
    for (const claim of filled.length > 0 ? filled : hungry) {
      const part = Math.min(claim.maxBps - claim.bps, portionBps * claim.weight);
      claim.bps += part;
      leftBps -= part;
    }
    if (filled.length === 0) break;
    hungry = hungry.filter((claim) => !filled.includes(claim));
  }
  return claims.map(({ bps }) => bps);
}
