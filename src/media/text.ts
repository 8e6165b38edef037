import type { Passing } from './passing.js';

/** Text that is to be said or shown. Immutable once it has been written to a stream. */
export interface TextData {
  readonly kind: 'text';
  /** A sentence or a part of one; what belongs together comes one after the other. */
  readonly text: string;
  /** Nothing that belongs to it follows: it can be said to its end. */
  readonly isFinal: boolean;
  /** When what it was made of passed the stages before, in their order; where they tell. */
  readonly passed?: readonly Passing[];
}

/** Up to where a text may be cut off so that at most `most` UTF-16 units of it are left, and no half of a character. Pure. */
export function wholeCharacters(text: string, most: number): number {
  if (text.length <= most) return text.length;
  const last = text.charCodeAt(most - 1);
  const isFirstHalf = last >= 0xd800 && last < 0xdc00;
  return isFirstHalf ? most - 1 : most;
}
