import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { checkOptions } from '../graph/check-options.js';
import { readTextFile } from '../graph/notation/text.js';
import type { Path, Places } from '../media/source-map.js';
import { SluiceError } from '../media/errors.js';
import { TestFile } from './test-schema.js';

const ENDING = /\.test\.(ya?ml|json)$/;

/** A file of tests as it was written, with the place of everything. */
export interface LoadedTests {
  readonly file: string;
  /** Folder that relative paths in it start from. */
  readonly baseDir: string;
  /** Path of the pipeline that is tested. */
  readonly pipeline: string;
  readonly content: TestFile;
  readonly places: Places;
}

export interface LoadTestsResult {
  readonly tests?: LoadedTests;
  readonly problems: readonly SluiceError[];
}

/** Whether a file is one of tests, by its name. */
export function isTestFile(path: string): boolean {
  return ENDING.test(path);
}

/** Reads and checks a file of tests. Errors: SLUICE_FILE_NOT_FOUND; what is wrong inside comes back as problems. */
export async function loadTests(path: string): Promise<LoadTestsResult> {
  try {
    const { value, places, file, baseDir } = await readTextFile(path);
    if (isPipeline(value)) return { problems: [notTests(path)] };
    const { data, problems } = checkOptions(TestFile, value, {
      places,
      base: [],
      knownKeys: (at) => keysAt(TestFile, at),
      substituted: new Set(),
      noun: 'entry',
      mend: 'See pipelines/test-schema.json for what a file of tests holds.',
    });
    if (!data) return { problems };
    const pipeline = data.pipeline === undefined ? beside(path) : join(dirname(path), data.pipeline);
    return { tests: { file, baseDir: resolve(baseDir), pipeline, content: data, places }, problems };
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'SLUICE_CONFIG_SYNTAX') return { problems: [error] };
    throw error;
  }
}

function isPipeline(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'nodes' in value && !('tests' in value);
}

function notTests(path: string): SluiceError {
  const beside = path.replace(/(\.\w+)$/, '.test$1');
  return new SluiceError('SLUICE_CONFIG_INVALID', `${basename(path)} is a pipeline, not a file of tests`, {
    place: { file: path },
    found: 'a pipeline',
    expected: 'a file of tests, with `tests`',
    mend: `Its tests are in ${basename(beside)}, which \`sluice new pipeline\` writes along with one.`,
  });
}

/** `x.yaml` of `x.test.yaml`. */
function beside(path: string): string {
  return join(dirname(path), basename(path).replace(ENDING, '.$1'));
}

/** The keys that a map at this path may have; none where it may have any. */
function keysAt(schema: unknown, path: Path): readonly string[] {
  const inner = unwrapped(schema);
  const [key, ...rest] = path;
  if (inner instanceof z.ZodRecord) return key === undefined ? [] : keysAt(inner.valueType, rest);
  if (inner instanceof z.ZodArray) return key === undefined ? [] : keysAt(inner.element, rest);
  if (!(inner instanceof z.ZodObject)) return [];
  const shape = inner.shape as Readonly<Record<string, unknown>>;
  return key === undefined ? Object.keys(shape) : keysAt(shape[key], rest);
}

function unwrapped(schema: unknown): unknown {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodDefault ? unwrapped(schema.unwrap()) : schema;
}
