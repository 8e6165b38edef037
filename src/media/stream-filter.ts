import { z } from 'zod';
import type { StreamInfo } from './session-access.js';

const Texts = z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]);

/** Which streams of a session are meant: those that everything fits which is given. In texts `*` stands for any characters. */
export const StreamFilter = z.strictObject({
  name: Texts.optional().describe('Name of the stream, or a list of names: `Guest *`.'),
  metadata: Texts.optional().describe(
    'Metadata of its participant, or a list: `*"role":"guest"*`. It is empty where a token has none.',
  ),
});
export type StreamFilter = z.output<typeof StreamFilter>;

/** Whether a stream is one of those that a filter means. Pure. */
export function fitsFilter({ name, metadata }: StreamFilter, stream: StreamInfo): boolean {
  return fitsAny(name, stream.name) && fitsAny(metadata, stream.connection?.data ?? '');
}

function fitsAny(patterns: string | readonly string[] | undefined, text: string): boolean {
  if (patterns === undefined) return true;
  return [patterns].flat().some((pattern) => fitsPattern(pattern, text));
}

/** Parts between stars are looked for from left to right, which takes no longer than the text is long. */
function fitsPattern(pattern: string, text: string): boolean {
  const [first = '', ...parts] = pattern.split('*');
  const last = parts.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const part of parts) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}
