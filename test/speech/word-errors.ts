/** Word error rate: the fewest words to put in, leave out or change, for each word that was meant. Pure. */
export function wordErrorRate(meant: readonly string[], heard: readonly string[]): number {
  let distances = Array.from({ length: heard.length + 1 }, (_, i) => i);
  for (const [i, word] of meant.entries()) {
    const next = [i + 1];
    for (const [j, other] of heard.entries()) {
      next.push(Math.min(distances[j + 1]! + 1, next[j]! + 1, distances[j]! + (word === other ? 0 : 1)));
    }
    distances = next;
  }
  return distances.at(-1)! / Math.max(1, meant.length);
}
