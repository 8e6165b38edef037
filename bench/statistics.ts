/** Value below which `share` (0 to 1) of the values lie; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.floor(middle)] ?? NaN) + (sorted[Math.ceil(middle) - 1] ?? NaN)) / 2;
}

/** The median, and the least and the most in brackets; runs that found nothing (NaN) are left out. */
export function spread(values: readonly number[], digits = 1): string {
  const found = known(values);
  if (found.length === 0) return '-';
  const [least, most] = [Math.min(...found), Math.max(...found)];
  return `${median(found).toFixed(digits)} (${least.toFixed(digits)} to ${most.toFixed(digits)})`;
}

/** A number for a table; a dash where nothing was found. */
export function figure(value: number, digits = 1): string {
  return Number.isFinite(value) ? value.toFixed(digits) : '-';
}

/** Quotients of two series, run by run; NaN where a run of one of them found nothing. */
export function ratios(values: readonly number[], others: readonly number[]): number[] {
  return values.map((value, run) => value / (others[run] ?? NaN));
}

/** The values of the runs that found something. */
function known(values: readonly number[]): number[] {
  return values.filter((value) => !Number.isNaN(value));
}
