/** A place in a graph where media passes, as a test names it. */
export interface NodeName {
  readonly id: string;
  readonly port?: string;
  /** Name of the stream of a branch. */
  readonly branch?: string;
}

/** Reads `id`, `id.port`, `id@branch` or `id.port@branch`. Pure. */
export function nodeName(text: string): NodeName {
  const [place = '', branch] = split(text, '@');
  const [id = '', port] = split(place, '.');
  return { id, ...(port !== undefined && { port }), ...(branch !== undefined && { branch }) };
}

function split(text: string, at: string): readonly string[] {
  const index = text.indexOf(at);
  return index < 0 ? [text] : [text.slice(0, index), text.slice(index + 1)];
}
