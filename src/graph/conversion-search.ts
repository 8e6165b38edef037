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

/** A route that may be gone: worked out when it is the cheapest left, undefined when its last converter cannot do it. */
interface Attempt {
  readonly length: number;
  readonly cost: number;
  readonly route: () => ConversionRoute | undefined;
}

/** Converters in a row, at most: decode, frame rate, scale, encode, and some to spare. */
const MOST_STEPS = 6;

/**
 * Finds the cheapest row of converters between two formats, by their own definitions: what they take in, what comes out
 * of them with which options, and what they say that costs (Dijkstra's algorithm over formats). Pure; remembers answers.
 */
export class ConversionSearch {
  /** With the kinds of media that they take in. */
  readonly #converters: readonly { readonly def: NodeDef; readonly kinds: ReadonlySet<string> }[];
  /** What converters take in: a format on the way may have to become one of these first. */
  readonly #stations: readonly FormatPattern[];
  readonly #routes = new Map<string, ConversionRoute | undefined>();
  readonly #steps = new Map<string, ConversionStep | undefined>();

  constructor(defs: readonly NodeDef[]) {
    this.#converters = defs
      .filter((def) => def.converts)
      .map((def) => ({ def, kinds: new Set(takenBy(def).map(({ kind }) => kind)) }));
    this.#stations = this.#converters.flatMap(({ def }) => takenBy(def));
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
    const open: Attempt[] = from.map((format) => ({
      length: 0,
      cost: 0,
      route: () => ({ steps: [], cost: 0, format }),
    }));
    const done = new Set<string>();
    for (let attempt = takeCheapest(open); attempt; attempt = takeCheapest(open)) {
      const route = attempt.route();
      if (!route) continue;
      if (to.some((wanted) => fits(route.format, wanted))) return route;
      const key = JSON.stringify(route.format);
      if (done.has(key) || route.steps.length === MOST_STEPS) continue;
      done.add(key);
      this.#attempt(route, key, to, open);
    }
    return undefined;
  }

  /** Adds what every converter can do with the end of a route. */
  #attempt({ steps, cost, format }: ConversionRoute, key: string, to: readonly FormatPattern[], open: Attempt[]): void {
    const aims = [...to, ...this.#stations];
    for (const { def, kinds } of this.#converters) {
      if (!kinds.has(format.kind)) continue;
      const tried = new Set<string>();
      for (const aim of aims) {
        const conversion = def.converts?.(format, aim);
        if (!conversion) continue;
        const options = JSON.stringify(conversion.options);
        if (tried.has(options)) continue;
        tried.add(options);
        const sum = cost + conversion.cost;
        const route = (): ConversionRoute | undefined => {
          const step = this.#step(def, format, conversion.options, `${def.type} ${key} ${options}`);
          return step && { steps: [...steps, step], cost: sum, format: step.format };
        };
        open.push({ length: steps.length + 1, cost: sum, route });
      }
    }
  }

  /** What a converter makes of a format; undefined when it does not take it, or not with these options. */
  #step(
    def: NodeDef,
    format: FormatPattern,
    options: Readonly<Record<string, unknown>>,
    key: string,
  ): ConversionStep | undefined {
    if (!this.#steps.has(key)) this.#steps.set(key, stepOf(def, format, options));
    return this.#steps.get(key);
  }
}

/** What a converter takes in, with its usual options. */
function takenBy(def: NodeDef): readonly FormatPattern[] {
  const parsed = def.options.safeParse({});
  return parsed.success ? portsOf(def, parsed.data).inputs.flatMap((port) => port.formats) : [];
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
function takeCheapest(attempts: Attempt[]): Attempt | undefined {
  let best = 0;
  for (let index = 1; index < attempts.length; index++) {
    const [one, other] = [attempts[index], attempts[best]];
    if (!one || !other) continue;
    if (one.cost < other.cost || (one.cost === other.cost && one.length < other.length)) best = index;
  }
  return attempts.splice(best, 1)[0];
}
