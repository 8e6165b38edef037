import { toErrorData, type SluiceError } from '../media/errors.js';
import type { TestFileResult } from '../unit-test/run-test-file.js';
import type { TestResult } from '../unit-test/run-test.js';
import { errorText } from './show-error.js';

/** Tells how tests go, as they end. */
export interface TestReporter {
  test(file: string, result: TestResult): void;
  /** Something is wrong with the file itself. */
  problem(file: string, problem: SluiceError): void;
  end(results: readonly TestFileResult[]): void;
}

/** TAP 14, with a YAML block of what was found and expected after each failure. */
export function tapReporter(write: (text: string) => void): TestReporter {
  let count = 0;
  const point = (isOk: boolean, name: string): void => {
    if (count === 0) write('TAP version 14\n');
    write(`${isOk ? '' : 'not '}ok ${++count} - ${name.replaceAll('#', '\\#')}\n`);
  };
  return {
    test(file, { name, passed, failures, ranMs }) {
      point(passed, `${file}: ${name}`);
      if (passed) return;
      write('  ---\n');
      write(`  ranMs: ${ranMs}\n  failures:\n`);
      for (const failure of failures) write(yamlItem(failure));
      write('  ...\n');
    },
    problem(file, problem) {
      point(false, `${file}: can be read`);
      write(`  ---\n  failures:\n${yamlItem(problem)}  ...\n`);
    },
    end() {
      write(count === 0 ? 'TAP version 14\n1..0\n' : `1..${count}\n`);
    },
  };
}

/** For people. */
export function textReporter(write: (text: string) => void): TestReporter {
  let lastFile: string | undefined;
  const under = (file: string): void => {
    if (file !== lastFile) write(`${file}\n`);
    lastFile = file;
  };
  const tell = (error: SluiceError): void => {
    write(`    ${errorText(toErrorData(error)).replaceAll('\n', '\n    ')}\n`);
  };
  return {
    test(file, { name, passed, failures }) {
      under(file);
      write(`  ${passed ? 'ok' : 'FAILED'}  ${name}\n`);
      failures.forEach(tell);
    },
    problem(file, problem) {
      under(file);
      tell(problem);
    },
    end(results) {
      const tests = results.flatMap((result) => result.tests);
      const passed = tests.filter((test) => test.passed).length;
      const bad = results.filter(({ problems }) => problems.length > 0).length;
      const unread = bad > 0 ? `, ${bad} ${bad === 1 ? 'file' : 'files'} that cannot be read` : '';
      write(`${passed} passed, ${tests.length - passed} failed${unread}\n`);
    },
  };
}

/** JSON is YAML: texts are quoted whatever is in them. */
function yamlItem(error: SluiceError): string {
  const fields = Object.entries(toErrorData(error)).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  return fields.map((field, i) => `    ${i === 0 ? '- ' : '  '}${field}\n`).join('');
}
