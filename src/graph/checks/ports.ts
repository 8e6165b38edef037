import { SluiceError } from '../../media/errors.js';
import { describeFormat } from '../../media/format.js';
import type { PortDef } from '../../media/node.js';
import { nearest } from '../nearest.js';
import { inputPorts, type TypedNode } from '../typed-node.js';
import type { Wire } from '../wire.js';

/** The outputs that a link can mean. SLUICE_PORT_UNKNOWN where it can mean none. Pure. */
export function checkOutputPort(
  source: TypedNode,
  outputs: readonly PortDef[],
  { output, reference }: Wire,
  problems: SluiceError[],
): readonly PortDef[] {
  if (outputs.length === 0) {
    problems.push(
      new SluiceError('SLUICE_PORT_UNKNOWN', `"${source.id}" (${source.def.type}) has no output`, {
        place: reference.place,
        found: `a link from "${reference.text}"`,
        expected: 'a node that gives media',
        mend: 'Link to the node in front of it.',
      }),
    );
    return [];
  }
  if (output === undefined) return outputs.filter((port) => port.perBranch !== true);
  return named(output, outputs, `"${source.id}"`, 'output', reference.place, problems);
}

/** The inputs that a link can mean. SLUICE_PORT_UNKNOWN where it can mean none. Pure. */
export function checkInputPort(node: TypedNode, { reference }: Wire, problems: SluiceError[]): readonly PortDef[] {
  const inputs = inputPorts(node);
  if (inputs.length === 0) {
    problems.push(
      new SluiceError('SLUICE_PORT_UNKNOWN', `${node.def.type} takes no input`, {
        place: reference.place,
        found: `a link from "${reference.text}"`,
        expected: 'no `from`',
        mend: 'Take `from` out.',
      }),
    );
    return [];
  }
  if (reference.input === undefined) return inputs;
  return named(reference.input, inputs, node.def.type, 'input', reference.place, problems);
}

/** One output has to be meant. SLUICE_PORT_AMBIGUOUS where several fit alike. Pure. */
export function checkOneOutput(
  from: string,
  fitting: readonly PortDef[],
  { reference }: Wire,
  problems: SluiceError[],
): boolean {
  const names = [...new Set(fitting.map((port) => `${from}.${port.name}`))];
  if (names.length <= 1) return true;
  problems.push(
    new SluiceError('SLUICE_PORT_AMBIGUOUS', `"${from}" has several outputs that fit`, {
      place: reference.place,
      found: `"${reference.text}"`,
      expected: `one of ${names.join(', ')}`,
      mend: `Name one: ${names.join(', ')}.`,
    }),
  );
  return false;
}

function named(
  name: string,
  ports: readonly PortDef[],
  owner: string,
  noun: 'input' | 'output',
  place: Wire['reference']['place'],
  problems: SluiceError[],
): readonly PortDef[] {
  const port = ports.find((one) => one.name === name);
  if (port) return [port];
  const names = ports.map((one) => one.name);
  const near = nearest(name, names);
  problems.push(
    new SluiceError('SLUICE_PORT_UNKNOWN', `${owner} has no ${noun} "${name}"`, {
      place,
      found: `${noun} "${name}"`,
      expected: ports.map((one) => `"${one.name}" (${one.formats.map(describeFormat).join(' or ')})`).join(', '),
      mend: near === undefined ? `Its ${noun}s: ${names.join(', ')}.` : `Did you mean "${near}"?`,
    }),
  );
  return [];
}
