import type { Plan } from '../../graph/planned.js';
import type { Need } from '../../media/need.js';
import type { CliIo, Command } from '../command.js';
import { checkMachine } from '../doctor/check-machine.js';
import { checkNeed } from '../doctor/check-need.js';
import { checkSession } from '../doctor/check-session.js';
import type { Finding } from '../doctor/finding.js';
import { EXIT_CODES } from '../exit-codes.js';
import { loadPlan } from '../load-plan.js';
import { NODES_OPTION, readNodes } from '../read-nodes.js';
import { showErrors } from '../show-error.js';
import { textColumns } from '../text-columns.js';

/** A finding, and which nodes asked for it. */
type Told = Finding & { readonly nodes: readonly string[] };

export const doctorCommand: Command = {
  name: 'doctor',
  summary:
    'Looks for everything that a pipeline needs outside of itself: files, programs, packages, servers, tokens, models.',
  positionals: '[file]',
  options: NODES_OPTION,
  example: 'sluice doctor pipelines/transcribe.yaml',
  async run(args, io) {
    const json = args.flag('json');
    const file = args.positionals[0];
    const told = (await checkMachine()).map((finding): Told => ({ ...finding, nodes: [] }));
    if (file !== undefined) {
      const { plan, problems } = await loadPlan({ file }, io.env, await readNodes(args));
      if (!plan) return showErrors(problems, io, json);
      told.push(...(await checkPlan(plan, io)));
    }
    const ok = told.every((one) => one.ok);
    io.stdout.write(json ? `${JSON.stringify({ ok, findings: told })}\n` : report(told));
    return ok ? EXIT_CODES.ok : EXIT_CODES.failed;
  },
};

async function checkPlan(plan: Plan, io: CliIo): Promise<Told[]> {
  const needs = new Map<string, { readonly need: Need; readonly nodes: string[] }>();
  for (const { id, def, options } of plan.nodes) {
    for (const need of def.needs?.(options, plan.baseDir) ?? []) {
      // What several nodes need is looked for once.
      const key = JSON.stringify(need);
      const known = needs.get(key);
      if (known) known.nodes.push(id);
      else needs.set(key, { need, nodes: [id] });
    }
  }
  const sessions = plan.sessions.map(async (session): Promise<Told> => ({
    ...(await checkSession(session, io.env)),
    nodes: [],
  }));
  const found = [...needs.values()].map(async ({ need, nodes }): Promise<Told> => ({
    ...(await checkNeed(need, io.env)),
    nodes,
  }));
  return await Promise.all([...sessions, ...found]);
}

function report(told: readonly Told[]): string {
  const rows = told.map(({ what, ok, found, nodes }) => [
    ok ? 'ok' : 'wrong',
    what,
    found,
    nodes.length === 0 ? '' : `for ${nodes.join(', ')}`,
  ]);
  const lines = textColumns(rows, new Set()).flatMap((line, i) => {
    const mend = told[i]?.mend;
    return mend === undefined ? [line] : [line, `       ${mend}`];
  });
  return `${lines.join('\n')}\n`;
}
