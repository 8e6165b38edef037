import { SluiceError } from '../media/errors.js';
import { describeFormat, intersect, type FormatPattern } from '../media/format.js';
import { portsOf, type PortDef } from '../media/node.js';
import { mendForFormats } from './converters.js';
import type { LoadedGraph, Reference } from './load.js';
import { nearest } from './nearest.js';
import { findCycle, inOrder } from './order.js';
import type { PlannedLink, PlannedNode } from './planned.js';
import type { TypedNode } from './plan-nodes.js';

interface Wanted {
  readonly from: string;
  readonly to: string;
  readonly output: string | undefined;
  readonly reference: Reference;
}

/**
 * Resolves every `from` to an output and an input whose formats have something in common. Nodes come out upstream
 * first. Nothing comes out when there is a cycle. Pure.
 */
export function planLinks(
  graph: LoadedGraph,
  typed: ReadonlyMap<string, TypedNode>,
  problems: SluiceError[],
): { readonly nodes: readonly PlannedNode[]; readonly links: readonly PlannedLink[] } | undefined {
  const ids = graph.nodes.map((node) => node.id);
  const wanted = graph.nodes.flatMap((node) => node.from.flatMap((one) => resolveNode(node.id, one, ids, problems)));
  const cycle = findCycle(ids, wanted);
  if (cycle) {
    const path = [...cycle.map((step) => step.from), cycle.at(-1)?.to].join(' -> ');
    problems.push(
      new SluiceError('SLUICE_LINK_INVALID', `the links go in a circle: ${path}`, {
        place: cycle.at(-1)?.reference.place ?? {},
        mend: 'Take one of these links out.',
      }),
    );
    return undefined;
  }
  const linker = new Linker(problems);
  for (const id of inOrder(ids, wanted)) {
    const node = typed.get(id);
    if (node)
      linker.add(
        node,
        wanted.filter((one) => one.to === id),
      );
  }
  linker.checkOutputs();
  const order = new Map(ids.map((id, index) => [id, index]));
  const links = linker.links.sort((a, b) => (order.get(a.to.node) ?? 0) - (order.get(b.to.node) ?? 0));
  return { nodes: [...linker.nodes.values()], links };
}

function resolveNode(to: string, reference: Reference, ids: readonly string[], problems: SluiceError[]): Wanted[] {
  const dot = reference.text.indexOf('.');
  const from = dot === -1 ? reference.text : reference.text.slice(0, dot);
  const output = dot === -1 ? undefined : reference.text.slice(dot + 1);
  if (ids.includes(from)) return [{ from, to, output, reference }];
  const near = nearest(
    from,
    ids.filter((id) => id !== to),
  );
  problems.push(
    new SluiceError('SLUICE_LINK_INVALID', `there is no node "${from}"`, {
      place: reference.place,
      mend: near === undefined ? `Nodes here: ${ids.join(', ')}.` : `Did you mean "${near}"?`,
    }),
  );
  return [];
}

interface Fit {
  readonly output: PortDef;
  readonly input: PortDef;
  readonly formats: readonly FormatPattern[];
}

class Linker {
  readonly nodes = new Map<string, PlannedNode>();
  readonly links: PlannedLink[] = [];
  readonly #problems: SluiceError[];

  constructor(problems: SluiceError[]) {
    this.#problems = problems;
  }

  /** Links one node to those before it, which have all been added. */
  add(node: TypedNode, wanted: readonly Wanted[]): void {
    const { id, place } = node.loaded;
    const flowing = new Map<string, readonly FormatPattern[]>();
    const before = this.#problems.length;
    for (const one of wanted) {
      const link = this.#link(node, one);
      if (!link) continue;
      this.links.push(link);
      flowing.set(link.to.input, [...(flowing.get(link.to.input) ?? []), ...link.formats]);
    }
    // A link that failed has been told already; that its port is empty is no news.
    const resolved = wanted.length === node.loaded.from.length && wanted.every((one) => this.nodes.has(one.from));
    const complete = this.#problems.length === before && resolved;
    if (complete) this.#checkInputs(node, flowing);
    const { inputs, outputs } = portsOf(node.def, node.options, flowing);
    this.nodes.set(id, { id, def: node.def, options: node.options, place, inputs, outputs, latencyMs: node.latencyMs });
  }

