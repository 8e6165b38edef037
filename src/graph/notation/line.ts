import { parseDocument, visit, type Document } from 'yaml';
import { SluiceError, type Place } from '../../media/errors.js';
import type { WrittenGraph } from '../load.js';
import { isMapOf } from '../plain-value.js';
import { PathPlaces } from '../path-places.js';
import { tokensOf, type Token } from './line-tokens.js';

/** What stands in the place of a node and says something of the graph or of a session. */
const SESSION = 'session';
const PIPELINE = 'pipeline';

interface Element {
  readonly token: Token;
  /** `id.` or `id.port`, which names a node that is written elsewhere. */
  readonly reference?: { readonly id: string; readonly port: string };
  readonly options: readonly { readonly key: Token; readonly value: Token }[];
  id: string;
}

/**
 * Reads a graph in one line: `file path=a.mp3 ! resampler sampleRate=16000 ! wav path=b.wav`. Elements are a type with
 * its options; `!` links them, `;` begins another chain. `id=x` names a node, and `x.` or `x.port` refers to it: before
 * `!` to its output, after it to its input. Values are YAML; with blanks in quotes, lists in `[]`, maps in `{}`.
 * `session id=room sessionId=demo` is a session, `pipeline strict=true` says something of the whole.
 * Errors: SLUICE_CONFIG_SYNTAX with line and column. Pure.
 */
export function readLine(text: string, file: string, baseDir: string): WrittenGraph {
  const places = new PathPlaces(text, file);
  const chains = chainsOf(text, places);
  nameNodes(chains.flat(), places);
  const graph: Record<string, unknown> = {};
  const sessions: Record<string, unknown> = {};
  const nodes: Record<string, Record<string, unknown>> = {};
  for (const element of chains.flat()) {
    if (element.reference) continue;
    const type = element.token.text;
    if (type === PIPELINE) Object.assign(graph, optionsOf(element, [], places));
    else if (type === SESSION) sessions[element.id] = optionsOf(element, ['sessions', element.id], places);
    else {
      const path = ['nodes', element.id];
      places.set([...path, 'type'], element.token.offset);
      nodes[element.id] = { type, ...optionsOf(element, path, places) };
    }
  }
  for (const chain of chains) linkChain(chain, nodes, places);
  const value = {
    ...graph,
    ...(Object.keys(sessions).length > 0 && { sessions }),
    nodes,
  };
  return { value, places, file, baseDir };
}

function chainsOf(text: string, places: PathPlaces): Element[][] {
  const chains: Element[][] = [[]];
  let expects: 'element' | 'any' = 'element';
  for (const token of tokensOf(text, places)) {
    const chain = chains.at(-1) ?? [];
    const element = chain.at(-1);
    if (token.kind === 'link' || token.kind === 'end') {
      if (expects === 'element') throw syntax(`nothing stands before "${token.text}"`, token, places, 'a type of node');
      if (token.kind === 'end') chains.push([]);
      expects = 'element';
    } else if (token.kind === 'option' && token.value) {
      if (!element || expects === 'element') throw syntax('an option without a node', token, places, 'a type of node');
      if (element.reference) throw syntax('a reference takes no options', token, places, '`!`, `;` or the end');
      (element.options as { key: Token; value: Token }[]).push({ key: token, value: token.value });
    } else {
      if (expects === 'any')
        throw syntax(`"${token.text}" is not linked`, token, places, '`!`, `;`, or an option as name=value');
      chain.push(elementOf(token));
      expects = 'any';
    }
  }
  if (expects === 'element' && (chains.at(-1)?.length ?? 0) > 0) {
    throw syntax('nothing stands behind the last "!"', places.end, places, 'a type of node');
  }
  return chains.filter((chain) => chain.length > 0);
}

function elementOf(token: Token): Element {
  const dot = token.text.indexOf('.');
  const reference = dot === -1 ? undefined : { id: token.text.slice(0, dot), port: token.text.slice(dot + 1) };
  return { token, options: [], id: reference?.id ?? '', ...(reference && { reference }) };
}

