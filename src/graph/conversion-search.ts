import { fits, type FormatPattern } from '../media/format.js';
import { portsOf, type NodeDef } from '../media/node.js';

/** One node that the planner would put in. */
export interface ConversionStep {
  readonly def: NodeDef;
  /** As the schema puts them out. */
  readonly options: unknown;
  /** What comes out of it. */
  readonly format: FormatPattern;
}

/** The way from what an output gives to what an input takes. Without steps it fits as it is. */
export interface ConversionRoute {
  readonly steps: readonly ConversionStep[];
  /** µs of one core for a second of media, about. */
  readonly cost: number;
  /** What arrives. */
  readonly format: FormatPattern;
}

/** Converters in a row, at most: decode, frame rate, scale, encode, and some to spare. */
const MOST_STEPS = 6;

/**
 * Finds the cheapest row of converters between two formats, by their own definitions: what they take in, what comes out
 * of them with which options, and what they say that costs (Dijkstra's algorithm over formats). Pure; remembers answers.
 */
export class ConversionSearch {
  readonly #converters: readonly NodeDef[];
  /** What converters take in: a format on the way may have to become one of these first. */
  readonly #stations: readonly FormatPattern[];
  readonly #routes = new Map<string, ConversionRoute | undefined>();
  readonly #steps = new Map<string, ConversionStep | undefined>();

  constructor(defs: readonly NodeDef[]) {
    this.#converters = defs.filter((def) => def.converts);
    this.#stations = this.#converters.flatMap((def) => {
      const parsed = def.options.safeParse({});
      return parsed.success ? portsOf(def, parsed.data).inputs.flatMap((port) => port.formats) : [];
    });
  }

  /** The cheapest route from any of these formats to any of those; undefined when there is none. */
  find(from: readonly FormatPattern[], to: readonly FormatPattern[]): ConversionRoute | undefined {
    const direct = from.find((given) => to.some((wanted) => fits(given, wanted)));
    if (direct) return { steps: [], cost: 0, format: direct };
    const key = `${JSON.stringify(from)} ${JSON.stringify(to)}`;
    if (!this.#routes.has(key)) this.#routes.set(key, this.#search(from, to));
    return this.#routes.get(key);
  }

  #search(from: readonly FormatPattern[], to: readonly FormatPattern[]): ConversionRoute | undefined {
    const open: ConversionRoute[] = from.map((format) => ({ steps: [], cost: 0, format }));
    const done = new Set<string>();
    for (let route = takeCheapest(open); route; route = takeCheapest(open)) {
      const { format } = route;
      if (to.some((wanted) => fits(format, wanted))) return route;
      const key = JSON.stringify(format);
      if (done.has(key) || route.steps.length === MOST_STEPS) continue;
      done.add(key);
      for (const next of this.#next(route, to)) if (!done.has(JSON.stringify(next.format))) open.push(next);
    }
    return undefined;
  }

  #next({ steps, cost, format }: ConversionRoute, to: readonly FormatPattern[]): ConversionRoute[] {
    const routes: ConversionRoute[] = [];
    for (const def of this.#converters) {
      for (const aim of [...to, ...this.#stations]) {
        const conversion = def.converts?.(format, aim);
        const step = conversion && this.#step(def, format, conversion.options);
        if (step) routes.push({ steps: [...steps, step], cost: cost + conversion.cost, format: step.format });
      }
    }
    return routes;
  }

  /** What a converter makes of a format; undefined when it does not take it, or not with these options. */
  #step(def: NodeDef, format: FormatPattern, options: Readonly<Record<string, unknown>>): ConversionStep | undefined {
    const key = `${def.type} ${JSON.stringify(format)} ${JSON.stringify(options)}`;
    if (!this.#steps.has(key)) this.#steps.set(key, stepOf(def, format, options));
    return this.#steps.get(key);
  }
}

function stepOf(
  def: NodeDef,
  format: FormatPattern,
  written: Readonly<Record<string, unknown>>,
): ConversionStep | undefined {
  const parsed = def.options.safeParse(written);
  if (!parsed.success) return undefined;
  const input = portsOf(def, parsed.data).inputs[0];
  if (!input?.formats.some((taken) => fits(format, taken))) return undefined;
  const output = portsOf(def, parsed.data, new Map([[input.name, [format]]])).outputs[0]?.formats[0];
  return output && { def, options: parsed.data, format: output };
}

/** The cheapest; of equals the shortest, then the one found first. */
function takeCheapest(routes: ConversionRoute[]): ConversionRoute | undefined {
  let best = 0;
  for (let index = 1; index < routes.length; index++) {
    const [one, other] = [routes[index], routes[best]];
    if (!one || !other) continue;
    if (one.cost < other.cost || (one.cost === other.cost && one.steps.length < other.steps.length)) best = index;
  }
  return routes.splice(best, 1)[0];
}
