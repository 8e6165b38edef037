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
      /** Pictures per second. */
      readonly frameRate?: OneOrMore<number>;
    }
  | { readonly kind: 'encoded-audio'; readonly codec?: OneOrMore<'opus'> }
  | { readonly kind: 'encoded-video'; readonly codec?: OneOrMore<VideoCodec> }
  | { readonly kind: 'captions' }
  | { readonly kind: 'transcript' }
  | { readonly kind: 'text' }
  | { readonly kind: 'voice-activity' }
  | { readonly kind: 'turn' };

export type OneOrMore<T> = T | readonly T[];

/** What a port takes that takes everything. */
export const ANY_MEDIA: readonly FormatPattern[] = [
  { kind: 'audio' },
  { kind: 'video' },
  { kind: 'encoded-audio' },
  { kind: 'encoded-video' },
];

/** What a port takes that takes words and turns as well. */
export const ANY_VALUE: readonly FormatPattern[] = [
  ...ANY_MEDIA,
  { kind: 'captions' },
  { kind: 'transcript' },
  { kind: 'text' },
  { kind: 'voice-activity' },
  { kind: 'turn' },
];

/**
 * Whether media of one format can be taken where `wanted` is asked for. What is not known of raw media does not fit a
 * wish: a converter that has nothing to do costs nothing. What is not known of encoded media may fit: to encode it
 * again costs much, and whoever takes it tells. Pure.
 */
export function fits(given: FormatPattern, wanted: FormatPattern): boolean {
  if (given.kind !== wanted.kind) return false;
  const isRaw = given.kind === 'audio' || given.kind === 'video';
  const has: Readonly<Record<string, unknown>> = { ...given };
  return Object.entries(wanted).every(([key, value]) => {
    if (key === 'kind' || value === undefined) return true;
    if (has[key] === undefined) return !isRaw;
    const allowed = asList(value);
    const values = asList(has[key]);
    return isRaw ? values.every((one) => allowed.includes(one)) : values.some((one) => allowed.includes(one));
  });
}

/** The value of a field that lies nearest to `given` among what is `wanted`: the same, the next above, or the last. Pure. */
export function nearestIn<T extends number | string>(
  given: OneOrMore<T> | undefined,
  wanted: OneOrMore<T> | undefined,
): T | undefined {
  const value = asList(given)[0] as T | undefined;
  if (wanted === undefined) return value;
  const allowed = asList(wanted) as readonly T[];
  if (value === undefined || allowed.includes(value)) return value ?? allowed[0];
  if (typeof value === 'string') return allowed[0];
  const ascending = [...allowed].sort((a, b) => Number(a) - Number(b));
  return ascending.find((one) => one > value) ?? ascending.at(-1);
}

/**
 * The options `sampleRate` and `channels` that stand for a format, where it says them; the first of several. `limits`
 * are what can be had, where that is not everything. Pure.
 */
export function audioOptions(
  format: FormatPattern,
  limits: { readonly sampleRate?: readonly number[] } = {},
): Readonly<Record<string, number>> {
  if (format.kind !== 'audio') return {};
  const sampleRate = nearestIn(nearestIn(format.sampleRate, undefined), limits.sampleRate);
  const channels = nearestIn(format.numberOfChannels, undefined);
  return {
    ...(format.sampleRate !== undefined && sampleRate !== undefined && { sampleRate }),
    ...(channels !== undefined && { channels }),
  };
}

/** The options `width`, `height` and `format` that stand for a format, where it says them; the first of several. Pure. */
export function pictureOptions(format: FormatPattern): Readonly<Record<string, number | string>> {
  if (format.kind !== 'video') return {};
  const [width, height] = [nearestIn(format.width, undefined), nearestIn(format.height, undefined)];
  const pixels = nearestIn(format.format, undefined);
  return {
    ...(width !== undefined && { width }),
    ...(height !== undefined && { height }),
    ...(pixels !== undefined && { format: pixels }),
  };
}

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

/** What is known of media that may have any of these formats: for each kind, the fields in which they agree. Pure. */
export function commonFormats(formats: readonly FormatPattern[]): readonly FormatPattern[] {
  const kinds = new Map<FormatPattern['kind'], Readonly<Record<string, unknown>>>();
  for (const format of formats) {
    const known = kinds.get(format.kind);
    const fields = Object.entries(format);
    const agreed = known && fields.filter(([key, value]) => JSON.stringify(known[key]) === JSON.stringify(value));
    kinds.set(format.kind, Object.fromEntries(agreed ?? fields));
  }
  return [...kinds.values()] as unknown as readonly FormatPattern[];
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
  frameRate: (text) => `${text} fps`,
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
