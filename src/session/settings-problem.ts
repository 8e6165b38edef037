import type { z } from 'zod';

/** Longer values are cut in messages. */
const MAX_VALUE_CHARS = 120;

/** What is wrong with settings, in one line: the path, what was found there, and what is allowed. `what` begins the path. Pure. */
export function settingsProblem(schema: z.ZodType, settings: unknown, issue: z.core.$ZodIssue, what: string): string {
  const place = [what, ...issue.path].join('.');
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, issue.path);
    return `${place}: found ${issue.keys.join(', ')}${known.length > 0 ? `, allowed are ${known.join(', ')}` : ''}`;
  }
  const allowed =
    issue.code === 'invalid_value' ? `allowed are ${issue.values.join(', ')}` : expectation(issue.message);
  return `${place}: found ${textOf(valueAt(settings, issue.path))}, ${allowed}`;
}

/** `Too big: expected number to be <=30` without its first words, and without what it says of the value. */
function expectation(message: string): string {
  const text = message.replace(/^[A-Z][a-z ]+: /, '').replace(/, received .*$/, '');
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function textOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = typeof value === 'number' || typeof value === 'bigint' ? String(value) : jsonOf(value);
  return text.length > MAX_VALUE_CHARS ? `${text.slice(0, MAX_VALUE_CHARS)}…` : text;
}

function jsonOf(value: unknown): string {
  if (typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`;
  try {
    return JSON.stringify(value);
  } catch {
    return 'a value that is no plain data';
  }
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let current = value;
  for (const key of path) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = (current as Record<PropertyKey, unknown>)[key];
  }
  return current;
}

/** Keys of the object that a schema has at a path. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  let current = objectIn(schema);
  for (const key of path) current = objectIn(current?.[String(key)]);
  return Object.keys(current ?? {});
}

/** The fields of an object schema, also where it has a default or may be left out. */
function objectIn(schema: z.core.$ZodType | undefined): Readonly<Record<string, z.core.$ZodType>> | undefined {
  let current = schema;
  while (current) {
    const { def } = (current as z.core.$ZodTypes)._zod;
    if (def.type === 'object') return def.shape;
    current = 'innerType' in def ? def.innerType : undefined;
  }
  return undefined;
}
