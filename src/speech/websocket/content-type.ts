/** What a peer sends in its first message, as JSON, as telephony has it: PCM of 16 bits, little-endian, mono. */
export function contentTypeOf(sampleRate: number): string {
  return `audio/l16;rate=${sampleRate}`;
}

/** The rate that a first message tells, in Hz; undefined where it tells of no such sound. Pure. */
export function rateOf(message: string): number | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(message);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null || !('content-type' in parsed)) return undefined;
  const type: unknown = parsed['content-type'];
  const rate = typeof type === 'string' ? /^audio\/l16\s*;\s*rate=(\d{4,6})$/i.exec(type.trim())?.[1] : undefined;
  return rate === undefined ? undefined : Number(rate);
}
