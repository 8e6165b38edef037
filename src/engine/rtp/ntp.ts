/**
 * NTP time, as RTCP carries it, is held here as a number: microseconds since 1900-01-01, exact to the microsecond. A sender without a
 * calendar may use any monotonic clock plus a constant; what counts is that all its streams use the same one (RFC 3550, 6.4.1).
 */
const UNIX_EPOCH_SECONDS = 2_208_988_800;

/** Microseconds since 1970 to microseconds since 1900. */
export function ntpUsFromUnixUs(unixUs: number): number {
  return unixUs + UNIX_EPOCH_SECONDS * 1e6;
}

/** The high 32 bits of an NTP timestamp. */
export function ntpSeconds(ntpUs: number): number {
  return Math.floor(ntpUs / 1e6) >>> 0;
}

/** The low 32 bits of an NTP timestamp: fractions of 1/2^32 second. */
export function ntpFraction(ntpUs: number): number {
  return Math.floor(((ntpUs % 1e6) * 0x1_0000_0000) / 1e6) >>> 0;
}

/** The two words of an NTP timestamp as microseconds, rounded. */
export function ntpUsFrom(seconds: number, fraction: number): number {
  return seconds * 1e6 + Math.round((fraction * 1e6) / 0x1_0000_0000);
}

/** The middle 32 bits, 16.16 seconds: what report blocks carry as LSR. */
export function compactNtp(seconds: number, fraction: number): number {
  return (((seconds & 0xffff) << 16) | (fraction >>> 16)) >>> 0;
}

/** The same from microseconds. */
export function compactNtpOf(ntpUs: number): number {
  return compactNtp(ntpSeconds(ntpUs), ntpFraction(ntpUs));
}

/** A duration of microseconds in units of 1/65536 second, for DLSR; at most 32 bits. */
export function compactDuration(durationUs: number): number {
  return Math.min(0xffffffff, Math.max(0, Math.round((durationUs * 65536) / 1e6)));
}
