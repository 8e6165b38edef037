/** A text that is written while it is read, by one reader; what was not read waits. */
export class TextPieces implements AsyncIterable<string> {
  readonly #onTaken: (characters: number) => void;
  readonly #waiting: string[] = [];
  #isEnded = false;
  #isAbandoned = false;
  #wake: (() => void) | undefined;

  /** `onTaken` is told how many characters left, whether they were read or nobody wants them any more. */
  constructor(onTaken: (characters: number) => void = () => undefined) {
    this.#onTaken = onTaken;
  }

  write(piece: string): void {
    if (this.#isAbandoned) {
      this.#onTaken(piece.length);
      return;
    }
    this.#waiting.push(piece);
    this.#wakeReader();
  }

  /** Nothing more comes. */
  end(): void {
    this.#isEnded = true;
    this.#wakeReader();
  }

  /** Nobody reads it any more. */
  abandon(): void {
    if (this.#isAbandoned) return;
    this.#isAbandoned = true;
    for (const piece of this.#waiting.splice(0)) this.#onTaken(piece.length);
    this.#wakeReader();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string> {
    try {
      while (!this.#isAbandoned) {
        const piece = this.#waiting.shift();
        if (piece !== undefined) {
          this.#onTaken(piece.length);
          yield piece;
        } else if (this.#isEnded) return;
        else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      this.abandon();
    }
  }

  #wakeReader(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
