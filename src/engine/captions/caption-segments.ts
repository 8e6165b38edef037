import { randomUUID } from 'node:crypto';
import type { CaptionsData } from '../../media/captions.js';

/** Captions that say which segment they are of. */
export type NamedCaptions = CaptionsData & { readonly segmentId: string };

/** Whose segments are remembered at most: those of others who are never final are forgotten, the oldest first. */
const MOST_OPEN = 256;

/** Names the segments of the captions of one stream, where their writer does not: each speaker's own. */
export class CaptionSegments {
  /** Of the segment of each speaker that is not final yet. */
  readonly #open = new Map<string, string>();

  name(captions: CaptionsData): NamedCaptions {
    if (captions.segmentId !== undefined) return { ...captions, segmentId: captions.segmentId };
    const { speaker, isFinal } = captions;
    const key = speaker ? (speaker.streamId ?? speaker.name) : '';
    const segmentId = this.#open.get(key) ?? randomUUID();
    if (isFinal) this.#open.delete(key);
    else this.#open.set(key, segmentId);
    for (const oldest of this.#open.keys()) {
      if (this.#open.size <= MOST_OPEN) break;
      this.#open.delete(oldest);
    }
    return { ...captions, segmentId };
  }
}
