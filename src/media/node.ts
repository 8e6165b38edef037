import { Transform, type Readable, type Writable } from 'node:stream';
import type { z } from 'zod';
import type { Clock } from './clock.js';
import { SluiceError, type Place } from './errors.js';
import type { FormatPattern } from './format.js';
import type { MediaValue } from './media-value.js';
import type { Need } from './need.js';
import type { SessionAccess, StreamInfo } from './session-access.js';

/** One input or output of a node. */
export interface PortDef<Name extends string = string> {
  readonly name: Name;
  /** What it carries, best first. A field that is not known before it runs is left out of an output. */
  readonly formats: readonly FormatPattern[];
  /**
   * An input that takes any number of links; one that does not takes exactly one. An output that gives each link a
   * Readable of its own, and goes by none of them.
   */
  readonly many?: boolean;
  /** A port that need not be linked. A node with outputs needs at least one linked output all the same. */
  readonly optional?: boolean;
  /**
   * Of an output of a node that joins: there is one for each branch that flows into it, and what reads it belongs to that
   * branch again. It is meant only where a link names it.
   */
  readonly perBranch?: boolean;
  /**
   * Of an input. `push` takes what comes at once, always; `pull` takes it at its own pace and holds back who gives.
   * Left out, a node with outputs hands the pace of its readers on, and one without pulls.
   */
  readonly flow?: Flow;
  /** Of an input: media that may wait in it before it holds back, in ms. 0 when left out. */
  readonly bufferMs?: number;
  /** Of an input that pulls: how much live media may wait in a queue before it, in ms. 500 when left out. */
  readonly queueMs?: number;
}

/** `push`: media comes by the clock, wanted or not. `pull`: it comes as it is asked for. */
export type Flow = 'push' | 'pull';

/** How long media stays inside a node. */
export interface NodeLatency {
  /** What comes out comes by the clock and cannot be held back. */
  readonly live?: boolean;
  /** Media that must have come in before the first comes out, in ms. */
  readonly minMs: number;
  /** Longest time that media stays inside, in ms. */
  readonly maxMs: number;
}

/** One way in which the planner can use a node to bring a format nearer to another one. */
export interface Conversion {
  /** As a graph would write them. */
  readonly options: Readonly<Record<string, unknown>>;
  /** What it costs, about: µs of one core for a second of media. */
  readonly cost: number;
}

/** What flows into a node, by the name of its input port: what the planner found on the links there. */
export type InputFormats = ReadonlyMap<string, readonly FormatPattern[]>;

/** What a node is given to run with. */
export interface NodeContext {
  /** Id of the node in its graph. */
  readonly id: string;
  readonly clock: Clock;
  readonly log: NodeLog;
  /** Aborted when the graph stops at once, and when the node that was made in this context is over. */
  readonly signal: AbortSignal;
  /** The node is made anew after a failure: what it wrote before is to be kept. */
  readonly isRestart?: boolean;
  /** Folder that relative paths in the pipeline's options start from. */
  readonly baseDir: string;
  /** The stream that this branch of the graph was made for (`streams: each`). */
  readonly branch?: StreamInfo;
  /** Tells, until `signal` is aborted, when that stream has been muted or is not any more, or has another name. */
  onBranchUpdated?(listener: (stream: StreamInfo) => void): void;
  /** A session of the graph by its id. Errors: SLUICE_SESSION_UNKNOWN when there is none of that name. */
  session(id: string): SessionAccess;
  /** The stream that the program around the graph gave for this node by its id. Errors: SLUICE_STREAM_MISSING. */
  readonly given: { input(): Readable; output(): Writable };
  /** Counts media that this node let go of; `reason` is one of a few fixed texts. Shown in the run's report. */
  dropped(reason: string, count?: number): void;
  /**
   * Tells how long something took, in ms; `name` is one of a few fixed texts, as `first audio`. Shown in the run's report
   * with its quantiles. What is no finite number is left out.
   */
  measured(name: string, ms: number): void;
  /** Tells how far long work has come, shown on a terminal. `fraction` is 0 to 1 where it is known. */
  progress(text: string, fraction?: number): void;
}

/** Structured log, one line a call. */
export interface NodeLog {
  debug(fields: object, text: string): void;
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}

