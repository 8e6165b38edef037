import { randomInt } from 'node:crypto';

const ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789';
const LENGTH = 12;

/** What an id names, by LiveKit's prefixes: a room, a participant, a track. */
export type SidPrefix = 'RM_' | 'PA_' | 'TR_';

/** A server-made id that does not come again, such as `TR_AbcdEfgh2345`. */
export function newSid(prefix: SidPrefix): string {
  let sid: string = prefix;
  for (let i = 0; i < LENGTH; i++) sid += ALPHABET[randomInt(ALPHABET.length)] ?? '';
  return sid;
}
