import type { Registry } from '../graph/registry.js';
import type { SluiceError } from '../media/errors.js';
import { loadTests } from './load-tests.js';
import { runTest, type TestResult } from './run-test.js';

/** How the tests of one file went. */
export interface TestFileResult {
  readonly file: string;
  /** What is wrong with the file itself; no test was run then. */
  readonly problems: readonly SluiceError[];
  /** In the order of the file. */
  readonly tests: readonly TestResult[];
}

export interface TestFileOptions {
  readonly registry: Registry;
  /** Runs the test of this name only. */
  readonly only?: string | undefined;
  /** Told of each test as it ends. */
  readonly onResult?: (result: TestResult) => void;
}

/** Runs the tests of a file, one after the other. Errors: SLUICE_FILE_NOT_FOUND. */
export async function runTestFile(
  path: string,
  { registry, only, onResult }: TestFileOptions,
): Promise<TestFileResult> {
  const { tests, problems } = await loadTests(path);
  if (!tests) return { file: path, problems, tests: [] };
  const results: TestResult[] = [];
  for (const [name, test] of Object.entries(tests.content.tests)) {
    if (only !== undefined && name !== only) continue;
    const result = await runTest({ tests, name, test, registry });
    results.push(result);
    onResult?.(result);
  }
  return { file: path, problems: [], tests: results };
}
