import { randomUUID } from 'node:crypto';
import type { CaptionsData } from '../../media/captions.js';

/** Captions that say which segment they are of. */
export type NamedCaptions = Required<CaptionsData>;

/** Names the segments of the captions of one stream, where their writer does not. */
export class CaptionSegments {
  /** Of the segment that is not final yet. */
  #open: string | undefined;

  name(captions: CaptionsData): NamedCaptions {
    const segmentId = captions.segmentId ?? (this.#open ??= randomUUID());
    if (captions.segmentId === undefined && captions.isFinal) this.#open = undefined;
    return { ...captions, segmentId };
  }
}
