import type { CaptionsData } from '../media/captions.js';
import { SentenceSplitter } from './sentences.js';

/** Captions of one text while it is said: those of a sentence come with its first sound. Pure. */
export class SaidCaptions {
  readonly #splitter = new SentenceSplitter();
  /** Complete sentences that were not told, with where each begins. */
  readonly #waiting: { readonly text: string; readonly start: number }[] = [];
  /** Where the sentence begins that is not complete. */
  #openStart = 0;
  /** Sound has been handed over for so many characters. */
  #said = 0;
  /** Of the sentence that is not complete, what was told. */
  #told = '';

  /** More of the text has come. */
  written(piece: string): void {
    for (const { text, end } of this.#splitter.push(piece)) this.#complete(text, end);
  }

  /** All of the text has come. */
  ended(): void {
    for (const { text, end } of this.#splitter.end()) this.#complete(text, end);
  }

  /** All sound up to here has been handed over. */
  said(characters: number): void {
    this.#said = Math.max(this.#said, characters);
  }

  /** What belongs to sound that is about to be heard. */
  heard(): readonly CaptionsData[] {
    const due = this.#waiting.findIndex(({ start }) => start > this.#said);
    const sentences = this.#waiting.splice(0, due === -1 ? this.#waiting.length : due);
    const captions = sentences.map(({ text }): CaptionsData => ({ kind: 'captions', text, isFinal: true }));
    const open = this.#splitter.rest.trim();
    if (this.#waiting.length > 0 || this.#openStart > this.#said || open === '' || open === this.#told) return captions;
    this.#told = open;
    return [...captions, { kind: 'captions', text: open, isFinal: false }];
  }

  #complete(text: string, end: number): void {
    this.#waiting.push({ text, start: this.#openStart });
    this.#openStart = end;
    this.#told = '';
  }
}
