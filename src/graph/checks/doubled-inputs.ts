import { SluiceError } from '../../media/errors.js';
import type { PortDef } from '../../media/node.js';
import type { Wire } from '../wire.js';

/** An input takes one link, but for those that take many, and no link twice. SLUICE_INPUT_DOUBLED. Pure. */
export function refuseDoubledInput(input: PortDef, other: string, { reference }: Wire): SluiceError {
  return new SluiceError('SLUICE_INPUT_DOUBLED', `input "${input.name}" has a link already`, {
    place: reference.place,
    found: `links from "${other}" and "${reference.text}"`,
    expected: `one link into "${input.name}"`,
    mend: 'Put a mixer in front of it, or take one link out.',
  });
}

export function refuseDoubledLink({ reference }: Wire): SluiceError {
  return new SluiceError('SLUICE_INPUT_DOUBLED', `"${reference.text}" is linked twice`, {
    place: reference.place,
    found: `"${reference.text}" for the second time`,
    expected: 'each output once',
    mend: 'Take one of the two out.',
  });
}
