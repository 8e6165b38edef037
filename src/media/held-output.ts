import { Readable } from 'node:stream';

type Done = (error?: Error | null) => void;

/** A Readable that holds back who gives it values while it is full; several may give. */
export class HeldOutput extends Readable {
  readonly #waiting: Done[] = [];

  /** `highWaterMark`: values that wait for the reader before givers are held back. */
  constructor(highWaterMark: number) {
    super({ objectMode: true, highWaterMark });
  }

  /** `done` is called when there is room for more. */
  give(value: object, done: Done): void {
    if (this.push(value)) done();
    else this.#waiting.push(done);
  }

  override _read(): void {
    for (const done of this.#waiting.splice(0)) done();
  }
}
