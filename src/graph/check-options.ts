import { z } from 'zod';
import { SluiceError, type Place } from '../media/errors.js';
import { typedScalar } from './environment.js';
import { nearest } from './nearest.js';
import type { Path, Places } from '../media/source-map.js';

/** Where a value stands and how its problems are told. */
export interface CheckContext {
  readonly places: Places;
  /** Path of the value in its file. */
  readonly base: Path;
  /** What the keys at `path` (below `base`) are, for "did you mean". */
  knownKeys(path: Path): readonly string[];
  /** Paths whose text came from the environment as a whole, in the form of `pathKey`. */
  readonly substituted: ReadonlySet<string>;
  /** The mend where there is no better one. */
  readonly mend: string;
  /** `option`, `setting`, … */
  readonly noun: string;
  /** What stands at the paths of `substituted` is not known yet, and is let pass. */
  readonly tolerant?: boolean;
}

/** Names of what should not be shown. */
const SECRET = /token|secret|key|password|url/i;

/** How much of a text is shown, in characters. */
const MOST_SHOWN = 60;

/** The node that a path of a pipeline file lies in, as a part of a Place. */
export function nodeOf(path: Path): Pick<Place, 'node'> {
  return path[0] === 'nodes' && path.length > 1 ? { node: String(path[1]) } : {};
}

export function pathKey(path: Path): string {
  return JSON.stringify(path);
}

/**
 * Checks a value against a schema and turns what is wrong into errors with places. A text that came from the
 * environment is taken as a number or boolean where only that fits. Pure.
 */
export function checkOptions<S extends z.ZodType>(
  schema: S,
  value: unknown,
  context: CheckContext,
): { readonly data?: z.output<S>; readonly problems: readonly SluiceError[] } {
  let result = schema.safeParse(value);
  if (!result.success && context.substituted.size > 0 && context.tolerant !== true) {
    const retried = schema.safeParse(withTypes(value, result.error.issues, context));
    if (retried.success || retried.error.issues.length < result.error.issues.length) result = retried;
  }
  if (result.success) return { data: result.data, problems: [] };
  const isOpen = ({ path }: Issue): boolean =>
    context.tolerant === true && context.substituted.has(pathKey([...context.base, ...(path as Path)]));
  const issues = result.error.issues.filter((issue) => !isOpen(issue));
  return { problems: issues.flatMap((issue) => problemsOf(issue, value, context, schema)) };
}

type Issue = z.core.$ZodIssue;

function withTypes(value: unknown, issues: readonly Issue[], context: CheckContext): unknown {
  const copy: unknown = structuredClone(value);
  for (const issue of issues) {
    const path = issue.path as Path;
    if (!context.substituted.has(pathKey([...context.base, ...path]))) continue;
    const parent = valueAt(copy, path.slice(0, -1)) as Record<string, unknown> | undefined;
    const key = path.at(-1);
    if (!parent || key === undefined) continue;
    parent[key] = typedScalar(String(parent[key]));
  }
  return copy;
}

function problemsOf(issue: Issue, value: unknown, context: CheckContext, schema: z.ZodType): SluiceError[] {
  const path = issue.path as Path;
  const { base, noun } = context;
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const known = context.knownKeys(path);
      const full = [...path, key].join('.');
      const hints = {
        found: `${noun} "${full}"`,
        expected: known.length === 0 ? `no ${noun} of that name` : `one of ${known.join(', ')}`,
        mend: mendForKey(key, known),
      };
      return problem(`unknown ${noun} "${full}"`, [...base, ...path, key], true, context, hints);
    });
  }
  const name = path.join('.');
  if (issue.code === 'invalid_key') {
    const hints = { found: `"${String(path.at(-1))}"`, expected: 'letters, digits, _ and -' };
    return [problem(issue.issues[0]?.message ?? 'Invalid name', [...base, ...path], true, context, hints)];
  }
  const message = inWords(issue.message);
  if (path.length > 0 && valueAt(value, path) === undefined) {
    const hints = {
      found: 'nothing',
      expected: expectedIn(message),
      mend: `Add \`${String(path.at(-1))}\`. ${context.mend}`,
    };
    return [problem(`${noun} "${name}" is missing`, [...base, ...path.slice(0, -1)], true, context, hints)];
  }
  const text = path.length === 0 ? message : `${noun} "${name}": ${lowerFirst(message)}`;
  const hints = {
    found: shown(valueAt(value, path), path, context, schema),
    expected: expectedIn(message),
    ...(wantsText(issue) && { mend: 'Put it in quotes.' }),
  };
  return [problem(text, [...base, ...path], false, context, hints)];
}

/** What zod says it wanted. */
function expectedIn(message: string): string {
  const said = /expected (.+?)(?:, not .*)?$/i.exec(message)?.[1];
  return said ?? lowerFirst(message.replace(/^too (?:big|small): /i, ''));
}

/** What zod says of a wrong kind of value, in words of a pipeline file. */
function inWords(message: string): string {
  const [, expected = '', received = ''] = /^Invalid input: expected (\w+), received (\w+)$/.exec(message) ?? [];
  return expected === '' ? message : `Expected ${KINDS[expected] ?? expected}, not ${KINDS[received] ?? received}`;
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a map',
  record: 'a map',
  array: 'a list',
  null: 'nothing',
  undefined: 'nothing',
};

/** A value as it was written, but for what may be a secret. */
function shown(value: unknown, path: Path, context: CheckContext, schema: z.ZodType): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  const full = [...context.base, ...path];
  const isSecret =
    path.some((key) => SECRET.test(String(key))) || context.substituted.has(pathKey(full)) || isMarked(schema, path);
  if (isSecret || full[0] === 'sessions') return `a ${typeof value === 'string' ? 'text' : typeof value}`;
  const text = JSON.stringify(value);
  return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text;
}

/** Whether the schema says that an option is secret. */
function isMarked(schema: z.ZodType, path: Path): boolean {
  const key = path[0];
  if (!(schema instanceof z.ZodObject) || key === undefined) return false;
  const option = (schema.shape as Readonly<Record<string, z.ZodType | undefined>>)[key];
  return option?.meta()?.['secret'] === true;
}

/** YAML made a number or a boolean of what should be a text. */
function wantsText(issue: Issue): boolean {
  return (
    issue.code === 'invalid_type' && issue.expected === 'string' && /received (number|boolean)$/.test(issue.message)
  );
}

function problem(
  message: string,
  path: Path,
  atKey: boolean,
  { places, mend }: CheckContext,
  hints: { readonly found: string; readonly expected: string; readonly mend?: string },
): SluiceError {
  const place = atKey ? places.placeOfKey(path) : places.placeOf(path);
  return new SluiceError('SLUICE_CONFIG_INVALID', message, { place: { ...place, ...nodeOf(path) }, mend, ...hints });
}

function mendForKey(key: string, known: readonly string[]): string {
  const near = nearest(key, known);
  if (near !== undefined) return `Did you mean "${near}"?`;
  return known.length === 0 ? 'Take it out.' : `Known here: ${known.join(', ')}.`;
}

function valueAt(value: unknown, path: Path): unknown {
  let current = value;
  for (const key of path) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = (current as Record<string | number, unknown>)[key];
  }
  return current;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
