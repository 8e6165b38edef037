import type { Amount } from '../expectation-schema.js';

/** What was found where something else was expected. */
export interface Shortfall {
  /** Where below the expectation it is written: `count`, `level`. */
  readonly field?: string;
  readonly found: string;
  readonly expected: string;
}

/** Looks at values of one kind as they come, and says at the end whether they are what was expected. */
export interface Judge<T> {
  take(value: T): void;
  /** Undefined when everything is as expected. */
  verdict(): Shortfall | undefined;
}

/** Undefined when a number is as expected. Pure. */
export function judgeAmount(value: number, amount: Amount | undefined, field: string): Shortfall | undefined {
  if (amount === undefined) return undefined;
  const { min = 0, max = Infinity } = typeof amount === 'number' ? { min: amount, max: amount } : amount;
  if (value >= min && value <= max) return undefined;
  const least = min > 0 ? [`at least ${min}`] : [];
  const most = max < Infinity ? [`at most ${max}`] : [];
  return { field, found: String(value), expected: min === max ? String(min) : [...least, ...most].join(', ') };
}
