import type { Place } from '../media/errors.js';
import type { Path, Places } from '../media/source-map.js';

/** Places of the parts of a graph, found out one by one while a text is read. */
export class PathPlaces implements Places {
  readonly #text: string;
  readonly #file: string;
  readonly #values = new Map<string, number>();
  readonly #keys = new Map<string, number>();

  constructor(text: string, file: string) {
    this.#text = text;
    this.#file = file;
  }

  set(path: Path, offset: number): void {
    this.#values.set(path.join('\n'), offset);
  }

  setKey(path: Path, offset: number): void {
    this.#keys.set(path.join('\n'), offset);
  }

  /** The place of the nearest thing around `path` that is known. */
  placeOf(path: Path): Place {
    return this.at(this.offsetOf(path));
  }

  placeOfKey(path: Path): Place {
    const offset = this.#keys.get(path.join('\n'));
    return offset === undefined ? this.placeOf(path) : this.at(offset);
  }

  offsetOf(path: Path): number {
    for (let length = path.length; length > 0; length--) {
      const offset = this.#values.get(path.slice(0, length).join('\n'));
      if (offset !== undefined) return offset;
    }
    return 0;
  }

  at(offset: number): Place {
    const before = this.#text.slice(0, offset).split('\n');
    return { file: this.#file, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
  }

  /** Where the text is over. */
  get end(): { readonly offset: number } {
    return { offset: this.#text.length };
  }
}
