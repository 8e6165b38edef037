import type { FormatPattern } from '../media/format.js';
import type { ConversionSearch } from './conversion-search.js';
import { groupBy } from './order.js';
import type { Pair } from './pairing.js';
import { adaptedTo, inputPorts, outputPorts, type TypedNode } from './typed-node.js';

type InputFormats = ReadonlyMap<string, readonly FormatPattern[]>;

/**
 * Settles the options that the graph leaves open, so that as few and as cheap converters as possible are needed:
 * downstream suggests, upstream decides. Goes from sinks to sources; each node with open options looks at what it would
 * cost to leave them as they are, to give what one of its readers wants, and to take what one of its sources gives. Of
 * equals the first counts: what need not be changed is left. Pure.
 */
export class Negotiation {
  readonly #nodes: Map<string, TypedNode>;
  readonly #search: ConversionSearch;
  readonly #inputFormats: ReadonlyMap<string, InputFormats>;
  readonly #into: ReadonlyMap<string, readonly Pair[]>;
  readonly #outOf: ReadonlyMap<string, readonly Pair[]>;
  /** What is wanted and what it costs below a node stands fast: what is downstream has been settled. */
  readonly #wishes = new Map<Pair, readonly FormatPattern[]>();
  readonly #below = new Map<string, number>();

  constructor(
    nodes: ReadonlyMap<string, TypedNode>,
    pairs: readonly Pair[],
    inputFormats: ReadonlyMap<string, InputFormats>,
    search: ConversionSearch,
  ) {
    this.#nodes = new Map(nodes);
    this.#search = search;
    this.#inputFormats = inputFormats;
    this.#into = groupBy(pairs, (pair) => pair.to);
    this.#outOf = groupBy(pairs, (pair) => pair.from);
  }

  /** All nodes, with their options settled. `order`: upstream first. */
  settle(order: readonly string[]): ReadonlyMap<string, TypedNode> {
    for (const id of [...order].reverse()) {
      const node = this.#nodes.get(id);
      if (node?.def.adapts) this.#nodes.set(id, this.#best(node));
    }
    return this.#nodes;
  }

  #best(node: TypedNode): TypedNode {
    let best = node;
    let least = Infinity;
    for (const candidate of this.#candidates(node)) {
      const cost = this.#downstreamCost(candidate) + this.#upstreamCost(candidate);
      if (cost < least) [best, least] = [candidate, cost];
    }
    return best;
  }

  *#candidates(node: TypedNode): Generator<TypedNode> {
    yield node;
    const suggested = [
      ...(this.#outOf.get(node.id) ?? []).flatMap((pair) => this.#wanted(pair)),
      ...[...(this.#inputFormats.get(node.id)?.values() ?? [])].flat(),
      ...(this.#into.get(node.id) ?? []).flatMap((pair) => this.#given(pair)),
    ];
    const seen = new Set<string>();
    for (const format of suggested) {
      const adapted = adaptedTo(node, format);
      const key = adapted && JSON.stringify(adapted.options);
      if (!adapted || key === undefined || seen.has(key)) continue;
      seen.add(key);
      yield adapted;
    }
  }

  /** What a reader takes; and, where it hands formats on, what its own readers take. */
  #wanted(pair: Pair): readonly FormatPattern[] {
    const known = this.#wishes.get(pair);
    if (known) return known;
    const reader = this.#nodes.get(pair.to);
    const wishes = new Map<string, FormatPattern>();
    if (reader) {
      const own = inputPorts(reader).find((port) => port.name === pair.input)?.formats ?? [];
      const beyond = (this.#outOf.get(reader.id) ?? []).flatMap((next) => this.#wanted(next));
      const handed = beyond.filter((format) => this.#handsOn(reader, pair.input, format));
      for (const format of [...own, ...handed]) wishes.set(JSON.stringify(format), format);
    }
    const wanted = [...wishes.values()];
    this.#wishes.set(pair, wanted);
    return wanted;
  }

  /** What the node in front gives as things stand. */
  #given(pair: Pair): readonly FormatPattern[] {
    const source = this.#nodes.get(pair.from);
    return source ? this.#formatsOf(source, pair.output) : [];
  }

  #formatsOf(node: TypedNode, output: string, inputs = this.#inputFormats.get(node.id)): readonly FormatPattern[] {
    return outputPorts(node, inputs).find((port) => port.name === output)?.formats ?? [];
  }

  #handsOn(node: TypedNode, input: string, format: FormatPattern): boolean {
    return outputPorts(node, new Map([[input, [format]]])).some((port) => port.formats.some((one) => one === format));
  }

  #downstreamCost(node: TypedNode, inputs = this.#inputFormats.get(node.id)): number {
    let cost = 0;
    for (const pair of this.#outOf.get(node.id) ?? [])
      cost += this.#costBelow(this.#formatsOf(node, pair.output, inputs), pair);
    return cost;
  }

  #costBelow(given: readonly FormatPattern[], pair: Pair): number {
    const key = `${pair.to} ${pair.input} ${JSON.stringify(given)}`;
    const known = this.#below.get(key);
    if (known !== undefined) return known;
    const reader = this.#nodes.get(pair.to);
    const wanted = reader && inputPorts(reader).find((port) => port.name === pair.input)?.formats;
    const route = wanted && this.#search.find(given, wanted);
    const inputs = new Map(this.#inputFormats.get(pair.to)).set(pair.input, route ? [route.format] : []);
    const cost = reader && route ? route.cost + this.#downstreamCost(reader, inputs) : Infinity;
    this.#below.set(key, cost);
    return cost;
  }

  #upstreamCost(node: TypedNode): number {
    const inputs = inputPorts(node);
    let cost = 0;
    for (const pair of this.#into.get(node.id) ?? []) {
      cost += this.#costAbove(pair, inputs.find((port) => port.name === pair.input)?.formats ?? []);
    }
    return cost;
  }

  /** What it costs to get one of these formats over a link, whose source may still have options open. */
  #costAbove(pair: Pair, wanted: readonly FormatPattern[]): number {
    const source = this.#nodes.get(pair.from);
    if (!source) return 0;
    const cost = this.#search.find(this.#formatsOf(source, pair.output), wanted)?.cost ?? Infinity;
    if (cost === 0) return 0;
    for (const format of wanted) {
      const adapted = adaptedTo(source, format);
      if (adapted && this.#search.find(this.#formatsOf(adapted, pair.output), wanted)?.cost === 0) return 0;
    }
    return Math.min(cost, this.#costHandedOn(source, wanted));
  }

  /** The same, where the source hands on what its own sources give. */
  #costHandedOn(source: TypedNode, wanted: readonly FormatPattern[]): number {
    const into = this.#into.get(source.id) ?? [];
    const handed = wanted.filter(
      (format) => into.length > 0 && into.every((pair) => this.#handsOn(source, pair.input, format)),
    );
    return handed.length === 0 ? Infinity : into.reduce((cost, pair) => cost + this.#costAbove(pair, handed), 0);
  }
}