/** What a node may know of a link into it. */
export interface InputLink {
  /** Name of the stream whose branch it comes from; outside of branches the id of the node. */
  readonly name?: string;
  /** The branch that it comes from, by the id of its stream. */
  readonly branch?: string;
  /** `push`: media comes by the clock, and nothing is between that could wait. `pull` when left out. */
  readonly flow?: Flow;
  /** The output that it comes from, as the graph names it: `id.output`. */
  readonly from?: string;
}

/** A running node with any number of ports. */
export interface NodePorts {
  /** A new Writable for one more link into `port`. */
  input?(port: string, link?: InputLink): Writable;
  /**
   * The Readable of `port`; asked for once, and only when it is linked. One of `many` is asked for once for each link; one of
   * `perBranch` once for each branch, with the id of its stream.
   */
  output?(port: string, branch?: string): Readable;
  /** No more calls of `input(port)` will come: a port that takes many is through when those it has have ended. */
  seal?(port: string): void;
  /** Takes other options while it runs, of which those in `changes` may differ. They have been checked. */
  update?(options: unknown): void;
  /** Called once when the node's run is over, however it ended. The streams given out have ended or were destroyed. */
  close?(): void | Promise<void>;
}

/** Where a node that makes branches says which ones there are. */
export interface BranchEvents {
  /** A stream has come: the part of the graph behind the node is made for it, the node itself included. */
  began(stream: StreamInfo): void;
  /** A stream that has come was muted or is not any more, or has another name. */
  updated(stream: StreamInfo): void;
  /** A stream has gone: its branch takes in no more, drains and ends. */
  ended(streamId: string): void;
}

/**
 * A function of a node's options. (Declared as a method, so that a definition with options of its own
 * is also a NodeDef of any options.)
 */
type FromOptions<S extends z.ZodType, Result, Rest extends readonly unknown[] = []> = {
  of(options: OptionsOf<S>, ...rest: Rest): Result;
}['of'];

/** A node is a stream of its own (at most one input and one output), or a set of ports. */
export type NodeInstance = Readable | Writable | NodePorts;

/** Options as `create` sees them. */
export type OptionsOf<S extends z.ZodType> = z.output<S>;

/**
 * A kind of node: everything that the planner, the builder, the reference page and `inspect` need to know. `Type`,
 * `Input` and `Output` are its name and the names of its ports, for graphs that are written in TypeScript.
 */
export interface NodeDef<
  S extends z.ZodType = z.ZodType,
  Type extends string = string,
  Input extends string = string,
  Output extends string = string,
> {
  readonly type: Type;
  /** One sentence. */
  readonly summary: string;
  /**
   * A strict zod schema; every option is described with its unit, range and default. An option named `session`
   * holds the id of a session (the only session of a graph is filled in). `type` and `from` belong to the graph.
   */
  readonly options: S;
  readonly inputs: readonly PortDef<Input>[] | FromOptions<S, readonly PortDef<Input>[]>;
  /** A function also gets what flows in, so that a node that keeps its format can say so. */
  readonly outputs: readonly PortDef<Output>[] | FromOptions<S, readonly PortDef<Output>[], [InputFormats]>;
  /** Takes in all branches at once instead of being made anew in each (mixer). Its inputs are `many`, and it has `seal`. */
  readonly joins?: boolean;
  /** Whether the node makes branches: it and what is behind it is made anew for every stream that `watch` announces. */
  readonly branches?: FromOptions<S, boolean>;
  /**
   * Announces branches until `context.signal` is aborted, which is no error, or until no more can come; then it settles.
   * `create` is then called once for each branch, with that stream as `context.branch`. See `watchStreams`.
   */
  readonly watch?: FromOptions<S, Promise<void>, [NodeContext, BranchEvents]>;
  /** Name of the option that names one of the links into the node, as the graph writes it: `id` or `id.output`. */
  readonly namesInput?: string;
  /** Options that may be changed while it runs; what `create` makes then has `update`. */
  readonly changes?: readonly string[];
  /** Stands for a stream of the program around the graph, which the node gets by `context.given`. */
  readonly given?: 'input' | 'output';
  /** What it needs outside of the program, which `sluice doctor` looks for; paths are relative to `baseDir`. */
  readonly needs?: FromOptions<S, readonly Need[], [baseDir: string]>;
  /** No time at all when left out. */
  readonly latency?: NodeLatency | FromOptions<S, NodeLatency>;
  /** Takes from one of its inputs only as far as the others have come: what waits for what can then be a deadlock. */
  readonly waitsForAll?: boolean | FromOptions<S, boolean>;
  /**
   * Options that give a format on an output, or take it on an input. Those that the graph leaves open are set so where
   * that spares a converter.
   */
  readonly adapts?: (format: FormatPattern) => Readonly<Record<string, unknown>>;
  /** Of a node that the planner may put in by itself: how it brings `from` nearer to `to`; undefined when it cannot. */
  readonly converts?: (from: FormatPattern, to: FormatPattern) => Conversion | undefined;
  /** A pipeline fragment that works, for the reference page. */
  readonly example: string;
  /** Set by defineTransform: the node as one synchronous function a value, which the builder may fuse with its neighbours. */
  readonly transform?: FromOptions<S, TransformFunction, [NodeContext]>;
  /** Makes the running node. Ownership: the streams belong to the caller, who destroys them. */
  create(options: OptionsOf<S>, context: NodeContext): NodeInstance | Promise<NodeInstance>;
}

