import { SluiceError } from '../../media/errors.js';
import { groupBy } from '../order.js';
import type { PlannedLink, PlannedNode } from '../planned.js';

/** Media on its way from an output to an input. */
interface Way {
  /** Link that it comes in by. */
  readonly last: PlannedLink;
  /** Most media that must have come in before the first comes out, in ms. */
  readonly lagMs: number;
  /** Least media that fits in, in ms: what is held back inside, and what queues and inputs may hold. */
  readonly roomMs: number;
}

/**
 * Finds diamonds that stand still for ever. An output is read by two ways that meet again in a node that takes from one
 * only as far as the other has come: when one way needs more media before it gives any than the other can hold, the
 * output is held back by the one and never reaches the other. SLUICE_LINK_DEADLOCK. Pure.
 */
export function checkDiamonds(
  nodes: readonly PlannedNode[],
  links: readonly PlannedLink[],
  problems: SluiceError[],
): void {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const into = groupBy(links, (link) => link.to.node);
  for (const join of nodes) {
    if (!waits(join)) continue;
    const slowest = new Map<string, Way>();
    const tightest = new Map<string, Way>();
    for (const last of into.get(join.id) ?? []) {
      for (const [output, way] of waysTo(
        last,
        takesAtOnce(join, last) ? Infinity : bufferOf(join, last),
        nodes,
        into,
        byId,
      )) {
        for (const [one, other] of [
          [way, tightest.get(output)],
          [slowest.get(output), way],
        ] as const) {
          if (one && other && one.last !== other.last && one.lagMs > other.roomMs) {
            problems.push(deadlock(output, join, one, other));
            return;
          }
        }
        if (way.lagMs > (slowest.get(output)?.lagMs ?? -1)) slowest.set(output, way);
        if (way.roomMs < (tightest.get(output)?.roomMs ?? Infinity)) tightest.set(output, way);
      }
    }
  }
}

function waits({ def, options }: PlannedNode): boolean {
  return typeof def.waitsForAll === 'function' ? def.waitsForAll(options) : def.waitsForAll === true;
}

/** The ways that end with one link, by the output that they start from: most lag and least room over all of them. */
function waysTo(
  last: PlannedLink,
  bufferMs: number,
  nodes: readonly PlannedNode[],
  into: ReadonlyMap<string, readonly PlannedLink[]>,
  byId: ReadonlyMap<string, PlannedNode>,
): ReadonlyMap<string, Way> {
  const ways = new Map<string, Way>();
  const behind = new Map<string, Way>();
  const note = (map: Map<string, Way>, key: string, lagMs: number, roomMs: number): void => {
    const known = map.get(key);
    map.set(key, {
      last,
      lagMs: Math.max(lagMs, known?.lagMs ?? 0),
      roomMs: Math.min(roomMs, known?.roomMs ?? Infinity),
    });
  };
  const enter = (link: PlannedLink, lagMs: number, roomMs: number): void => {
    const withQueue = roomMs + roomOf(link);
    note(ways, `${link.from.node}.${link.from.output}`, lagMs, withQueue);
    const node = byId.get(link.from.node);
    if (node) note(behind, node.id, lagMs + node.latency.minMs, withQueue + node.latency.minMs);
  };
  enter(last, 0, bufferMs);
  for (let index = nodes.length - 1; index >= 0; index--) {
    const node = nodes[index];
    const way = node && behind.get(node.id);
    if (node && way)
      for (const link of into.get(node.id) ?? []) enter(link, way.lagMs, way.roomMs + bufferOf(node, link));
  }
  return ways;
}

/** Live media that an input does not hold back. */
function takesAtOnce({ inputs }: PlannedNode, { to, flow, queue }: PlannedLink): boolean {
  return flow === 'push' && !queue && inputs.find((port) => port.name === to.input)?.flow === undefined;
}

/** What an input holds before it holds back. */
function bufferOf({ inputs }: PlannedNode, { to }: PlannedLink): number {
  return inputs.find((port) => port.name === to.input)?.bufferMs ?? 0;
}

/** A queue that drops never holds anybody back. */
function roomOf({ queue }: PlannedLink): number {
  if (!queue) return 0;
  return queue.overflow === 'block' ? queue.maxMs : Infinity;
}

function deadlock(output: string, join: PlannedNode, slow: Way, tight: Way): SluiceError {
  const { queue } = tight.last;
  const needMs = Math.ceil(slow.lagMs - tight.roomMs + (queue?.maxMs ?? 0));
  return new SluiceError(
    'SLUICE_LINK_DEADLOCK',
    `"${join.id}" would wait for ever: "${slow.last.from.node}" needs ${slow.lagMs} ms of "${output}" before it gives any, and "${tight.last.from.node}" can hold ${tight.roomMs} ms`,
    {
      place: tight.last.place,
      found: `room for ${tight.roomMs} ms`,
      expected: `room for at least ${slow.lagMs} ms`,
      mend: `Give "${join.id}" \`queue: { maxMs: ${needMs + 100}, overflow: block }\`, or delay both ways alike.`,
    },
  );
}
