import type { FormatPattern } from '../media/format.js';

/** Which node turns one format into the other; what to say where two formats do not fit together. Pure. */
export function mendForFormats(gives: readonly FormatPattern[], takes: readonly FormatPattern[]): string {
  for (const up of gives) {
    for (const down of takes) {
      const node = CONVERTERS[`${up.kind} ${down.kind}`];
      if (node !== undefined) return `Put this between them: ${node}.`;
    }
  }
  return 'Link nodes that carry the same kind of media.';
}

const CONVERTERS: Readonly<Record<string, string | undefined>> = {
  'audio audio': 'resampler',
  'video video': 'scaler',
  'audio encoded-audio': 'opus-encoder',
  'encoded-audio audio': 'opus-decoder',
  'video encoded-video': 'video-encoder',
  'encoded-video video': 'video-decoder',
  'encoded-video encoded-video': 'video-decoder, video-encoder',
};
