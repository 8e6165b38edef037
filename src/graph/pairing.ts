import type { SluiceError } from '../media/errors.js';
import type { FormatPattern } from '../media/format.js';
import type { PortDef } from '../media/node.js';
import { refuseDoubledInput, refuseDoubledLink } from './checks/doubled-inputs.js';
import { refuseFormats } from './checks/formats.js';
import { checkMissingInputs } from './checks/missing-inputs.js';
import { checkInputPort, checkOneOutput, checkOutputPort } from './checks/ports.js';
import { checkUnreadOutputs } from './checks/unread-outputs.js';
import type { ConversionRoute, ConversionSearch } from './conversion-search.js';
import { outputPorts, type TypedNode } from './typed-node.js';
import type { Wire } from './wire.js';

/** A link whose ports are settled. */
export interface Pair {
  readonly wire: Wire;
  readonly from: string;
  readonly output: string;
  readonly to: string;
  readonly input: string;
}

interface Candidate {
  readonly output: PortDef;
  readonly input: PortDef;
  readonly route: ConversionRoute;
}

/**
 * Settles which output and which input every link means: those it names, otherwise those whose formats fit, or can be
 * made to fit at the least cost. Pure.
 */
export class Pairing {
  readonly pairs: Pair[] = [];
  /** What flows into each node, by input, before open options are settled. */
  readonly inputFormats = new Map<string, Map<string, readonly FormatPattern[]>>();
  readonly #typed: ReadonlyMap<string, TypedNode>;
  readonly #search: ConversionSearch;
  readonly #problems: SluiceError[];
  /** Outputs of the nodes so far. */
  readonly #outputs = new Map<string, readonly PortDef[]>();
  readonly #read = new Map<string, Set<string>>();

  constructor(typed: ReadonlyMap<string, TypedNode>, search: ConversionSearch, problems: SluiceError[]) {
    this.#typed = typed;
    this.#search = search;
    this.#problems = problems;
  }

  /** Links one node to those before it, which have all been added. `wires`: the links into it. */
  add(node: TypedNode, wires: readonly Wire[]): void {
    const formats = new Map<string, readonly FormatPattern[]>();
    const taken = new Map<string, string>();
    const names = new Set<string>();
    const before = this.#problems.length;
    for (const wire of wires) {
      const found = this.#pair(node, wire, taken, names);
      if (!found) continue;
      const { output, input, route } = found;
      taken.set(input.name, wire.reference.text);
      names.add(`${wire.from}.${output.name} ${input.name}`);
      this.pairs.push({ wire, from: wire.from, output: output.name, to: node.id, input: input.name });
      this.#readOf(wire.from).add(output.name);
      formats.set(input.name, [...(formats.get(input.name) ?? []), route.format]);
    }
    // A link that failed has been told already; that its port is empty is no news.
    const complete = this.#problems.length === before && wires.length === node.loaded.from.length;
    if (complete && wires.every((wire) => this.#typed.has(wire.from))) {
      checkMissingInputs(node, new Set(taken.keys()), this.#problems);
    }
    this.inputFormats.set(node.id, formats);
    this.#outputs.set(node.id, outputPorts(node, formats));
  }

  /** Looks for outputs that nobody reads; to be called when all nodes have been added without a problem. */
  checkOutputs(): void {
    if (this.#problems.length > 0) return;
    for (const node of this.#typed.values()) checkUnreadOutputs(node, this.#readOf(node.id), this.#problems);
  }

  #pair(
    node: TypedNode,
    wire: Wire,
    taken: ReadonlyMap<string, string>,
    names: ReadonlySet<string>,
  ): Candidate | undefined {
    const source = this.#typed.get(wire.from);
    if (!source) return undefined;
    const outputs = checkOutputPort(source, this.#outputs.get(wire.from) ?? [], wire, this.#problems);
    if (outputs.length === 0) return undefined;
    const inputs = checkInputPort(node, wire, this.#problems);
    if (inputs.length === 0) return undefined;
    const candidates = outputs.flatMap((output) => inputs.flatMap((input) => this.#candidate(output, input)));
    const least = Math.min(...candidates.map(({ route }) => route.cost));
    const best = candidates.filter(({ route }) => route.cost === least);
    const output = best[0]?.output;
    if (!output) {
      const [given, wanted] = [outputs, inputs].map((ports) => ports.flatMap((port) => port.formats));
      return this.#refuse(refuseFormats(given ?? [], wanted ?? [], wire, node));
    }
    const outs = best.map((one) => one.output);
    if (!checkOneOutput(wire.from, outs, wire, this.#problems)) return undefined;
    return this.#free(candidates, output, wire, taken, names);
  }

  /** The cheapest input that has room. */
  #free(
    candidates: readonly Candidate[],
    output: PortDef,
    wire: Wire,
    taken: ReadonlyMap<string, string>,
    names: ReadonlySet<string>,
  ): Candidate | undefined {
    const own = candidates.filter((one) => one.output === output).sort((a, b) => a.route.cost - b.route.cost);
    const free = own.find(({ input }) => input.many === true || !taken.has(input.name));
    if (!free) {
      const input = own[0]?.input ?? output;
      return this.#refuse(refuseDoubledInput(input, taken.get(input.name) ?? '', wire));
    }
    return names.has(`${wire.from}.${output.name} ${free.input.name}`) ? this.#refuse(refuseDoubledLink(wire)) : free;
  }

  #candidate(output: PortDef, input: PortDef): Candidate[] {
    const route = this.#search.find(output.formats, input.formats);
    return route ? [{ output, input, route }] : [];
  }

  #readOf(id: string): Set<string> {
    let read = this.#read.get(id);
    if (!read) this.#read.set(id, (read = new Set<string>()));
    return read;
  }

  #refuse(problem: SluiceError): undefined {
    this.#problems.push(problem);
    return undefined;
  }
}
