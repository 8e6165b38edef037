import { isScalar, parseDocument } from 'yaml';
import { SluiceError, type Place } from '../../media/errors.js';
import { isMapOf } from '../plain-value.js';

interface LineNode {
  readonly id: string;
  readonly text: string;
  readonly links: readonly { readonly from: string; readonly output: string; readonly input: string }[];
}

/**
 * A graph in one line that `readLine` reads back to the same graph. Nodes with one link stand behind their source,
 * links of the others stand at the end, in their order. Errors: SLUICE_CONFIG_INVALID for what a line cannot say. Pure.
 */
export function writeLine(value: Readonly<Record<string, unknown>>, place: Place): string {
  const { sessions, nodes, ...rest } = value;
  const chains: string[] = [];
  if (Object.keys(rest).length > 0) chains.push(element('pipeline', '', rest, place));
  for (const [id, session] of entriesOf(sessions)) chains.push(element('session', id, session, place));
  const written = entriesOf(nodes).map(([id, node]) => lineNode(id, node, place));
  const waiting = new Set(written);
  for (const node of written) {
    if (!waiting.has(node)) continue;
    const [link] = node.links;
    const isHead = !link || !isPlain(node);
    // Its source takes it along, unless that has another one.
    if (!isHead && [...waiting].some((other) => other.id === link.from)) continue;
    chains.push(chainFrom(node, isHead ? [] : [`${link.from}.${link.output}`], waiting));
  }
  for (const node of written) {
    if (waiting.has(node)) chains.push(chainFrom(node, linkedBy(node), waiting));
  }
  for (const { id, links } of written.filter((node) => !isPlain(node))) {
    for (const { from, output, input } of links) chains.push(`${from}.${output} ! ${id}.${input}`);
  }
  return chains.join(' ; ');
}

/** A node that can stand behind its source. */
function isPlain({ links }: LineNode): boolean {
  return links.length === 1 && links[0]?.input === '';
}

function linkedBy(node: LineNode): string[] {
  const [link] = node.links;
  return link && isPlain(node) ? [`${link.from}.${link.output}`] : [];
}

/** A node and those behind it, one after the other, as far as there is one that reads nothing else. */
function chainFrom(first: LineNode, start: readonly string[], waiting: Set<LineNode>): string {
  const parts = [...start];
  for (let node: LineNode | undefined = first; node; node = behind(node, waiting)) {
    parts.push(node.text);
    waiting.delete(node);
  }
  return parts.join(' ! ');
}

function behind({ id }: LineNode, waiting: ReadonlySet<LineNode>): LineNode | undefined {
  return [...waiting].find(
    (next) => isPlain(next) && next.links.some((link) => link.from === id && link.output === ''),
  );
}

function lineNode(id: string, node: unknown, place: Place): LineNode {
  const { type, from, ...options } = isMapOf(node) ? node : {};
  if (Object.hasOwn(options, 'id')) {
    throw new SluiceError('SLUICE_CONFIG_INVALID', `"${id}" has an option "id", which names nodes in a line`, {
      place: { ...place, node: id },
      found: 'option "id"',
      expected: 'options of other names',
      mend: 'Write it in YAML, JSON or TypeScript.',
    });
  }
  return { id, text: element(String(type), id, options, place), links: linksOf(from, '') };
}

function linksOf(from: unknown, input: string): LineNode['links'] {
  if (typeof from === 'string') {
    const dot = from.indexOf('.');
    return [{ from: dot === -1 ? from : from.slice(0, dot), output: dot === -1 ? '' : from.slice(dot + 1), input }];
  }
  if (Array.isArray(from)) return from.flatMap((one: unknown) => linksOf(one, input));
  return isMapOf(from) ? Object.entries(from).flatMap(([port, one]) => linksOf(one, port)) : [];
}

function element(type: string, id: string, options: unknown, place: Place): string {
  const named = id === '' || id === type ? [] : [`id=${id}`];
  const written = entriesOf(options).map(([name, value]) => `${name}=${valueText(value, place)}`);
  return [type, ...named, ...written].join(' ');
}

function valueText(value: unknown, place: Place): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  const isPlainWord = value !== '' && /^[^\s!;'"[\]{}\\]+$/.test(value.replaceAll(/\$\{[^{}\s]*\}/g, 'x'));
  if (isPlainWord && readsBack(value)) return value;
  if (value.includes('\0')) throw new SluiceError('SLUICE_CONFIG_INVALID', 'a text holds a zero character', { place });
  return `"${value.replaceAll(/["\\]/g, '\\$&')}"`;
}

/** Whether YAML takes a word for a text, and for the same one. */
function readsBack(value: string): boolean {
  const document = parseDocument(value, { prettyErrors: false, version: '1.2' });
  const { contents, errors, warnings } = document;
  return errors.length === 0 && warnings.length === 0 && isScalar(contents) && contents.value === value;
}

function entriesOf(value: unknown): [string, unknown][] {
  return isMapOf(value) ? Object.entries(value).filter(([, item]) => item !== undefined) : [];
}
