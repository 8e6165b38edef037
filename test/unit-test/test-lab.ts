import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { testPipeline, type TestFileResult, type TestResult } from '../../src/index.js';
import type { NodeDef } from '../../src/media/node.js';

/** Runs tests of a pipeline, both given as YAML, in a folder of their own. */
export async function testsOf(
  t: Test,
  pipeline: string,
  tests: string,
  { folder = t.testdir(), nodes = [] }: { readonly folder?: string; readonly nodes?: readonly NodeDef[] } = {},
): Promise<TestFileResult> {
  writeFileSync(join(folder, 'p.yaml'), pipeline);
  writeFileSync(join(folder, 'p.test.yaml'), tests);
  return await testPipeline(join(folder, 'p.test.yaml'), nodes);
}

/** Runs one test, of which everything but its name is given. */
export async function testOf(
  t: Test,
  pipeline: string,
  test: string,
  nodes: readonly NodeDef[] = [],
): Promise<TestResult> {
  const all = `tests:\n  it:\n${test.replaceAll(/^/gm, '    ')}\n`;
  const { tests, problems } = await testsOf(t, pipeline, all, { nodes });
  const [result] = tests;
  if (!result) throw problems[0] ?? new Error('no test was run');
  return result;
}

/** `field: found instead of expected`, and what else is wrong in its own words. */
export function told({ failures }: TestResult): string[] {
  return failures.map(({ code, message, found, expected }) =>
    code === 'SLUICE_TEST_FAILED' ? `${message}: ${found ?? ''} instead of ${expected ?? ''}` : `${message} [${code}]`,
  );
}
