/** What somebody said, or is saying: a text with the same `segmentId` takes the place of the one before, until one is final. */
export interface Caption {
  readonly identity: string;
  /** Empty where the sender names none: each text is then one of its own. */
  readonly segmentId: string;
  readonly text: string;
  readonly isFinal: boolean;
}

interface Segment {
  text: string;
  isFinal: boolean;
  untilMs: number;
}

/** How long a text stays after it was final: time to read it, within bounds. */
const READ_MS_PER_LETTER = 60;
const SHORTEST_MS = 3000;
const LONGEST_MS = 8000;
/** A text that does not become final is given up after so long without news. */
const PARTIAL_MS = 10_000;
/** Segments that are remembered; what is older has been read. */
const KEPT = 20;
/** Longer texts are cut at their beginning, in letters. */
const MAX_LETTERS = 2000;

/** The captions of one participant: what to show of them now. Pure. */
export class Captions {
  readonly #segments = new Map<string, Segment>();
  #unnamed = 0;

  /**
   * Takes a text. Tells whether it is one that was not final before: the same text often comes twice, as a transcription and as a
   * text stream. @param nowMs any clock that does not go back.
   */
  take({ segmentId, text, isFinal }: Caption, nowMs: number): boolean {
    const id = segmentId === '' ? `unnamed ${String(++this.#unnamed)}` : segmentId;
    const before = this.#segments.get(id);
    if (before?.isFinal === true) return false;
    const letters = text.slice(-MAX_LETTERS);
    const readMs = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, letters.length * READ_MS_PER_LETTER));
    this.#segments.set(id, { text: letters, isFinal, untilMs: nowMs + (isFinal ? readMs : PARTIAL_MS) });
    for (const oldest of this.#segments.keys()) {
      if (this.#segments.size <= KEPT) break;
      this.#segments.delete(oldest);
    }
    return isFinal && letters.trim() !== '';
  }

  /** What is being said and what was said just now, in its order; empty when there is nothing to read any more. */
  textAt(nowMs: number): string {
    const texts: string[] = [];
    for (const { text, untilMs } of this.#segments.values()) if (nowMs < untilMs) texts.push(text.trim());
    return texts.filter((text) => text !== '').join(' ');
  }
}
