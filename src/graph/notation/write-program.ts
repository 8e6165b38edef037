import { isMapOf } from '../plain-value.js';

/** How long a map may be that is written on one line, in characters. */
const LONGEST_LINE = 100;

/** A graph as a TypeScript module that exports it. Pure. */
export function writeProgram(value: Readonly<Record<string, unknown>>): string {
  return `import { graph } from 'sluice';\n\nexport const pipeline = graph(${literal(value, '', true)});\n`;
}

/** A value as JavaScript writes it; `open` puts each entry of a map on a line of its own. */
function literal(value: unknown, indent: string, open = false): string {
  if (typeof value === 'string') return quoted(value);
  if (Array.isArray(value)) return `[${value.map((item) => literal(item, indent)).join(', ')}]`;
  if (!isMapOf(value)) return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  if (entries.length === 0) return '{}';
  const flat = `{ ${entries.map(([key, item]) => `${name(key)}: ${literal(item, indent)}`).join(', ')} }`;
  // Sections are open, so that each node has a line.
  if (!open && indent.length >= 4 && indent.length + flat.length <= LONGEST_LINE) return flat;
  const inner = `${indent}  `;
  const lines = entries.map(([key, item]) => `${inner}${name(key)}: ${literal(item, inner)},`);
  return `{\n${lines.join('\n')}\n${indent}}`;
}

function name(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? key : quoted(key);
}

function quoted(text: string): string {
  const escaped = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'");
  return `'${escaped}'`;
}
