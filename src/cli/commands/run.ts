import type { Command } from '../command.js';
import { loadPlan } from '../load-plan.js';
import { NODES_OPTION, readNodes } from '../read-nodes.js';
import { RUN_OPTIONS, runChoices } from '../run-options.js';
import { runToEnd } from '../run-to-end.js';
import { showErrors } from '../show-error.js';

export const runCommand: Command = {
  name: 'run',
  summary: 'Runs a pipeline until it ends or is stopped (Ctrl-C lets out what is on its way, twice ends at once).',
  positionals: '<file>',
  options: { ...RUN_OPTIONS, ...NODES_OPTION },
  example: 'sluice run pipelines/echo.yaml',
  async run(args, io) {
    const choices = runChoices(args, runCommand);
    const { plan, problems } = await loadPlan({ file: args.positionals[0] ?? '' }, io.env, await readNodes(args));
    return plan ? await runToEnd(plan, choices, io) : showErrors(problems, io, choices.json);
  },
};
