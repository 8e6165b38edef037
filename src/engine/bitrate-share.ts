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
  const shares = demands.map((demand) => Math.min(demand.minBps, demand.maxBps));
  let leftBps = totalBps - shares.reduce((sum, bps) => sum + bps, 0);
  let hungry = demands.map((_, index) => index).filter((index) => shares[index]! < demands[index]!.maxBps);
  while (leftBps > 1 && hungry.length > 0) {
    const weights = hungry.reduce((sum, index) => sum + demands[index]!.weight, 0);
    const portionBps = leftBps / Math.max(weights, Number.MIN_VALUE);
    const filled = hungry.filter(
      (index) => demands[index]!.maxBps - shares[index]! <= portionBps * demands[index]!.weight,
    );
    // Those who need less than their part get what they need, and the rest is divided anew.
    for (const index of filled.length > 0 ? filled : hungry) {
      const { maxBps, weight } = demands[index]!;
      const part = Math.min(maxBps - shares[index]!, portionBps * weight);
      shares[index] = shares[index]! + part;
      leftBps -= part;
    }
    if (filled.length === 0) break;
    hungry = hungry.filter((index) => !filled.includes(index));
  }
  return shares;
}
