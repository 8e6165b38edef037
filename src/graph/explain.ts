import { describeFormat } from '../media/format.js';
import type { Plan, PlannedLink, PlannedNode } from './planned.js';

/** A plan as text for people: nodes in the order of flow, and what goes over each link. Never holds a secret. Pure. */
export function explainText(plan: Plan): string {
  const lines: string[] = [];
  if (plan.description !== undefined) lines.push(plan.description, '');
  for (const { id, config } of plan.sessions) {
    lines.push(
      `session ${id}: ${config.sessionId ?? 'as its token says'} at ${safeUrl(config.url)}, as "${config.name}"`,
    );
  }
  if (plan.sessions.length > 0) lines.push('');
  for (const node of plan.nodes) {
    lines.push(`${node.id} (${node.def.type})${notes(plan, node)}`);
    for (const link of plan.links.filter((one) => one.from.node === node.id)) {
      lines.push(`  ${link.from.output} -> ${link.to.node}.${link.to.input}: ${formats(link)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

/** A plan in the language of Graphviz. Pure. */
export function explainDot(plan: Plan): string {
  const lines = [
    'digraph pipeline {',
    '  rankdir=LR;',
    '  node [shape=box, fontname="sans-serif"];',
    '  edge [fontname="sans-serif"];',
  ];
  const inBranches = new Set(plan.branches.flatMap((branch) => branch.nodes));
  for (const node of plan.nodes) if (!inBranches.has(node.id)) lines.push(`  ${dotNode(node)}`);
  for (const branch of plan.branches) {
    lines.push(`  subgraph ${quote(`cluster_${branch.source}`)} {`, `    label="each stream"; style=dashed;`);
    for (const node of plan.nodes) if (branch.nodes.includes(node.id)) lines.push(`    ${dotNode(node)}`);
    lines.push('  }');
  }
  for (const link of plan.links) {
    lines.push(`  ${quote(link.from.node)} -> ${quote(link.to.node)} [label=${quote(formats(link))}];`);
  }
  return `${[...lines, '}'].join('\n')}\n`;
}

/** A plan as a Mermaid flow chart. Pure. */
export function explainMermaid(plan: Plan): string {
  const lines = ['flowchart LR'];
  const names = new Map(plan.nodes.map((node, index) => [node.id, `n${index}`]));
  const inBranches = new Set(plan.branches.flatMap((branch) => branch.nodes));
  const box = (node: PlannedNode): string => `${names.get(node.id) ?? ''}["${node.id}<br/>${node.def.type}"]`;
  for (const node of plan.nodes) if (!inBranches.has(node.id)) lines.push(`  ${box(node)}`);
  plan.branches.forEach((branch, index) => {
    lines.push(`  subgraph b${index} ["each stream"]`);
    for (const node of plan.nodes) if (branch.nodes.includes(node.id)) lines.push(`    ${box(node)}`);
    lines.push('  end');
  });
  for (const link of plan.links) {
    lines.push(`  ${names.get(link.from.node) ?? ''} -- "${formats(link)}" --> ${names.get(link.to.node) ?? ''}`);
  }
  return `${lines.join('\n')}\n`;
}

/** A plan as plain data, without options and secrets. Pure. */
export function explainData(plan: Plan): object {
  return {
    ...(plan.description !== undefined && { description: plan.description }),
    sessions: plan.sessions.map(({ id, config }) => ({
      id,
      url: safeUrl(config.url),
      sessionId: config.sessionId ?? null,
      name: config.name,
    })),
    nodes: plan.nodes.map((node) => ({ id: node.id, type: node.def.type, latencyMs: node.latencyMs })),
    links: plan.links.map(({ name, from, to, formats: carried }) => ({ name, from, to, formats: carried })),
    branches: plan.branches,
    fused: plan.fused,
  };
}

function notes(plan: Plan, node: PlannedNode): string {
  const texts: string[] = [];
  const branch = plan.branches.find((one) => one.nodes.includes(node.id));
  if (branch)
    texts.push(branch.source === node.id ? 'makes a branch for each stream' : `in each branch of ${branch.source}`);
  const run = plan.fused.find((one) => one.includes(node.id));
  if (run) texts.push(`one stream: ${run.join(' + ')}`);
  if (node.latencyMs > 0) texts.push(`up to ${node.latencyMs} ms`);
  return texts.length === 0 ? '' : ` [${texts.join('; ')}]`;
}

function formats(link: PlannedLink): string {
  return link.formats.map(describeFormat).join(' or ');
}

function dotNode(node: PlannedNode): string {
  return `${quote(node.id)} [label="${node.id}\\n${node.def.type}"];`;
}

function quote(text: string): string {
  return `"${text.replaceAll('"', '\\"')}"`;
}

/** An address without what may be secret in it: user, password, query. */
function safeUrl(url: string | undefined): string {
  if (url === undefined || url === 'embedded') return 'embedded';
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  return parsed
    ? `${parsed.protocol}//${parsed.host}${parsed.pathname === '/' ? '' : parsed.pathname}`
    : '(not an address)';
}
