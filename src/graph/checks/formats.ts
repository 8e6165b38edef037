import { SluiceError } from '../../media/errors.js';
import { describeFormat, type FormatPattern } from '../../media/format.js';
import type { ConversionRoute } from '../conversion-search.js';
import type { TypedNode } from '../typed-node.js';
import type { Wire } from '../wire.js';

/** What an output gives has to become what an input takes. SLUICE_LINK_FORMATS where no converters can do that. Pure. */
export function refuseFormats(
  given: readonly FormatPattern[],
  wanted: readonly FormatPattern[],
  wire: Wire,
  node: TypedNode,
): SluiceError {
  const kinds = new Set(given.map((format) => MEDIUM[format.kind]));
  const sameMedium = wanted.some((format) => kinds.has(MEDIUM[format.kind]));
  return new SluiceError('SLUICE_LINK_FORMATS', message(given, wanted, wire, node), {
    place: wire.reference.place,
    ...bothSides(given, wanted),
    mend: sameMedium
      ? 'Convert it before: no converter of sluice does both at once.'
      : 'Link nodes that carry the same kind of media.',
  });
}

/** A strict graph says every conversion itself. SLUICE_LINK_STRICT. Pure. */
export function refuseConversion(
  given: readonly FormatPattern[],
  wanted: readonly FormatPattern[],
  route: ConversionRoute,
  wire: Wire,
  node: TypedNode,
): SluiceError {
  return new SluiceError('SLUICE_LINK_STRICT', message(given, wanted, wire, node), {
    place: wire.reference.place,
    ...bothSides(given, wanted),
    mend: `Put this between them: ${route.steps.map((step) => step.def.type).join(', ')}. Or leave \`strict\` out.`,
  });
}

const MEDIUM: Readonly<Record<FormatPattern['kind'], 'sound' | 'picture' | 'words' | 'activity'>> = {
  audio: 'sound',
  'encoded-audio': 'sound',
  video: 'picture',
  'encoded-video': 'picture',
  captions: 'words',
  transcript: 'words',
  text: 'words',
  'voice-activity': 'activity',
  turn: 'words',
};

function message(
  given: readonly FormatPattern[],
  wanted: readonly FormatPattern[],
  wire: Wire,
  node: TypedNode,
): string {
  const { found, expected } = bothSides(given, wanted);
  return `"${wire.from}" gives ${found}, ${node.def.type} takes ${expected}`;
}

function bothSides(
  given: readonly FormatPattern[],
  wanted: readonly FormatPattern[],
): { readonly found: string; readonly expected: string } {
  return { found: given.map(describeFormat).join(' or '), expected: wanted.map(describeFormat).join(' or ') };
}
