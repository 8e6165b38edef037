import { explainDot } from '../graph/explain-picture.js';
import type { Plan } from '../graph/planned.js';

/** A plan as a picture, laid out by Graphviz, which is loaded for it. */
export async function explainSvg(plan: Plan): Promise<string> {
  const { Graphviz } = await import('@hpcc-js/wasm-graphviz');
  const graphviz = await Graphviz.load();
  return graphviz.layout(explainDot(plan), 'svg', 'dot');
}
