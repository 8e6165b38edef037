import type { Place, SluiceError } from '../media/errors.js';
import { intersect, type FormatPattern } from '../media/format.js';
import { latencyOf, portsOf, type NodeDef, type PortDef } from '../media/node.js';
import { refuseConversion, refuseFormats } from './checks/formats.js';
import type { ConversionRoute, ConversionSearch, ConversionStep } from './conversion-search.js';
import type { Pair } from './pairing.js';
import type { PlannedLink, PlannedNode } from './planned.js';
import { inputPorts, type TypedNode } from './typed-node.js';

/** A node and a link of which flow and failures are not settled yet. */
export type FormattedNode = Omit<PlannedNode, 'onError' | 'mayFail'>;
export type FormattedLink = Omit<PlannedLink, 'flow' | 'queue'>;

/** An output that a link can start from, and what comes out of it. */
interface Outlet {
  readonly node: string;
  readonly output: string;
  /** The output that it is, or that the converters are behind: `id.output`. */
  readonly source: string;
  /** Where the ids of converters behind it start. */
  readonly stem: string;
  formats: readonly FormatPattern[];
  /** Converters behind it, by what they do. */
  readonly converters: Map<string, Outlet>;
}

/**
 * Settles the format on every link and puts converters in where they do not fit; readers of one output that need the
 * same converter share it. Their ids are the source's and their type, such as `mic+resampler`; the second of a type
 * behind one output is `mic+resampler-2`. A strict graph refuses instead. Pure.
 */
export class Insertion {
  readonly nodes: FormattedNode[] = [];
  readonly links: FormattedLink[] = [];
  readonly #search: ConversionSearch;
  readonly #strict: boolean;
  readonly #problems: SluiceError[];
  readonly #outlets = new Map<string, Outlet>();
  readonly #ids = new Set<string>();

  constructor(search: ConversionSearch, strict: boolean, problems: SluiceError[]) {
    this.#search = search;
    this.#strict = strict;
    this.#problems = problems;
  }

  /** Adds one node with the links into it; the nodes before it have all been added. */
  add(node: TypedNode, pairs: readonly Pair[]): void {
    const flowing = new Map<string, readonly FormatPattern[]>();
    const links: FormattedLink[] = [];
    const inputs = inputPorts(node);
    for (const pair of pairs) {
      const input = inputs.find((port) => port.name === pair.input);
      const outlet = this.#outlets.get(`${pair.from}.${pair.output}`);
      const end = input && outlet && this.#connect(outlet, input, node, pair);
      if (!end) continue;
      const formats = intersect(end.formats, input.formats);
      flowing.set(input.name, [...(flowing.get(input.name) ?? []), ...formats]);
      links.push(linkOf(end, node.id, input.name, formats, pair.wire.reference.place));
      // Who reads an output whose format was open settles it for the others.
      end.formats = formats;
    }
    this.#addNode(node.id, node.def, node.options, flowing, { place: node.loaded.place, adapted: node.adapted });
    this.links.push(...links);
  }

  /** The outlet that fits an input, behind converters where they are needed. */
  #connect(outlet: Outlet, input: PortDef, node: TypedNode, { wire }: Pair): Outlet | undefined {
    const route: ConversionRoute | undefined = this.#search.find(outlet.formats, input.formats);
    if (!route) {
      this.#problems.push(refuseFormats(outlet.formats, input.formats, wire, node));
      return undefined;
    }
    if (this.#strict && route.steps.length > 0) {
      this.#problems.push(refuseConversion(outlet.formats, input.formats, route, wire, node));
      return undefined;
    }
    return route.steps.reduce((before, step) => this.#convert(before, step, wire.reference.place), outlet);
  }

  #convert(before: Outlet, step: ConversionStep, place: Place): Outlet {
    const key = `${step.def.type} ${JSON.stringify(step.options)}`;
    const shared = before.converters.get(key);
    if (shared) return shared;
    const id = this.#newId(`${before.stem}+${step.def.type}`);
    const { inputs } = portsOf(step.def, step.options);
    const input = inputs[0]?.name ?? 'in';
    const formats = intersect(before.formats, inputs[0]?.formats ?? []);
    this.links.push(linkOf(before, id, input, formats, { ...place, node: id }));
    this.#addNode(id, step.def, step.options, new Map([[input, formats]]), {
      place: { ...place, node: id },
      inserted: true,
    });
    const { name: output, formats: given } = this.nodes.at(-1)?.outputs[0] ?? { name: 'out', formats: [step.format] };
    const { stem, source } = before;
    const behind: Outlet = { node: id, output, source, stem, formats: given, converters: new Map() };
    before.converters.set(key, behind);
    return behind;
  }

  #addNode(
    id: string,
    def: NodeDef,
    options: unknown,
    flowing: ReadonlyMap<string, readonly FormatPattern[]>,
    rest: { readonly place: Place; readonly adapted?: TypedNode['adapted']; readonly inserted?: boolean },
  ): void {
    const { inputs, outputs } = portsOf(def, options, flowing);
    const latency = latencyOf(def, options);
    this.#ids.add(id);
    this.nodes.push({ id, def, options, inputs, outputs, latency, inserted: false, adapted: {}, ...rest });
    // Those that have to be named do not count where one is meant without a name.
    const unnamed = outputs.filter((port) => port.perBranch !== true);
    for (const { name, formats } of outputs) {
      const stem = unnamed.length === 1 && unnamed[0]?.name === name ? id : `${id}.${name}`;
      const source = `${id}.${name}`;
      this.#outlets.set(source, { node: id, output: name, source, stem, formats, converters: new Map() });
    }
  }

  #newId(wanted: string): string {
    let id = wanted;
    for (let count = 2; this.#ids.has(id); count++) id = `${wanted}-${count}`;
    return id;
  }
}

function linkOf(
  from: Outlet,
  to: string,
  input: string,
  formats: readonly FormatPattern[],
  place: Place,
): FormattedLink {
  const { node, output, source } = from;
  return {
    name: `${node}.${output} -> ${to}.${input}`,
    from: { node, output },
    to: { node: to, input },
    source,
    formats,
    place,
  };
}
