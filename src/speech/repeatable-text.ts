/** A text that is read while it is written, and can be read again from anywhere, by one reader after the other. */
export class RepeatableText {
  readonly #iterator: AsyncIterator<string>;
  #text = '';
  #more: Promise<boolean> | undefined;
  /** The text itself broke. */
  hasFailed = false;

  constructor(text: AsyncIterable<string>) {
    this.#iterator = text[Symbol.asyncIterator]();
  }

  async *from(start: number): AsyncGenerator<string> {
    let at = start;
    for (;;) {
      const piece = this.#text.slice(at);
      at += piece.length;
      if (piece !== '') yield piece;
      else if (!(await (this.#more ??= this.#read()))) return;
    }
  }

  /** Nobody reads it any more. */
  close(): void {
    Promise.resolve(this.#iterator.return?.()).catch(() => undefined);
  }

  /** False at its end. A reader that has given up leaves what it waited for to the next one. */
  async #read(): Promise<boolean> {
    try {
      const next = await this.#iterator.next();
      if (next.done !== true) this.#text += next.value;
      return next.done !== true;
    } catch (error) {
      this.hasFailed = true;
      throw error;
    } finally {
      this.#more = undefined;
    }
  }
}
