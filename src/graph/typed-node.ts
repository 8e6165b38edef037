import { z } from 'zod';
import { portsOf, type InputFormats, type NodeDef, type PortDef } from '../media/node.js';
import type { LoadedNode } from './load.js';
import type { Path } from '../media/source-map.js';

/** A node whose type is known and whose options are right. */
export interface TypedNode {
  readonly id: string;
  readonly loaded: LoadedNode;
  readonly def: NodeDef;
  /** Options as the graph gives them; a session that goes without saying is among them. */
  readonly written: Readonly<Record<string, unknown>>;
  /** As the schema puts them out. */
  readonly options: unknown;
  /** Options that the planner has set. */
  readonly adapted: Readonly<Record<string, unknown>>;
}

/** Names of a node's options; those of an option that is a map with names of its own, where `within` leads to one. Pure. */
export function optionNames(def: NodeDef, within: Path = []): readonly string[] {
  let schema: unknown = def.options;
  for (const key of within) schema = schema instanceof z.ZodObject ? unwrapped(schema.shape[key]) : undefined;
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

/** A schema without what says that a value may be left out. */
function unwrapped(schema: unknown): unknown {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodDefault ? unwrapped(schema.unwrap()) : schema;
}

/** Whether a node cannot do without an option. Pure. */
export function needs(def: NodeDef, option: string): boolean {
  if (!(def.options instanceof z.ZodObject)) return false;
  const field: unknown = def.options.shape[option];
  return field instanceof z.ZodType && !field.safeParse(undefined).success;
}

/**
 * The same node with those of its open options set that stand for a format; undefined when it has none, or does not
 * take them so. Pure.
 */
export function adaptedTo(
  node: TypedNode,
  format: Parameters<NonNullable<NodeDef['adapts']>>[0],
): TypedNode | undefined {
  const wanted = Object.entries(node.def.adapts?.(format) ?? {}).filter(([name]) => node.written[name] === undefined);
  if (wanted.length === 0) return undefined;
  const parsed = node.def.options.safeParse({ ...node.written, ...Object.fromEntries(wanted) });
  if (!parsed.success) return undefined;
  const before = node.options as Readonly<Record<string, unknown>>;
  const changed = wanted.filter(([name, value]) => before[name] !== value);
  return { ...node, options: parsed.data, adapted: Object.fromEntries(changed) };
}

export function inputPorts(node: TypedNode): readonly PortDef[] {
  return portsOf(node.def, node.options).inputs;
}

export function outputPorts(node: TypedNode, inputFormats?: InputFormats): readonly PortDef[] {
  return portsOf(node.def, node.options, inputFormats).outputs;
}