/** Nodes without an `id` are called by their type, the second of a type `type-2`. */
function nameNodes(elements: readonly Element[], places: PathPlaces): void {
  const taken = new Map<string, Element>();
  for (const element of elements) {
    const written = element.reference ? undefined : element.options.find(({ key }) => key.text === 'id');
    if (!written) continue;
    element.id = written.value.text;
    const space = element.token.text === SESSION ? SESSION : 'node';
    if (taken.has(`${space} ${element.id}`)) {
      throw syntax(`there are two of the id "${element.id}"`, written.value, places, 'ids that differ');
    }
    taken.set(`${space} ${element.id}`, element);
  }
  for (const element of elements) {
    if (element.reference || element.id !== '' || element.token.text === PIPELINE) continue;
    const type = element.token.text;
    const space = type === SESSION ? SESSION : 'node';
    let id = type;
    for (let count = 2; taken.has(`${space} ${id}`); count++) id = `${type}-${count}`;
    element.id = id;
    taken.set(`${space} ${id}`, element);
  }
  for (const element of elements) {
    if (!element.reference)
      places.set([element.token.text === SESSION ? 'sessions' : 'nodes', element.id], element.token.offset);
  }
}

function optionsOf(element: Element, path: readonly string[], places: PathPlaces): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const { key, value } of element.options) {
    if (key.text === 'id' && element.token.text !== PIPELINE) continue;
    if (key.text === 'from' || key.text === 'type') {
      throw syntax(`"${key.text}" is said by the line itself`, key, places, 'links by `!`');
    }
    if (Object.hasOwn(options, key.text)) throw syntax(`"${key.text}" is given twice`, key, places, 'each option once');
    places.setKey([...path, key.text], key.offset);
    places.set([...path, key.text], value.offset);
    options[key.text] = valueOf(value, places);
  }
  return options;
}

/** Text in quotes is a text; anything else is what YAML makes of it. */
function valueOf(value: Token, places: PathPlaces): unknown {
  if (value.quoted) return value.text;
  const document = parseDocument(value.text, { prettyErrors: false, version: '1.2' });
  if (document.errors.length > 0 || hasAlias(document)) {
    const expected = 'a number, a text, [a, list] or { a: map }; other texts in quotes';
    throw syntax(`"${value.text}" is no value`, value, places, expected);
  }
  const plain: unknown = document.toJS();
  return plain === null && value.text !== 'null' ? '' : plain;
}

/** Whether a value refers to another one, which a line does not have. */
function hasAlias(document: Document): boolean {
  let found = false;
  visit(document, {
    Alias() {
      found = true;
      return visit.BREAK;
    },
  });
  return found;
}

/** Puts the links of one chain into `from` of the nodes that they lead to. */
function linkChain(
  chain: readonly Element[],
  nodes: Record<string, Record<string, unknown>>,
  places: PathPlaces,
): void {
  for (const [index, to] of chain.entries()) {
    const from = chain[index - 1];
    if (!from) continue;
    for (const one of [from, to]) {
      if (!one.reference && (one.token.text === SESSION || one.token.text === PIPELINE)) {
        throw syntax(`"${one.token.text}" cannot be linked`, one.token, places, 'a chain of its own, ended by `;`');
      }
    }
    const node = nodes[to.id];
    if (!node) throw syntax(`there is no node "${to.id}"`, to.token, places, `one of ${Object.keys(nodes).join(', ')}`);
    const port = from.reference?.port ?? '';
    addLink(node, to, port === '' ? from.id : `${from.id}.${port}`, from.token, places);
  }
}

/** `from` is an id, a list of them, or a map from inputs to them: the simplest that says it. */
function addLink(node: Record<string, unknown>, to: Element, text: string, token: Token, places: PathPlaces): void {
  const input = to.reference?.port ?? '';
  const before = node['from'];
  const path = ['nodes', to.id, 'from'];
  if (isMapOf(before) !== (input !== '') && before !== undefined) {
    throw syntax(
      `"${to.id}" has links with and without an input`,
      to.token,
      places,
      'an input for all of its links, or for none',
    );
  }
  const owner = input === '' ? node : ((node['from'] ??= {}) as Record<string, unknown>);
  const key = input === '' ? 'from' : input;
  const known = owner[key];
  const base = input === '' ? path : [...path, input];
  if (known === undefined) {
    owner[key] = text;
    places.set(base, token.offset);
  } else {
    const list: unknown[] = Array.isArray(known) ? known : [known];
    if (!Array.isArray(known)) places.set([...base, 0], places.offsetOf(base));
    places.set([...base, list.length], token.offset);
    owner[key] = [...list, text];
  }
}

function syntax(
  message: string,
  at: { readonly offset: number; readonly text?: string },
  places: PathPlaces,
  expected: string,
): SluiceError {
  const place: Place = places.at(at.offset);
  return new SluiceError('SLUICE_CONFIG_SYNTAX', message, {
    place,
    found: at.text === undefined ? 'the end' : `"${at.text}"`,
    expected,
    mend: 'Write `type option=value ! type option=value`; see `sluice help launch`.',
  });
}
