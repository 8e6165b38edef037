import { toErrorData, type SluiceError } from '../media/errors.js';
import type { TestFileResult } from '../unit-test/run-test-file.js';
import { errorText } from './show-error.js';

/** Results as JUnit XML: a suite for each file, in the time of the pipelines. Pure. */
export function junitReport(results: readonly TestFileResult[]): string {
  return `${['<?xml version="1.0" encoding="UTF-8"?>', '<testsuites>', ...results.flatMap(suite), '</testsuites>'].join('\n')}\n`;
}

function suite({ file, problems, tests }: TestFileResult): string[] {
  const cases = [...problems.map((problem) => ({ name: 'can be read', failures: [problem], ranMs: 0 })), ...tests];
  const failed = cases.filter(({ failures }) => failures.length > 0).length;
  return [
    `  <testsuite name="${escaped(file)}" tests="${cases.length}" failures="${failed}" errors="0" skipped="0">`,
    ...cases.flatMap(({ name, failures, ranMs }) => testCase(file, name, failures, ranMs)),
    '  </testsuite>',
  ];
}

function testCase(file: string, name: string, failures: readonly SluiceError[], ranMs: number): string[] {
  const head = `    <testcase classname="${escaped(file)}" name="${escaped(name)}" time="${(ranMs / 1000).toFixed(3)}"`;
  if (failures.length === 0) return [`${head}/>`];
  return [`${head}>`, ...failures.map(failure), '    </testcase>'];
}

function failure(error: SluiceError): string {
  const { code, message } = error;
  return `      <failure type="${code}" message="${escaped(message)}">${escaped(errorText(toErrorData(error)))}</failure>`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** What XML allows, with what has a meaning there written out. */
function escaped(text: string): string {
  return [...text]
    .filter((character) => character >= ' ' || character === '\n' || character === '\t')
    .map((character) => ENTITIES[character] ?? character)
    .join('');
}
