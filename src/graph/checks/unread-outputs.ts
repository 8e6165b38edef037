import { SluiceError } from '../../media/errors.js';
import { outputPorts, type TypedNode } from '../typed-node.js';

/** Every output that is not optional is read, and who has outputs gives something. SLUICE_OUTPUT_UNREAD. Pure. */
export function checkUnreadOutputs(node: TypedNode, read: ReadonlySet<string>, problems: SluiceError[]): void {
  const outputs = outputPorts(node);
  const loose = outputs.find((port) => !read.has(port.name) && port.optional !== true);
  if (!loose && (outputs.length === 0 || read.size > 0)) return;
  const names = outputs.map((port) => (outputs.length === 1 ? node.id : `${node.id}.${port.name}`));
  problems.push(
    new SluiceError(
      'SLUICE_OUTPUT_UNREAD',
      loose ? `nothing takes output "${loose.name}"` : 'nothing takes its outputs',
      {
        place: node.loaded.place,
        found: 'no reader',
        expected: `a node with \`from: ${names.join('` or `from: ')}\``,
        mend: 'Link a node to it; `null` takes anything.',
      },
    ),
  );
}
