/** What a participant says of itself. */
export interface Description {
  readonly name: string;
  readonly metadata: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** Longest name, and longest metadata and attributes together, in characters. */
const MAX_NAME_LENGTH = 256;
const MAX_METADATA_LENGTH = 64 * 1024;

/** A description with changes: an empty name or metadata is none, an empty value takes an attribute away. Undefined when it would be too long. */
export function changeDescription(description: Description, changes: Description): Description | undefined {
  const attributes = { ...description.attributes, ...changes.attributes };
  const changed = {
    name: changes.name === '' ? description.name : changes.name,
    metadata: changes.metadata === '' ? description.metadata : changes.metadata,
    attributes: Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== '')),
  };
  return isDescription(changed) ? changed : undefined;
}

/** Whether a description is short enough to be told to everyone. */
function isDescription({ name, metadata, attributes }: Description): boolean {
  let length = metadata.length;
  for (const [key, value] of Object.entries(attributes)) length += key.length + value.length;
  return length <= MAX_METADATA_LENGTH && name.length <= MAX_NAME_LENGTH;
}
