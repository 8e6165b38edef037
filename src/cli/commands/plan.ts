import { explainData, explainText } from '../../graph/explain.js';
import type { Command } from '../command.js';
import { EXIT_CODES } from '../exit-codes.js';
import { loadPlan } from '../load-plan.js';
import { LINE_OPTION, graphChoice } from '../read-graph.js';
import { NODES_OPTION, readNodes } from '../read-nodes.js';
import { showErrors } from '../show-error.js';

export const planCommand: Command = {
  name: 'plan',
  summary: 'Plans a pipeline: formats, converters (+), push and pull, queues, latency. Touches no device.',
  positionals: '[file]',
  options: { line: LINE_OPTION, ...NODES_OPTION },
  example: 'sluice plan pipelines/play.yaml',
  async run(args, io) {
    const json = args.flag('json');
    const { plan, problems } = await loadPlan(graphChoice(args, planCommand), io.env, await readNodes(args));
    if (!plan) return showErrors(problems, io, json);
    io.stdout.write(json ? `${JSON.stringify(explainData(plan))}\n` : explainText(plan));
    return EXIT_CODES.ok;
  },
};
