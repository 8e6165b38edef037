import { Document, isMap, visit } from 'yaml';
import { isMapOf } from '../plain-value.js';

/** How long a node may be that is written on one line, in characters. */
const LONGEST_LINE = 110;

/** A graph in YAML, one node a line. `schema`: the JSON Schema that editors check it with, as a path from the file. Pure. */
export function writeYaml(value: unknown, schema: string): string {
  const document = new Document(value);
  visit(document, {
    Map(key, node, path) {
      // The file, its sections, then what is in them.
      if (key !== null && path.length >= 4 && JSON.stringify(node.toJSON()).length <= LONGEST_LINE) node.flow = true;
    },
  });
  if (isMap(document.contents)) document.commentBefore = ` yaml-language-server: $schema=${schema}`;
  return document.toString({ lineWidth: 0, singleQuote: true }).replace(/^(#[^\n]*\n)\n/, '$1');
}

/** A graph in JSON. Pure. */
export function writeJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** A graph as the other notations write it: without what goes without saying, `null` as the name of a type. Pure. */
export function normalGraph(value: unknown): Readonly<Record<string, unknown>> {
  if (!isMapOf(value)) return {};
  const { description, strict, sessions, nodes } = value;
  return {
    ...(description !== undefined && { description }),
    ...(strict !== undefined && { strict }),
    ...(isMapOf(sessions) && Object.keys(sessions).length > 0 && { sessions }),
    nodes: isMapOf(nodes) ? Object.fromEntries(Object.entries(nodes).map(([id, node]) => [id, normalNode(node)])) : {},
  };
}

function normalNode(node: unknown): unknown {
  if (!isMapOf(node)) return node;
  const { type, from, ...rest } = node;
  const only = Array.isArray(from) && from.length === 1 ? (from as readonly unknown[])[0] : from;
  return { type: type === null ? 'null' : type, ...(from !== undefined && { from: only }), ...rest };
}
