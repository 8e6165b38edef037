import type { VideoCodec } from './encoded-chunk.js';
import type { PixelFormat } from './video-frame.js';

/** What a port can carry. A field that is missing takes any value; an array lists what is taken, best first. */
export type FormatPattern =
  | { readonly kind: 'audio'; readonly sampleRate?: OneOrMore<number>; readonly numberOfChannels?: OneOrMore<number> }
  | {
      readonly kind: 'video';
      readonly format?: OneOrMore<PixelFormat>;
      readonly width?: OneOrMore<number>;
      readonly height?: OneOrMore<number>;
    }
  | { readonly kind: 'encoded-audio'; readonly codec?: OneOrMore<'opus'> }
  | { readonly kind: 'encoded-video'; readonly codec?: OneOrMore<VideoCodec> };

type OneOrMore<T> = T | readonly T[];

/** What two ports have in common, in the order of `upstream`; empty when they cannot be linked. Pure. */
export function intersect(upstream: readonly FormatPattern[], downstream: readonly FormatPattern[]): FormatPattern[] {
  const common: FormatPattern[] = [];
  for (const up of upstream) {
    for (const down of downstream) {
      const both = intersectPair(up, down);
      if (both) common.push(both);
    }
  }
  return common;
}

/** A pattern as a person reads it: `audio 48000 Hz 2 channels`, `encoded-video vp8|h264`. */
export function describeFormat(pattern: FormatPattern): string {
  const parts: string[] = [pattern.kind];
  for (const [key, value] of Object.entries(pattern)) {
    if (key === 'kind' || value === undefined) continue;
    const text = Array.isArray(value) ? value.join('|') : String(value);
    parts.push(UNITS[key]?.(text) ?? text);
  }
  return parts.join(' ');
}

const UNITS: Record<string, ((text: string) => string) | undefined> = {
  sampleRate: (text) => `${text} Hz`,
  numberOfChannels: (text) => `${text} ch`,
  width: (text) => `${text} wide`,
  height: (text) => `${text} high`,
};

function intersectPair(up: FormatPattern, down: FormatPattern): FormatPattern | undefined {
  if (up.kind !== down.kind) return undefined;
  const merged: Record<string, unknown> = { ...down, ...up };
  const fromUp: Record<string, unknown> = { ...up };
  for (const [key, value] of Object.entries(down)) {
    if (key === 'kind' || value === undefined || fromUp[key] === undefined) continue;
    const wanted = asList(value);
    const both = asList(fromUp[key]).filter((item) => wanted.includes(item));
    if (both.length === 0) return undefined;
    merged[key] = both.length === 1 ? both[0] : both;
  }
  return merged as unknown as FormatPattern;
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}
