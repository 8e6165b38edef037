import type { z } from 'zod';
import type { NodeDef } from '../media/node.js';
import type { OnErrorConfig, QueueConfig, SessionConfig } from './schema.js';

/** A value that is filled in from the environment when the graph is planned: `${NAME}` or `${NAME:-default}`. */
export type Variable = `\${${string}}`;

/** Definitions of nodes, by any name. */
export type NodeDefs = Readonly<Record<string, NodeDef>>;

/** Definitions as a list, by their types. */
export type DefsOf<List extends readonly NodeDef[]> = { readonly [Def in List[number] as Def['type']]: Def };

/** The types of node there are. */
export type NodeType<Defs extends NodeDefs> = Defs[keyof Defs]['type'];

/** The types of the nodes of one graph, by id. */
export type TypesById<Defs extends NodeDefs> = Readonly<Record<string, NodeType<Defs>>>;

/** A graph as a program writes it: what a pipeline file holds, with the options and ports of its nodes checked by the compiler. */
export interface GraphSpec<Defs extends NodeDefs, Types extends TypesById<Defs>, Session extends string> {
  /** What the pipeline does, in one line. */
  readonly description?: string;
  /** Refuse links whose formats differ, instead of putting converters in. */
  readonly strict?: boolean;
  /** Sessions to take part in, by id. */
  readonly sessions?: Readonly<Record<Session, z.input<typeof SessionConfig>>>;
  /** Nodes by id. */
  readonly nodes: { readonly [Id in keyof Types]: NodeSpec<Defs, Types, Types[Id], Session> };
}

type NodeSpec<
  Defs extends NodeDefs,
  Types extends TypesById<Defs>,
  Type extends NodeType<Defs>,
  Session extends string,
> = {
  readonly type: Type;
  /** What flows in: an id, `id.output`, a list of them, or a map from inputs to them. */
  readonly from?: FromSpec<Defs, Types, Type>;
  readonly queue?: z.input<typeof QueueConfig>;
  readonly onError?: z.input<typeof OnErrorConfig>;
} & OptionsSpec<DefOf<Defs, Type>, Session>;

type DefOf<Defs extends NodeDefs, Type> = Extract<Defs[keyof Defs], { readonly type: Type }>;

type OptionsSpec<Def extends NodeDef, Session extends string> =
  z.input<Def['options']> extends infer Options
    ? string extends keyof Options
      ? unknown
      : {
          readonly [Name in keyof Omit<Options, 'session'>]: OrVariable<Options[Name]>;
        } & ('session' extends keyof Options
          ? { /** Id of the session; may be left out where the graph has one. */ readonly session?: Session }
          : unknown)
    : never;

/** Texts can be variables anyhow. */
type OrVariable<Value> = Value extends number | boolean ? Value | Variable : Value;

type FromSpec<Defs extends NodeDefs, Types extends TypesById<Defs>, Type> =
  InputOf<DefOf<Defs, Type>> extends infer Input extends string
    ? [Input] extends [never]
      ? never
      : References<Defs, Types> | { readonly [Name in Input]?: References<Defs, Types> }
    : never;

type References<Defs extends NodeDefs, Types extends TypesById<Defs>> =
  Reference<Defs, Types> | readonly Reference<Defs, Types>[];

type Reference<Defs extends NodeDefs, Types extends TypesById<Defs>> = {
  [Id in keyof Types & string]: OutputOf<DefOf<Defs, Types[Id]>> extends infer Output extends string
    ? [Output] extends [never]
      ? never
      : Id | `${Id}.${Output}`
    : never;
}[keyof Types & string];

type InputOf<Def> = Def extends NodeDef<z.ZodType, string, infer Input> ? Input : never;
type OutputOf<Def> = Def extends NodeDef<z.ZodType, string, string, infer Output> ? Output : never;
