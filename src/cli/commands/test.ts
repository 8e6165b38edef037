import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Registry } from '../../graph/registry.js';
import { SluiceError, toErrorData } from '../../media/errors.js';
import { allNodes } from '../../pipeline.js';
import { isTestFile } from '../../unit-test/load-tests.js';
import { runTestFile, type TestFileResult } from '../../unit-test/run-test-file.js';
import { usage } from '../arguments.js';
import type { CliIo, Command } from '../command.js';
import { EXIT_CODES } from '../exit-codes.js';
import { junitReport } from '../junit-report.js';
import { NODES_OPTION, readNodes } from '../read-nodes.js';
import { tapReporter, textReporter, type TestReporter } from '../test-reporter.js';
import { writeTextFile } from '../write-file.js';

export const testCommand: Command = {
  name: 'test',
  summary: 'Runs tests of pipelines (x.test.yaml beside x.yaml) on a virtual clock, without a server.',
  positionals: '[file…]',
  options: {
    ...NODES_OPTION,
    only: { type: 'string', value: 'name', description: 'Run the test of this name only.' },
    junit: { type: 'string', value: 'file', description: 'Write a JUnit report as well.' },
    tap: { type: 'boolean', description: 'Print TAP, as is done where standard output is no terminal.' },
  },
  example: 'sluice test pipelines',
  async run(args, io) {
    const files = await testFiles(args.positionals);
    if (files.length === 0) throw usage('there are no tests here (*.test.yaml)', testCommand);
    const reporter = reporterFor(io, args.flag('json') ? 'json' : args.flag('tap') ? 'tap' : 'auto');
    const only = args.text('only');
    const registry = await allNodes(await readNodes(args));
    const results = await runFiles(files, { registry, only, reporter });
    reporter.end(results);
    const junit = args.text('junit');
    if (junit !== undefined) await writeTextFile(junit, junitReport(results));
    if (args.flag('json')) io.stdout.write(`${JSON.stringify({ files: results.map(plainResult) })}\n`);
    return exitCodeFor(results, only);
  },
};

/** What was named: files as they are, and the tests in folders; without a name those in `pipelines`, or here. */
async function testFiles(named: readonly string[]): Promise<string[]> {
  if (named.length > 0) return (await Promise.all(named.map(filesIn))).flat();
  const shipped = await filesIn('pipelines').catch(() => []);
  return shipped.length > 0 ? shipped : await filesIn('.');
}

async function filesIn(path: string): Promise<string[]> {
  try {
    const names = await readdir(path);
    return names
      .filter(isTestFile)
      .sort()
      .map((name) => join(path, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return [path];
    throw new SluiceError('SLUICE_FILE_NOT_FOUND', `cannot read ${path}`, {
      cause: error,
      place: { file: path },
      found: 'nothing that can be read',
      expected: 'a file of tests, or a folder of them',
      mend: 'Check the path; it starts from the current folder.',
    });
  }
}

async function runFiles(
  files: readonly string[],
  options: { readonly registry: Registry; readonly only: string | undefined; readonly reporter: TestReporter },
): Promise<TestFileResult[]> {
  const { registry, only, reporter } = options;
  const results: TestFileResult[] = [];
  for (const file of files) {
    const result = await runTestFile(file, {
      registry,
      only,
      onResult: (test) => {
        reporter.test(file, test);
      },
    });
    for (const problem of result.problems) reporter.problem(file, problem);
    results.push(result);
  }
  return results;
}

function reporterFor(io: CliIo, format: 'json' | 'tap' | 'auto'): TestReporter {
  const write = (text: string): void => {
    if (format !== 'json') io.stdout.write(text);
  };
  return format === 'auto' && io.stdout.isTTY === true ? textReporter(write) : tapReporter(write);
}

function plainResult({ file, problems, tests }: TestFileResult): object {
  return {
    file,
    problems: problems.map((problem) => toErrorData(problem)),
    tests: tests.map(({ failures, ...test }) => ({
      ...test,
      failures: failures.map((failure) => toErrorData(failure)),
    })),
  };
}

function exitCodeFor(results: readonly TestFileResult[], only: string | undefined): number {
  if (results.some(({ problems }) => problems.length > 0)) return EXIT_CODES.badConfiguration;
  const tests = results.flatMap((result) => result.tests);
  if (tests.length === 0) throw usage(`there is no test "${only ?? ''}"`, testCommand);
  return tests.every(({ passed }) => passed) ? EXIT_CODES.ok : EXIT_CODES.failed;
}
