import { describeFormat } from '../media/format.js';
import type { NodeLatency } from '../media/node.js';
import { publicUrl } from '../media/public-url.js';
import { planHash } from './plan-hash.js';
import type { PathLatency, Plan, PlannedLink, PlannedNode } from './planned.js';

/** A plan as text for people: nodes in the order of flow, and what goes over each link. Never holds a secret. Pure. */
export function explainText(plan: Plan): string {
  const lines: string[] = [];
  if (plan.description !== undefined) lines.push(plan.description, '');
  for (const { id, config } of plan.sessions) {
    lines.push(
      `session ${id}: ${config.sessionId ?? 'as its token says'} at ${publicUrl(config.url ?? 'embedded')}, as "${config.name}"`,
    );
  }
  if (plan.sessions.length > 0) lines.push('');
  for (const node of plan.nodes) {
    lines.push(`${node.inserted ? '+ ' : ''}${node.id} (${node.def.type})${notes(plan, node)}`);
    for (const link of plan.links.filter((one) => one.from.node === node.id)) {
      lines.push(`  ${link.from.output} -> ${link.to.node}.${link.to.input}: ${formats(link)}; ${flow(link)}`);
    }
  }
  return `${[...lines, ...latencyLines(plan)].join('\n')}\n`;
}

/** A plan as plain data, without options that the graph wrote and without secrets. Pure. */
export function explainData(plan: Plan): object {
  return {
    ...(plan.description !== undefined && { description: plan.description }),
    hash: planHash(plan),
    live: plan.live,
    strict: plan.strict,
    sessions: plan.sessions.map(({ id, config }) => ({
      id,
      url: publicUrl(config.url ?? 'embedded'),
      sessionId: config.sessionId ?? null,
      name: config.name,
    })),
    nodes: plan.nodes.map(({ id, def, inserted, adapted, options, latency, onError, place }) => ({
      id,
      type: def.type,
      inserted,
      // Those of converters are the planner's own.
      ...(inserted && { options }),
      adapted,
      latency,
      onError,
      place,
    })),
    links: plan.links.map(({ name, from, to, formats: carried, flow: mode, queue }) => ({
      name,
      from,
      to,
      formats: carried,
      flow: mode,
      queue: queue ?? null,
    })),
    branches: plan.branches,
    fused: plan.fused,
    latencies: plan.latencies,
  };
}

/** What can be said of a node in a few words. Pure. */
function notes(plan: Plan, node: PlannedNode): string {
  const texts: string[] = [];
  const branch = plan.branches.find((one) => one.nodes.includes(node.id));
  if (branch)
    texts.push(branch.source === node.id ? 'makes a branch for each stream' : `in each branch of ${branch.source}`);
  const run = plan.fused.find((one) => one.includes(node.id));
  if (run) texts.push(`one stream: ${run.join(' + ')}`);
  if (node.inserted) texts.push(settings(node.options));
  else if (Object.keys(node.adapted).length > 0) texts.push(`${settings(node.adapted)} for its neighbours`);
  const usual = branch ? 'end-branch' : 'fail';
  if (node.onError.action !== usual) texts.push(`on error ${node.onError.action}`);
  if (node.latency.live === true) texts.push('live');
  if (node.latency.maxMs > 0) texts.push(span(node.latency));
  return texts.length === 0 ? '' : ` [${texts.join('; ')}]`;
}

function settings(options: unknown): string {
  return Object.entries(options as object)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ');
}

/** What goes over a link. Pure. */
export function formats(link: PlannedLink): string {
  return link.formats.map(describeFormat).join(' or ');
}

function flow({ flow: mode, queue }: PlannedLink): string {
  return queue ? `${mode}, queue ${queue.maxMs} ms ${queue.overflow}` : mode;
}

/** For each sink, the slowest way to it. */
function latencyLines({ latencies }: Plan): string[] {
  const slowest = new Map<string, PathLatency>();
  for (const one of latencies) if (one.maxMs > (slowest.get(one.sink)?.maxMs ?? -1)) slowest.set(one.sink, one);
  const lines = [...slowest.values()].map(
    (one) => `latency of ${one.sink}: ${span(one)}${one.live ? ', live' : ''}, from ${one.source}`,
  );
  return lines.length === 0 ? [] : ['', ...lines];
}

function span({ minMs, maxMs }: NodeLatency): string {
  return minMs === maxMs ? `${maxMs} ms` : `${minMs} to ${maxMs} ms`;
}
