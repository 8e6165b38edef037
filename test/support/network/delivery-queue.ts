/** Values by the time at which they are due; those of the same time in the order in which they came. */
export class DeliveryQueue<T> {
  readonly #heap: { readonly atUs: number; readonly order: number; readonly value: T }[] = [];
  #order = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** When the next one is due. */
  get nextUs(): number | undefined {
    return this.#heap[0]?.atUs;
  }

  push(atUs: number, value: T): void {
    const heap = this.#heap;
    heap.push({ atUs, order: this.#order++, value });
    let child = heap.length - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!this.#isBefore(child, parent)) return;
      this.#swap(child, parent);
      child = parent;
    }
  }

  /** The next one, if it is due. */
  take(nowUs: number): T | undefined {
    const heap = this.#heap;
    const first = heap[0];
    if (!first || first.atUs > nowUs) return undefined;
    const last = heap.pop();
    if (last && heap.length > 0) {
      heap[0] = last;
      this.#sink();
    }
    return first.value;
  }

  #sink(): void {
    for (let parent = 0; ;) {
      const left = 2 * parent + 1;
      const child = left + 1 < this.#heap.length && this.#isBefore(left + 1, left) ? left + 1 : left;
      if (child >= this.#heap.length || !this.#isBefore(child, parent)) return;
      this.#swap(child, parent);
      parent = child;
    }
  }

  #isBefore(one: number, other: number): boolean {
    const [a, b] = [this.#heap[one], this.#heap[other]];
    if (!a || !b) return false;
    return a.atUs !== b.atUs ? a.atUs < b.atUs : a.order < b.order;
  }

  #swap(one: number, other: number): void {
    const [a, b] = [this.#heap[one], this.#heap[other]];
    if (a && b) [this.#heap[one], this.#heap[other]] = [b, a];
  }
}
