import { wholeCharacters } from '../media/text.js';

/** A sentence of a text, or as much of one as is said in one go. */
export interface Sentence {
  /** Without white space at its ends; never empty. */
  readonly text: string;
  /** Where it ends in the text that came in, in characters (UTF-16 units); with the white space behind it, as far as that had come. */
  readonly end: number;
}

export interface SentenceOptions {
  /** A sentence of fewer characters goes with the one that follows. */
  readonly minLength?: number;
  /** What is longer is cut, where possible behind a comma or between words. */
  readonly maxLength?: number;
}

const MIN_LENGTH = 8;
const MAX_LENGTH = 300;

/** Words that a dot stands behind inside of a sentence, in small letters and without their last dot. */
const ABBREVIATIONS = new Set(
  (
    'mr mrs ms dr prof st mt sr jr rev hon gen col capt lt sgt vs cf fig approx dept est e.g i.e ' +
    'z.b d.h u.a o.ä bzw ca nr hr evtl ggf inkl mme mlle sra srta p.ej'
  ).split(' '),
);
/** Ends a sentence where a space follows. */
const STOPS = '.!?…';
/** Ends a sentence whatever follows: these scripts have no spaces between sentences. */
const WIDE_STOPS = '。！？｡';
/** Stand between a stop and the end of its sentence. */
const CLOSERS = '"\'”’»›)]}」』）】';
/** A sentence that is too long is cut behind one of these, if it can be. */
const CLAUSE_ENDS = ',;:，、；：–—';
const SPACE = /\s/u;
/** Longer words are no abbreviations. */
const MAX_ABBREVIATION = 8;

/**
 * Cuts a text that comes in pieces into sentences, each as soon as it is known to be complete: at stops, though not at those of
 * abbreviations, decimals, initials and numbered lists, nor where a small letter follows; and at the ends of lines. Pure.
 */
export class SentenceSplitter {
  readonly #minLength: number;
  readonly #maxLength: number;
  /** What has not been given. */
  #rest = '';
  /** Where `#rest` begins in the text. */
  #offset = 0;
  /** Up to here no sentence ends in `#rest`. */
  #seen = 0;

  constructor({ minLength = MIN_LENGTH, maxLength = MAX_LENGTH }: SentenceOptions = {}) {
    this.#minLength = minLength;
    this.#maxLength = maxLength;
  }

  /** What has come of the sentence that is not complete. */
  get rest(): string {
    return this.#rest;
  }

  /** The sentences that are complete with this piece. */
  push(piece: string): readonly Sentence[] {
    this.#rest += piece;
    return this.#split(false);
  }

  /** No more comes: the rest. */
  end(): readonly Sentence[] {
    const sentences = this.#split(true);
    const rest = this.#take(this.#rest.length);
    return rest ? [...sentences, rest] : sentences;
  }

  #split(isWhole: boolean): Sentence[] {
    const sentences: Sentence[] = [];
    for (;;) {
      this.#take(this.#rest.length - this.#rest.trimStart().length);
      const end = this.#nextEnd(isWhole);
      const fits = end !== undefined && this.#rest.slice(0, end).trimEnd().length <= this.#maxLength;
      // White space may go on for as long as it likes.
      if (!fits && this.#rest.trimEnd().length <= this.#maxLength) return sentences;
      const sentence = this.#take(fits ? end : cutAt(this.#rest, this.#maxLength));
      if (sentence) sentences.push(sentence);
    }
  }

  /** Where the next sentence that is long enough ends in `#rest`, where that is known. */
  #nextEnd(isWhole: boolean): number | undefined {
    while (this.#seen < Math.min(this.#rest.length, this.#maxLength)) {
      const end = endAt(this.#rest, this.#seen, isWhole);
      if (end === undefined) return undefined;
      this.#seen = end === 0 ? this.#seen + 1 : end;
      if (end > 0 && this.#rest.slice(0, end).trim().length >= this.#minLength) return end;
    }
    return undefined;
  }

  #take(length: number): Sentence | undefined {
    if (length === 0) return undefined;
    const text = this.#rest.slice(0, length).trim();
    this.#rest = this.#rest.slice(length);
    this.#offset += length;
    this.#seen = 0;
    return text === '' ? undefined : { text, end: this.#offset };
  }
}

/** The sentences of a text that comes in pieces. */
export async function* sentences(text: AsyncIterable<string>, options: SentenceOptions = {}): AsyncGenerator<Sentence> {
  const splitter = new SentenceSplitter(options);
  for await (const piece of text) yield* splitter.push(piece);
  yield* splitter.end();
}

/** Where a sentence ends whose stop is at `at`; 0 where none is, undefined where what follows has to be known first. */
function endAt(text: string, at: number, isWhole: boolean): number | undefined {
  const stop = text[at] as string;
  if (stop === '\n') return at + 1;
  const isWide = WIDE_STOPS.includes(stop);
  if (!isWide && !STOPS.includes(stop)) return 0;
  let end = at + 1;
  while (end < text.length && (isStop(text[end] as string) || CLOSERS.includes(text[end] as string))) end++;
  if (end === text.length) return isWhole ? end : undefined;
  const isSpaced = SPACE.test(text[end] as string);
  if (!isSpaced) return isWide ? end : 0;
  while (end < text.length && SPACE.test(text[end] as string)) if (text[end++] === '\n') return end;
  if (isWide || stop === '!' || stop === '?') return end;
  if (end === text.length) return isWhole ? end : undefined;
  if (/\p{Ll}/u.test(text[end] as string)) return 0;
  return stop === '.' && text[at + 1] !== '.' && isInside(text, at, text[end] as string) ? 0 : end;
}

function isStop(character: string): boolean {
  return STOPS.includes(character) || WIDE_STOPS.includes(character);
}

/** Whether the dot at `at` belongs to the word before it. */
function isInside(text: string, at: number, next: string): boolean {
  let start = at;
  while (start > 0 && at - start <= MAX_ABBREVIATION && /[\p{L}\p{N}.]/u.test(text[start - 1] as string)) start--;
  const word = text.slice(start, at);
  if (/^\p{L}$/u.test(word)) return word !== 'I';
  // The number of a list.
  if (/^\p{N}{1,3}$/u.test(word)) return /(?:^|\n)\s*$/.test(text.slice(0, start));
  const small = word.toLowerCase();
  return ABBREVIATIONS.has(small) || (small === 'no' && /\p{N}/u.test(next));
}

/** Where to cut a text that is too long: behind the last clause of its second half, between words, or where it must be. */
function cutAt(text: string, maxLength: number): number {
  let space = 0;
  for (let at = maxLength; at > maxLength / 2; at--) {
    const character = text[at - 1] as string;
    if (CLAUSE_ENDS.includes(character)) return at;
    if (space === 0 && SPACE.test(character)) space = at;
  }
  return space > 0 ? space : wholeCharacters(text, maxLength);
}
