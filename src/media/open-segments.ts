/** How many are remembered; those that are never final are forgotten, the oldest first. */
const MOST_OPEN = 256;

/** What is known of segments of text, each by its key, from its first text until one that is final. */
export class OpenSegments<V> {
  readonly #open = new Map<string, V>();

  /** What is known of a segment that a text comes of: what was told with its first text, or `first` where this is it. */
  take(key: string, isFinal: boolean, first: V): V {
    const known = this.#open.get(key) ?? first;
    if (isFinal) this.#open.delete(key);
    else this.#open.set(key, known);
    const [oldest] = this.#open.keys();
    if (this.#open.size > MOST_OPEN && oldest !== undefined) this.#open.delete(oldest);
    return known;
  }
}
