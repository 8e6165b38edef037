import type { Flow, PortDef } from '../media/node.js';
import type { FormattedLink, FormattedNode } from './insertion.js';
import { groupBy } from './order.js';
import type { PlannedLink } from './planned.js';
import type { QueueConfig } from './schema.js';

/** How much live media may wait for a reader, in ms, where neither the graph nor the reader says. */
const QUEUE_MS = 500;

/**
 * Settles for every link whether media comes in by the clock (push) or as it is asked for (pull), and puts a queue
 * where live media meets a reader that may wait, and where the graph asks for one. What is behind a queue is pulled.
 * `nodes`: upstream first. `queues`: what the graph asks for, by node. Pure.
 */
export function planFlow(
  nodes: readonly FormattedNode[],
  links: readonly FormattedLink[],
  queues: ReadonlyMap<string, QueueConfig>,
): PlannedLink[] {
  const into = groupBy(links, (link) => link.to.node);
  const gives = new Map<string, Flow>();
  const planned: PlannedLink[] = [];
  for (const node of nodes) {
    let isPushed = false;
    for (const link of into.get(node.id) ?? []) {
      const flow = gives.get(link.from.node) ?? 'pull';
      const port = node.inputs.find((one) => one.name === link.to.input);
      const takes = port && paceOf(port, node);
      const queue = queues.get(node.id) ?? (flow === 'push' && takes === 'pull' ? usual(port) : undefined);
      if (flow === 'push' && !takes && !queue) isPushed = true;
      planned.push({ ...link, flow, ...(queue && { queue }) });
    }
    gives.set(node.id, node.latency.live === true || isPushed ? 'push' : 'pull');
  }
  return planned;
}

/** How an input takes media; undefined where it hands on the pace of who reads the node. */
function paceOf(port: PortDef, node: FormattedNode): Flow | undefined {
  return port.flow ?? (node.outputs.length === 0 ? 'pull' : undefined);
}

function usual(port: PortDef | undefined): QueueConfig {
  return { maxMs: port?.queueMs ?? QUEUE_MS, overflow: 'drop-oldest' };
}
