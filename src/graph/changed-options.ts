import { SluiceError } from '../media/errors.js';
import { parseOptions } from '../media/node.js';
import { wrongInput } from './checks/named-inputs.js';
import type { Plan, PlannedNode } from './planned.js';

/** Options of the nodes of one run, of which some are changed while it runs. */
export class ChangedOptions {
  readonly #plan: Plan;
  readonly #changed = new Map<string, unknown>();

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  /** Those of a node as they are now. */
  readonly of = ({ id, options }: PlannedNode): unknown => this.#changed.get(id) ?? options;

  /**
   * Changes some options of a node; all of them as they are then. Errors: SLUICE_CONFIG_INVALID for a node that is not
   * there, an option that cannot be changed, and a value that is not allowed.
   */
  change(id: string, changes: Readonly<Record<string, unknown>>): unknown {
    const node = this.#plan.nodes.find((one) => one.id === id);
    if (!node) {
      throw new SluiceError('SLUICE_CONFIG_INVALID', `there is no node "${id}"`, {
        place: { file: this.#plan.file },
        expected: `one of ${this.#plan.nodes.map((one) => one.id).join(', ')}`,
      });
    }
    const { def, place } = node;
    const changeable = def.changes ?? [];
    for (const name of Object.keys(changes)) {
      if (changeable.includes(name)) continue;
      throw new SluiceError('SLUICE_CONFIG_INVALID', `"${name}" of ${def.type} cannot be changed while it runs`, {
        place,
        found: `option "${name}"`,
        expected: changeable.length === 0 ? 'no options' : changeable.join(' or '),
      });
    }
    const options = parseOptions(def, { ...(this.of(node) as object), ...changes }, place);
    const sources = this.#plan.links.filter((link) => link.to.node === id).map((link) => link.source);
    const named = def.namesInput;
    const problem = named !== undefined && wrongInput(named, changes[named], sources, place);
    if (problem) throw problem;
    this.#changed.set(id, options);
    return options;
  }
}
