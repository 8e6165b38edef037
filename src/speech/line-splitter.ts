import { type TextData, wholeCharacters } from '../media/text.js';

/** A line that is longer comes in parts, in characters (UTF-16 units): no source may fill the memory with one. */
const MAX_LINE = 4000;

/**
 * Makes texts of the lines of UTF-8 that comes in parts of any length: a line each, without white space at its ends, and none of empty
 * ones. A line of more than 4000 characters comes in several, of which the last is final. Lines end with LF, CR LF or CR. Pure.
 */
export class LineSplitter {
  readonly #decoder = new TextDecoder();
  /** Of the line that has not ended: what was not given. */
  #rest = '';
  /** A part of it was given. */
  #isBegun = false;

  /** The texts that are complete with this, and parts of one that is too long. */
  push(bytes: Uint8Array): TextData[] {
    return this.#split(this.#decoder.decode(bytes, { stream: true }));
  }

  /** No more comes: the rest. */
  end(): TextData[] {
    return this.#split(`${this.#decoder.decode()}\n`);
  }

  #split(text: string): TextData[] {
    const values: TextData[] = [];
    const lines = text.split(/[\r\n]/);
    const last = lines.pop() ?? '';
    for (const line of lines) {
      this.#add(line, values);
      this.#endLine(values);
    }
    this.#add(last, values);
    return values;
  }

  #add(text: string, values: TextData[]): void {
    this.#rest += text;
    if (!this.#isBegun) this.#rest = this.#rest.trimStart();
    while (this.#rest.length > MAX_LINE) {
      const at = wholeCharacters(this.#rest, MAX_LINE);
      values.push({ kind: 'text', text: this.#rest.slice(0, at), isFinal: false });
      this.#rest = this.#rest.slice(at);
      this.#isBegun = true;
    }
  }

  #endLine(values: TextData[]): void {
    const text = this.#rest.trimEnd();
    if (text !== '' || this.#isBegun) values.push({ kind: 'text', text, isFinal: true });
    this.#rest = '';
    this.#isBegun = false;
  }
}
