import type { Path } from '../media/source-map.js';
import type { Registry } from '../graph/registry.js';
import { SluiceError } from '../media/errors.js';
import type { LoadedTests } from './load-tests.js';
import type { TestCase } from './test-schema.js';

/** One test and what it needs. */
export interface TestToRun {
  readonly tests: LoadedTests;
  readonly name: string;
  readonly test: TestCase;
  readonly registry: Registry;
}

/** What was not as a test expects; `path` begins in the test. */
export function shortfall(
  { tests, name }: TestToRun,
  path: Path,
  { message, found, expected }: { readonly message: string; readonly found: string; readonly expected: string },
): SluiceError {
  const place = tests.places.placeOf(['tests', name, ...path]);
  return new SluiceError('SLUICE_TEST_FAILED', message, { place, found, expected });
}
