import type { TranscriptWord } from '../media/transcript.js';
import { wordsOf } from './words.js';

/** The words of a text that is said from one moment to another, each as long as its letters are many, and marked as estimated. Pure. */
export function estimatedWords(text: string, startUs: number, endUs: number): TranscriptWord[] {
  const written = text.split(/\s+/).filter((word) => wordsOf(word).length > 0);
  // What follows a word is silence.
  const lengths = written.map((word) => wordsOf(word).join('').length + 1);
  const usPerLetter = (endUs - startUs) / lengths.reduce((sum, length) => sum + length, 0);
  let letters = 0;
  return written.map((word, i) => {
    const fromUs = startUs + letters * usPerLetter;
    letters += lengths[i]!;
    return {
      text: word,
      start: Math.round(fromUs),
      end: Math.round(startUs + letters * usPerLetter),
      isEstimated: true,
    };
  });
}
