import { explainData, explainText } from '../../graph/explain.js';
import { explainDot, explainMermaid } from '../../graph/explain-picture.js';
import type { Plan } from '../../graph/planned.js';
import { usage } from '../arguments.js';
import type { Command } from '../command.js';
import { EXIT_CODES } from '../exit-codes.js';
import { loadPlan } from '../load-plan.js';
import { LINE_OPTION, graphChoice } from '../read-graph.js';
import { NODES_OPTION, readNodes } from '../read-nodes.js';
import { showErrors } from '../show-error.js';
import { explainSvg } from '../svg.js';

const FORMATS: Readonly<Record<string, (plan: Plan) => string | Promise<string>>> = {
  text: explainText,
  dot: explainDot,
  mermaid: explainMermaid,
  svg: explainSvg,
};

export const graphCommand: Command = {
  name: 'graph',
  summary: 'Shows the nodes of a pipeline and what flows between them, converters included.',
  positionals: '[file]',
  options: {
    format: {
      type: 'string',
      value: Object.keys(FORMATS).join('|'),
      description: 'How to show it; text when left out.',
    },
    line: LINE_OPTION,
    ...NODES_OPTION,
  },
  example: 'sluice graph pipelines/echo.yaml --format mermaid',
  async run(args, io) {
    const format = args.text('format') ?? 'text';
    const explain = FORMATS[format];
    if (!explain) throw usage(`unknown format "${format}"; there are ${Object.keys(FORMATS).join(', ')}`, graphCommand);
    const { plan, problems } = await loadPlan(graphChoice(args, graphCommand), io.env, await readNodes(args));
    if (!plan) return showErrors(problems, io, args.flag('json'));
    io.stdout.write(args.flag('json') ? `${JSON.stringify(explainData(plan))}\n` : await explain(plan));
    return EXIT_CODES.ok;
  },
};
