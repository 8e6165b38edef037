import { toErrorData } from '../../media/errors.js';
import type { Command } from '../command.js';
import { EXIT_CODES } from '../exit-codes.js';
import { loadPlan } from '../load-plan.js';
import { NODES_OPTION, readNodes } from '../read-nodes.js';
import { errorText } from '../show-error.js';

export const validateCommand: Command = {
  name: 'validate',
  summary: 'Checks pipeline files without running them.',
  positionals: '<file…>',
  options: NODES_OPTION,
  example: 'sluice validate pipelines/*.yaml',
  async run(args, io) {
    const results: { file: string; valid: boolean; errors: object[] }[] = [];
    const nodes = await readNodes(args);
    for (const file of args.positionals) {
      const problems = await problemsOf({ file }, io.env, nodes);
      const errors = problems.map((problem) => toErrorData(problem));
      results.push({ file, valid: errors.length === 0, errors });
      if (args.flag('json')) continue;
      if (errors.length === 0) io.stdout.write(`${file}: ok\n`);
      for (const error of errors) io.stderr.write(`${errorText(error)}\n`);
    }
    if (args.flag('json')) io.stdout.write(`${JSON.stringify({ files: results })}\n`);
    return results.every((result) => result.valid) ? EXIT_CODES.ok : EXIT_CODES.badConfiguration;
  },
};

async function problemsOf(...what: Parameters<typeof loadPlan>): Promise<readonly unknown[]> {
  try {
    return (await loadPlan(...what)).problems;
  } catch (error) {
    return [error];
  }
}
