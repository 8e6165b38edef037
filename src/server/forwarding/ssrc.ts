import { randomInt } from 'node:crypto';

/** A random SSRC, 1 to 2^32 - 1. Among the few of one transport two are never the same in practice. */
export function randomSsrc(): number {
  return randomInt(1, 0x1_0000_0000);
}
