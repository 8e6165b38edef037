import type { Command } from '../command.js';
import { loadPlan } from '../load-plan.js';
import { SESSION_OPTIONS, sessionOf } from '../read-graph.js';
import { NODES_OPTION, readNodes } from '../read-nodes.js';
import { RUN_OPTIONS, runChoices } from '../run-options.js';
import { runToEnd } from '../run-to-end.js';
import { showErrors } from '../show-error.js';

export const launchCommand: Command = {
  name: 'launch',
  summary: 'Runs a pipeline that is written in one line.',
  positionals: '<line…>',
  options: { ...SESSION_OPTIONS, ...RUN_OPTIONS, ...NODES_OPTION },
  example: "sluice launch 'file path=a.mp3 ! resampler sampleRate=16000 ! wav path=b.wav'",
  async run(args, io) {
    const choices = runChoices(args, launchCommand);
    const line = args.positionals.join(' ');
    const { plan, problems } = await loadPlan({ line, session: sessionOf(args) }, io.env, await readNodes(args));
    return plan ? await runToEnd(plan, choices, io) : showErrors(problems, io, choices.json);
  },
};
