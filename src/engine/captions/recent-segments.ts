/** Segments that are remembered; the one that was told of longest ago is forgotten for a new one. */
const MAX_SEGMENTS = 64;

interface Told {
  readonly text: string;
  readonly isFinal: boolean;
}

/** Tells what is new about the segments of one stream: a text often comes twice, as a transcription and as a text stream. Pure. */
export class RecentSegments {
  readonly #told = new Map<string, Told>();

  /** Whether this text has not been told; it has been afterwards. What is final does not become partial again. */
  isNew(segmentId: string, text: string, isFinal: boolean): boolean {
    // Without an id nothing says that two texts are one.
    if (segmentId === '') return true;
    const before = this.#told.get(segmentId);
    if (before && ((before.text === text && before.isFinal === isFinal) || (before.isFinal && !isFinal))) return false;
    this.#told.delete(segmentId);
    this.#told.set(segmentId, { text, isFinal });
    const [oldest] = this.#told.keys();
    if (this.#told.size > MAX_SEGMENTS && oldest !== undefined) this.#told.delete(oldest);
    return true;
  }
}
