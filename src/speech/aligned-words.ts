import type { SpokenWord } from './synthesiser.js';

/** When each character of a piece of sound is said, in ms from its beginning. */
export interface Alignment {
  readonly characters: readonly string[];
  readonly startsMs: readonly number[];
  readonly durationsMs: readonly number[];
}

/** Makes words of characters that come with their times, and finds how much of the text they are. Pure. */
export class AlignedWords {
  /** All that is to be said, as far as it was written. */
  text = '';
  /** Up to here the text has been said. */
  #said = 0;
  #word = '';
  #startUs = 0;
  #endUs = 0;

  /** How many characters of the text have been said. */
  get characters(): number {
    return this.#said;
  }

  /** More text that is to be said. */
  written(piece: string): void {
    this.text += piece;
  }

  /** Words that are complete with these characters, whose sound begins at `fromUs`. */
  push({ characters, startsMs, durationsMs }: Alignment, fromUs: number): readonly SpokenWord[] {
    const words: SpokenWord[] = [];
    for (const [i, character] of characters.entries()) {
      if (character.trim() === '') {
        words.push(...this.end());
        continue;
      }
      const startUs = fromUs + (startsMs[i] ?? 0) * 1000;
      if (this.#word === '') this.#startUs = Math.max(startUs, this.#endUs);
      this.#word += character;
      this.#endUs = Math.max(this.#endUs, startUs + (durationsMs[i] ?? 0) * 1000);
      this.#advance(character);
    }
    return words;
  }

  /** The word that no space has followed. */
  end(): readonly SpokenWord[] {
    if (this.#word === '') return [];
    const word = { text: this.#word, startUs: this.#startUs, endUs: Math.max(this.#endUs, this.#startUs + 1) };
    this.#word = '';
    return [word];
  }

  /** White space may differ from what was sent, and a character that is not there is passed over. */
  #advance(character: string): void {
    let at = this.#said;
    while (at < this.text.length && (this.text[at] as string).trim() === '') at++;
    if (this.text.startsWith(character, at)) this.#said = at + character.length;
  }
}
