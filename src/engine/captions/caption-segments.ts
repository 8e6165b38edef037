import { randomUUID } from 'node:crypto';
import type { CaptionsData } from '../../media/captions.js';
import { OpenSegments } from '../../media/open-segments.js';

/** Captions that say which segment they are of. */
export type NamedCaptions = CaptionsData & { readonly segmentId: string };

/** Names the segments of the captions of one stream, where their writer does not: each speaker's own. */
export class CaptionSegments {
  /** The id of the segment of each speaker. */
  readonly #open = new OpenSegments<string>();

  name(captions: CaptionsData): NamedCaptions {
    if (captions.segmentId !== undefined) return { ...captions, segmentId: captions.segmentId };
    const { speaker, isFinal } = captions;
    const key = speaker ? (speaker.streamId ?? speaker.name) : '';
    return { ...captions, segmentId: this.#open.take(key, isFinal, randomUUID()) };
  }
}
