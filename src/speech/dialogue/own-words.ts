import { wordsOf } from '../words.js';

/** A recogniser mishears some words of an echo: so many of them stand in what was said, in its order, 0 to 1. */
const KNOWN = 0.75;

/**
 * Whether what a recogniser understood is what the agent has just said, come back from a loudspeaker. One word is too few to tell: it
 * may be an answer. Pure.
 */
export function isOwnWords(text: string, said: string): boolean {
  const [words, own] = [wordsOf(text), wordsOf(said)];
  return words.length > 1 && inOrder(words, own) >= KNOWN * words.length;
}

/** How many words of one text stand in another in the same order: the length of their longest common subsequence. */
function inOrder(words: readonly string[], own: readonly string[]): number {
  let before = new Uint16Array(own.length + 1);
  for (const word of words) {
    const row = new Uint16Array(own.length + 1);
    for (let i = 0; i < own.length; i++)
      row[i + 1] = own[i] === word ? before[i]! + 1 : Math.max(before[i + 1]!, row[i]!);
    before = row;
  }
  return before[own.length]!;
}
