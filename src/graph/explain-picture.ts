import { formats } from './explain.js';
import type { Plan, PlannedLink, PlannedNode } from './planned.js';

/** A plan in the language of Graphviz; what the planner has put in is dashed. Pure. */
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
    const label = [formats(link), ...queueText(link)].join('\\n');
    lines.push(`  ${quote(link.from.node)} -> ${quote(link.to.node)} [label=${quote(label)}];`);
  }
  return `${[...lines, '}'].join('\n')}\n`;
}

/** A plan as a Mermaid flow chart; what the planner has put in is dashed. Pure. */
export function explainMermaid(plan: Plan): string {
  const lines = ['flowchart LR'];
  const names = new Map(plan.nodes.map((node, index) => [node.id, `n${index}`]));
  const nameOf = (id: string): string => names.get(id) ?? '';
  const inBranches = new Set(plan.branches.flatMap((branch) => branch.nodes));
  const box = (node: PlannedNode): string =>
    `${nameOf(node.id)}["${node.id}<br/>${node.def.type}"]${node.inserted ? ':::inserted' : ''}`;
  for (const node of plan.nodes) if (!inBranches.has(node.id)) lines.push(`  ${box(node)}`);
  plan.branches.forEach((branch, index) => {
    lines.push(`  subgraph b${index} ["each stream"]`);
    for (const node of plan.nodes) if (branch.nodes.includes(node.id)) lines.push(`    ${box(node)}`);
    lines.push('  end');
  });
  for (const link of plan.links) {
    const label = [formats(link), ...queueText(link)].join('<br/>');
    lines.push(`  ${nameOf(link.from.node)} -- "${label}" --> ${nameOf(link.to.node)}`);
  }
  if (plan.nodes.some((node) => node.inserted)) lines.push('  classDef inserted stroke-dasharray: 4 4');
  return `${lines.join('\n')}\n`;
}

function queueText({ queue }: PlannedLink): string[] {
  return queue ? [`queue ${queue.maxMs} ms ${queue.overflow}`] : [];
}

function dotNode(node: PlannedNode): string {
  const label = quote(`${node.id}\\n${node.def.type}`);
  return `${quote(node.id)} [label=${label}${node.inserted ? ', style=dashed' : ''}];`;
}

/** A text in quotes; `\n` in it is a line break of the label. */
function quote(text: string): string {
  return `"${text.replaceAll('"', '\\"')}"`;
}