/** Takes a value and gives one, or undefined to drop it. Called for every chunk: no promises, no state of others. */
export type TransformFunction = (value: MediaValue) => MediaValue | undefined;

/** Gives a definition its type; `create` and the port functions see the options as the schema puts them out. */
export function defineNode<
  S extends z.ZodType,
  const Type extends string,
  const Input extends string = never,
  const Output extends string = never,
>(def: NodeDef<S, Type, Input, Output>): NodeDef<S, Type, Input, Output> {
  return def;
}

/** A node that is one synchronous function a value; its stream is made from the function. */
export function defineTransform<
  S extends z.ZodType,
  const Type extends string,
  const Input extends string,
  const Output extends string,
>(
  def: Omit<NodeDef<S, Type, Input, Output>, 'create' | 'transform'> & Required<Pick<NodeDef<S>, 'transform'>>,
): NodeDef<S, Type, Input, Output> {
  return { ...def, create: (options, context) => transformStream(def.transform(options, context)) };
}

/** The ports that a node has with these options. `inputFormats` is left out where links are not yet known. */
export function portsOf<S extends z.ZodType>(
  def: NodeDef<S>,
  options: OptionsOf<S>,
  inputFormats: InputFormats = new Map(),
): { readonly inputs: readonly PortDef[]; readonly outputs: readonly PortDef[] } {
  return {
    inputs: typeof def.inputs === 'function' ? def.inputs(options) : def.inputs,
    outputs: typeof def.outputs === 'function' ? def.outputs(options, inputFormats) : def.outputs,
  };
}

/** How long media stays inside a node with these options. */
export function latencyOf<S extends z.ZodType>(def: NodeDef<S>, options: OptionsOf<S>): NodeLatency {
  return typeof def.latency === 'function' ? def.latency(options) : (def.latency ?? NO_LATENCY);
}

/** Checks options against the node's schema. Errors: SLUICE_CONFIG_INVALID, with the option's name. */
export function parseOptions<S extends z.ZodType>(def: NodeDef<S>, options: unknown, place: Place = {}): z.output<S> {
  const result = def.options.safeParse(options);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const path = issue && issue.path.length > 0 ? `${issue.path.join('.')}: ` : '';
  throw new SluiceError('SLUICE_CONFIG_INVALID', `${def.type}: ${path}${issue?.message ?? 'invalid options'}`, {
    place,
    mend: `See \`sluice inspect ${def.type}\` for its options.`,
    cause: result.error,
  });
}

const NO_LATENCY: NodeLatency = { minMs: 0, maxMs: 0 };

function transformStream(apply: TransformFunction): Transform {
  return new Transform({
    objectMode: true,
    transform(value: MediaValue, _encoding, done) {
      try {
        done(null, apply(value));
      } catch (error) {
        done(error as Error);
      }
    },
  });
}
