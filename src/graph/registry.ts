import type { NodeDef } from '../media/node.js';
import { SluiceError } from '../media/errors.js';
import { nearest } from './nearest.js';

/** The kinds of node that a graph may use. An instance, so that two graphs in one process may differ. */
export class Registry {
  readonly #defs = new Map<string, NodeDef>();

  /** Errors: SLUICE_INTERNAL when two definitions have one type. */
  constructor(defs: Iterable<NodeDef>) {
    for (const def of defs) {
      if (this.#defs.has(def.type)) throw new SluiceError('SLUICE_INTERNAL', `two nodes of type "${def.type}"`);
      this.#defs.set(def.type, def);
    }
  }

  /** These and others, such as those of a program. Errors: SLUICE_CONFIG_INVALID when a type is taken. */
  with(defs: readonly NodeDef[]): Registry {
    if (defs.length === 0) return this;
    const types = new Set(this.#defs.keys());
    for (const { type } of defs) {
      if (types.has(type)) {
        throw new SluiceError('SLUICE_CONFIG_INVALID', `there is a node of type "${type}" already`, {
          found: `a second definition of "${type}"`,
          expected: 'a type of its own for each node',
          mend: 'Give your node another type.',
        });
      }
      types.add(type);
    }
    return new Registry([...this.#defs.values(), ...defs]);
  }

  get(type: string): NodeDef | undefined {
    return this.#defs.get(type);
  }

  /** Definitions in the order of their types. */
  list(): readonly NodeDef[] {
    return [...this.#defs.values()].sort((a, b) => (a.type < b.type ? -1 : 1));
  }

  /** What to do about a type that does not exist. */
  mendFor(type: string): string {
    const near = nearest(type, [...this.#defs.keys()]);
    return near === undefined
      ? 'See `sluice nodes` for the types there are.'
      : `Did you mean "${near}"? See \`sluice nodes\` for the types there are.`;
  }
}
