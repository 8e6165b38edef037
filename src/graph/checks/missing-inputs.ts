import { SluiceError } from '../../media/errors.js';
import { describeFormat } from '../../media/format.js';
import { inputPorts, outputPorts, type TypedNode } from '../typed-node.js';

/** Every input that is not optional has a link, and a sink has at least one. SLUICE_INPUT_MISSING. Pure. */
export function checkMissingInputs(node: TypedNode, linked: ReadonlySet<string>, problems: SluiceError[]): void {
  const inputs = inputPorts(node);
  const missing = inputs.find((port) => port.optional !== true && !linked.has(port.name));
  const idle = inputs.length > 0 && linked.size === 0 && outputPorts(node).length === 0;
  if (!missing && !idle) return;
  const wanted = missing ? [missing] : inputs;
  problems.push(
    new SluiceError(
      'SLUICE_INPUT_MISSING',
      missing ? `input "${missing.name}" has no link` : 'none of its inputs has a link',
      {
        place: node.loaded.place,
        found: 'no link',
        expected: wanted
          .map((port) => `${port.formats.map(describeFormat).join(' or ')} for "${port.name}"`)
          .join(', or '),
        mend: 'Add `from: <id of a node>`.',
      },
    ),
  );
}