  checkOutputs(): void {
    if (this.#problems.length > 0) return;
    for (const node of this.nodes.values()) {
      const linked = new Set(this.links.filter((link) => link.from.node === node.id).map((link) => link.from.output));
      const loose = node.outputs.find((port) => !linked.has(port.name) && port.optional !== true);
      if (loose) this.#refuse(`nothing takes output "${loose.name}"`, node.place, LOOSE_MEND);
      else if (node.inputs.length === 0 && linked.size === 0)
        this.#refuse('nothing takes its outputs', node.place, LOOSE_MEND);
      for (const output of linked) this.#checkFanOut(node, output);
    }
  }

  #link(node: TypedNode, { from, output, reference }: Wanted): PlannedLink | undefined {
    const source = this.nodes.get(from);
    if (!source) return undefined;
    const outputs = this.#outputsOf(source, output, reference);
    const inputs = this.#inputsOf(node, reference);
    if (!outputs || !inputs) return undefined;
    const fits = outputs.flatMap((out) => inputs.flatMap((input) => fit(out, input)));
    if (fits.length === 0) return this.#refuseFormats(outputs, inputs, reference, from, node);
    if (new Set(fits.map((one) => one.output)).size > 1) {
      const names = fits.map((one) => `${from}.${one.output.name}`);
      return this.#refuse(
        `"${from}" has several outputs that fit`,
        reference.place,
        `Name one: ${[...new Set(names)].join(', ')}.`,
      );
    }
    const free = fits.find((one) => one.input.many === true || !this.#taken(node.loaded.id, one.input.name));
    if (!free) {
      const port = fits[0]?.input.name ?? '';
      return this.#refuse(
        `input "${port}" has a link already`,
        reference.place,
        'Put a mixer in front of it, or take one link out.',
      );
    }
    return this.#planned(free, from, node.loaded.id, reference);
  }

  #planned(found: Fit, from: string, to: string, reference: Reference): PlannedLink | undefined {
    const name = `${from}.${found.output.name} -> ${to}.${found.input.name}`;
    if (this.links.some((link) => link.name === name)) {
      return this.#refuse(`"${reference.text}" is linked twice`, reference.place, 'Take one of the two out.');
    }
    return {
      name,
      from: { node: from, output: found.output.name },
      to: { node: to, input: found.input.name },
      formats: found.formats,
      place: reference.place,
    };
  }

  #outputsOf(source: PlannedNode, name: string | undefined, reference: Reference): readonly PortDef[] | undefined {
    if (source.outputs.length === 0) {
      return this.#refuse(
        `"${source.id}" (${source.def.type}) has no output`,
        reference.place,
        'Link to the node in front of it.',
      );
    }
    if (name === undefined) return source.outputs;
    const port = source.outputs.find((one) => one.name === name);
    if (port) return [port];
    const known = source.outputs.map((one) => one.name);
    return this.#refuse(`"${source.id}" has no output "${name}"`, reference.place, mendForPort(name, known, 'outputs'));
  }

  #inputsOf(node: TypedNode, reference: Reference): readonly PortDef[] | undefined {
    if (node.inputs.length === 0) {
      return this.#refuse(`${node.def.type} takes no input`, reference.place, 'Take `from` out.');
    }
    if (reference.input === undefined) return node.inputs;
    const port = node.inputs.find((one) => one.name === reference.input);
    if (port) return [port];
    const known = node.inputs.map((one) => one.name);
    return this.#refuse(
      `${node.def.type} has no input "${reference.input}"`,
      reference.place,
      mendForPort(reference.input, known, 'inputs'),
    );
  }

  #checkInputs(node: TypedNode, flowing: ReadonlyMap<string, unknown>): void {
    const missing = node.inputs.find((port) => port.optional !== true && !flowing.has(port.name));
    const mend = 'Add `from: <id of a node>`.';
    if (missing) this.#refuse(`input "${missing.name}" has no link`, node.loaded.place, mend);
    else if (node.inputs.length > 0 && flowing.size === 0 && portsOf(node.def, node.options).outputs.length === 0) {
      this.#refuse('none of its inputs has a link', node.loaded.place, mend);
    }
  }

  /** One output gives all that read it the same values, so they must agree on a format. */
  #checkFanOut(node: PlannedNode, output: string): void {
    const links = this.links.filter((link) => link.from.node === node.id && link.from.output === output);
    let common: readonly FormatPattern[] = links[0]?.formats ?? [];
    for (const link of links.slice(1)) {
      const next = intersect(common, link.formats);
      if (next.length === 0) {
        const others = common.map(describeFormat).join(' or ');
        const wants = link.formats.map(describeFormat).join(' or ');
        this.#refuse(
          `takes ${wants}, but others take ${others} from the same output`,
          link.place,
          mendForFormats(common, link.formats),
        );
        return;
      }
      common = next;
    }
  }

  #taken(node: string, input: string): boolean {
    return this.links.some((link) => link.to.node === node && link.to.input === input);
  }

  #refuseFormats(
    outputs: readonly PortDef[],
    inputs: readonly PortDef[],
    reference: Reference,
    from: string,
    node: TypedNode,
  ): undefined {
    const gives = outputs.flatMap((port) => port.formats);
    const takes = inputs.flatMap((port) => port.formats);
    const text = `"${from}" gives ${gives.map(describeFormat).join(' or ')}, ${node.def.type} takes ${takes.map(describeFormat).join(' or ')}`;
    return this.#refuse(text, reference.place, mendForFormats(gives, takes));
  }

  #refuse(message: string, place: PlannedLink['place'], mend: string): undefined {
    this.#problems.push(new SluiceError('SLUICE_LINK_INVALID', message, { place, mend }));
    return undefined;
  }
}

const LOOSE_MEND = 'Link a node to it; `null` takes anything.';

function fit(output: PortDef, input: PortDef): Fit[] {
  const formats = intersect(output.formats, input.formats);
  return formats.length === 0 ? [] : [{ output, input, formats }];
}

function mendForPort(name: string, known: readonly string[], noun: string): string {
  const near = nearest(name, known);
  return near === undefined ? `Its ${noun}: ${known.join(', ')}.` : `Did you mean "${near}"?`;
}
