import type { SpokenWord } from '../synthesiser.js';
import { wordsOf } from '../words.js';

/** What a listener has heard of a text. */
export interface HeardText {
  /** The text up to the last word that was heard to its end; empty where none was. */
  readonly text: string;
  /** Where the engine did not say when words are said: where they lie in the sound of their sentence was estimated. */
  readonly isEstimated: boolean;
}

/** Of the letters of a text whose sound is not known to its end, so many are said in a second. */
const LETTERS_PER_SECOND = 14;
/** A pause in speech, in letters. */
const PAUSES: Readonly<Record<string, number>> = { ',': 3, ';': 3, ':': 3, '.': 6, '!': 6, '?': 6, '…': 6 };
/** A word has been heard when no more than that of it is missing, in µs. */
const MISSING_US = 20_000;

/** A part of the text, as a rule a sentence, and where its sound ends. */
interface Part {
  readonly toCharacter: number;
  readonly toUs: number;
}

/**
 * Which words of a text lie where in its sound: as the engine says, and where it does not, by the length of the words in the sound of
 * their sentence. The text and its sound may both still be coming. Pure; times in µs from the beginning of the sound.
 */
export class SpokenText {
  #text = '';
  #soundUs = 0;
  #isWhole = false;
  readonly #parts: Part[] = [];
  /** The words that the engine has told of, by where they end in the text. */
  readonly #told: { readonly toCharacter: number; readonly endUs: number }[] = [];

  /** More of the text. */
  write(piece: string): void {
    this.#text += piece;
  }

  /** All sound of the text up to here has come. */
  part(toCharacter: number): void {
    if (toCharacter > (this.#parts.at(-1)?.toCharacter ?? 0)) this.#parts.push({ toCharacter, toUs: this.#soundUs });
  }

  /** More of the sound. */
  sound(us: number): void {
    this.#soundUs += us;
  }

  /** Words and where they lie in the sound, from its beginning. */
  words(words: readonly SpokenWord[]): void {
    for (const { text, endUs } of words) {
      const fromCharacter = this.#told.at(-1)?.toCharacter ?? 0;
      this.#told.push({ toCharacter: endOfWord(this.#text, text, fromCharacter), endUs });
    }
  }

  /** No more sound comes. */
  end(): void {
    this.#isWhole = true;
  }

  /** No more sound comes, though there is more text: that is not said. */
  cut(): void {
    this.#text = this.#text.slice(0, this.#characters(this.#soundUs));
    this.#isWhole = true;
  }

  /** What has been heard when the sound up to there has. */
  heardUntil(us: number): HeardText {
    const isAll = this.#isWhole && us >= this.#soundUs - MISSING_US;
    const characters = isAll ? this.#text.length : this.#characters(us);
    return { text: this.#text.slice(0, characters).trim(), isEstimated: this.#told.length === 0 };
  }

  /** Where the last word ends that has been heard. */
  #characters(us: number): number {
    if (this.#told.length === 0) return this.#estimated(us);
    return this.#told.findLast((word) => word.endUs - MISSING_US <= us)?.toCharacter ?? 0;
  }

  /** Where the last word ends that has been heard, by its length. */
  #estimated(us: number): number {
    const before = this.#parts.findLast((part) => part.toUs <= us);
    const part = this.#parts.find(({ toUs }) => toUs > us);
    const { toCharacter: fromCharacter, toUs: fromUs } = before ?? { toCharacter: 0, toUs: 0 };
    const ends = wordEnds(this.#text.slice(fromCharacter, part?.toCharacter));
    const letters = ends.at(-1)?.letters ?? 0;
    // Of what still comes it is not known how long it will be.
    const lengthUs =
      part || this.#isWhole ? (part?.toUs ?? this.#soundUs) - fromUs : (letters * 1e6) / LETTERS_PER_SECOND;
    const heard = ends.findLast((end) => fromUs + (lengthUs * end.letters) / letters - MISSING_US <= us);
    return fromCharacter + (heard?.toCharacter ?? 0);
  }
}

/** The ends of the words of a text, and how much there is to say up to there, in letters. */
function wordEnds(text: string): { readonly toCharacter: number; readonly letters: number }[] {
  const ends: { toCharacter: number; letters: number }[] = [];
  let letters = 0;
  for (const match of text.matchAll(/\S+/g)) {
    const word = match[0];
    const spoken = wordsOf(word).join('').length;
    if (spoken === 0) continue;
    // What follows a word is silence, and belongs to the next one.
    letters += spoken + 1;
    ends.push({ toCharacter: match.index + word.length, letters });
    letters += PAUSES[word.at(-1) ?? ''] ?? 0;
  }
  return ends;
}

/** Where a word ends in a text, looked for from a place on; the next word where the engine says it in other letters. */
function endOfWord(text: string, word: string, from: number): number {
  const [wanted] = wordsOf(word);
  let next: number | undefined;
  let looked = 0;
  for (const match of text.slice(from).matchAll(/\S+/g)) {
    const found = wordsOf(match[0]);
    if (found.length === 0) continue;
    const end = from + match.index + match[0].length;
    next ??= end;
    if (wanted !== undefined && found.includes(wanted)) return end;
    if (++looked === 3) break;
  }
  return next ?? from;
}
