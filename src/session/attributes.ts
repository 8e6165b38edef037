import { z } from 'zod';

/** Longest that names and values may be together, in characters. Servers also limit what a participant has in all. */
const MAX_LENGTH = 64_000;

/** What a participant says of itself, as `lk.agent.state`. An empty value takes an attribute away. */
export const Attributes = z
  .record(z.string().min(1, 'Expected a name'), z.string('Expected a text'))
  .refine(
    (attributes) => lengthOf(attributes) <= MAX_LENGTH,
    `Too big: expected at most ${MAX_LENGTH} characters in all`,
  );

function lengthOf(attributes: Readonly<Record<string, string>>): number {
  let length = 0;
  for (const [name, value] of Object.entries(attributes)) length += name.length + value.length;
  return length;
}
