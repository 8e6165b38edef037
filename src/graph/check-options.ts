import { z } from 'zod';
import { SluiceError, type Place } from '../media/errors.js';
import { typedScalar } from './environment.js';
import { nearest } from './nearest.js';
import type { Path, Places } from './source-map.js';

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
}

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
  if (!result.success && context.substituted.size > 0) {
    const retried = schema.safeParse(withTypes(value, result.error.issues, context));
    if (retried.success || retried.error.issues.length < result.error.issues.length) result = retried;
  }
  if (result.success) return { data: result.data, problems: [] };
  return { problems: result.error.issues.flatMap((issue) => problemsOf(issue, value, context)) };
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

function problemsOf(issue: Issue, value: unknown, context: CheckContext): SluiceError[] {
  const path = issue.path as Path;
  const { base, noun } = context;
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const mend = mendForKey(key, context.knownKeys(path));
      return problem(`unknown ${noun} "${[...path, key].join('.')}"`, [...base, ...path, key], true, context, mend);
    });
  }
  const name = path.join('.');
  if (issue.code === 'invalid_key') {
    return [problem(issue.issues[0]?.message ?? 'Invalid name', [...base, ...path], true, context)];
  }
  if (path.length > 0 && valueAt(value, path) === undefined) {
    const mend = `Add \`${String(path.at(-1))}\`. ${context.mend}`;
    return [problem(`${noun} "${name}" is missing`, [...base, ...path.slice(0, -1)], true, context, mend)];
  }
  const text = path.length === 0 ? issue.message : `${noun} "${name}": ${lowerFirst(issue.message)}`;
  const mend = wantsText(issue) ? 'Put it in quotes.' : context.mend;
  return [problem(text, [...base, ...path], false, context, mend)];
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
  { places, mend: usual }: CheckContext,
  mend: string = usual,
): SluiceError {
  const place = atKey ? places.placeOfKey(path) : places.placeOf(path);
  return new SluiceError('SLUICE_CONFIG_INVALID', message, { place: { ...place, ...nodeOf(path) }, mend });
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
