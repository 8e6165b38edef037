/** One track that competes for what a connection bears. */
export interface AllocationRequest {
  /** What each way to send it costs in bit/s, cheapest first: each is a step up from the one before. Empty: nothing is to be sent. */
  readonly costs: readonly number[];
  /** The way in use; -1 while nothing is sent. */
  readonly current: number;
  /** The higher first where not all can be had. */
  readonly priority: number;
}

/**
 * Divides what a connection bears among its tracks: each gets its cheapest way first, the most important and the cheapest
 * before the others, then all go up by steps, whoever has the fewest of them next. Steps above the way in use count `headroom`
 * times what they cost. The result is an index of `costs` for each track, -1 where there is no room for the cheapest.
 */
export function allocate(budgetBps: number, requests: readonly AllocationRequest[], headroom = 1): number[] {
  const chosen = requests.map(() => -1);
  let leftBps = budgetBps;
  const take = (index: number): boolean => {
    const request = requests[index]!;
    const next = chosen[index]! + 1;
    const extraBps = weighted(request, next, headroom) - weighted(request, next - 1, headroom);
    if (next >= request.costs.length || extraBps > leftBps) return false;
    leftBps -= extraBps;
    chosen[index] = next;
    return true;
  };
  for (const index of inOrder(requests)) take(index);
  const rising = new Set(requests.keys());
  while (rising.size > 0) {
    let next = -1;
    for (const index of rising) {
      if (next === -1 || comesBefore(index, next, chosen, requests)) next = index;
    }
    if (chosen[next] === -1 || !take(next)) rising.delete(next);
  }
  return chosen;
}

/** Sum of what is chosen, in bit/s. */
export function costOf(requests: readonly AllocationRequest[], chosen: readonly number[]): number {
  return requests.reduce((sum, { costs }, index) => sum + (costs[chosen[index]!] ?? 0), 0);
}

function weighted({ costs, current }: AllocationRequest, option: number, headroom: number): number {
  const cost = costs[option] ?? 0;
  return option > current ? cost * headroom : cost;
}

function inOrder(requests: readonly AllocationRequest[]): number[] {
  const first = ({ costs }: AllocationRequest): number => costs[0] ?? Infinity;
  return [...requests.keys()].sort((a, b) => {
    const [one, other] = [requests[a]!, requests[b]!];
    return other.priority - one.priority || first(one) - first(other) || a - b;
  });
}

function comesBefore(a: number, b: number, chosen: readonly number[], requests: readonly AllocationRequest[]): boolean {
  const [one, other] = [requests[a]!, requests[b]!];
  if (one.priority !== other.priority) return one.priority > other.priority;
  return chosen[a]! < chosen[b]!;
}
