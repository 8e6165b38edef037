import { Readable, Writable, type Duplex } from 'node:stream';
import { asStream } from 'stream-chain/asStream.js';
import { gen } from 'stream-chain/gen.js';
import { SluiceError, type Place } from '../media/errors.js';
import type { PipelineValue } from '../media/media-value.js';
import type { InputLink, NodeContext, NodeInstance, NodePorts, TransformFunction } from '../media/node.js';
import type { LinkCount } from './link-count.js';
import { LinkMeter } from './link-meter.js';
import { placed } from './placed.js';
import type { Plan, PlannedLink, PlannedNode } from './planned.js';

/** A node that runs, or several that were built as one stream. */
export interface BuiltNode {
  input(port: string, link: InputLink): Writable;
  /** `branch`: id of the stream whose branch it is for, where there is one for each. */
  output(port: string, branch?: string): Readable;
  seal(port: string): void;
  /** Takes other options while it runs. */
  update(options: unknown): void;
  /** Frees what is not a stream. */
  close(): void | Promise<void>;
  /** The stream that the node itself is, which exists before it is linked. */
  readonly stream?: Readable | Writable;
}

export interface BuildOptions {
  readonly plan: Plan;
  /** By the name of the link. */
  readonly counts: ReadonlyMap<string, LinkCount>;
  readonly contextOf: (node: PlannedNode) => NodeContext;
  /** Options of a node as they are when it is made. */
  readonly optionsOf: (node: PlannedNode) => unknown;
  /** Told of what passes each link, before its reader has it. */
  readonly observe?: ((link: PlannedLink) => ((value: PipelineValue) => void) | undefined) | undefined;
}

/** Nodes that are built together: runs of functions become one stream, all others one each. Pure. */
export function unitsOf(
  plan: Plan,
  nodes: readonly PlannedNode[],
): readonly (readonly [PlannedNode, ...PlannedNode[]])[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const runs = plan.fused.map((ids) => ids.flatMap((id) => byId.get(id) ?? []));
  const inRuns = new Set(runs.flat());
  const units: PlannedNode[][] = [...runs, ...nodes.filter((node) => !inRuns.has(node)).map((node) => [node])];
  return units.filter<[PlannedNode, ...PlannedNode[]]>(isSome);
}

/** Makes one unit of unitsOf. Errors: those of its nodes, with their place. */
export async function buildNode(
  unit: readonly [PlannedNode, ...PlannedNode[]],
  options: BuildOptions,
): Promise<BuiltNode> {
  if (unit.length > 1) return fuse(unit, options);
  const [node] = unit;
  let instance: NodeInstance;
  try {
    instance = await node.def.create(options.optionsOf(node), options.contextOf(node));
  } catch (error) {
    throw placed(error, node.place);
  }
  if (instance instanceof Readable || instance instanceof Writable) return fromStream(instance, node);
  return fromPorts(instance, node);
}

function isSome<T>(list: T[]): list is [T, ...T[]] {
  return list.length > 0;
}

function fromStream(stream: Readable | Writable, { place, id }: PlannedNode): BuiltNode {
  let linked = false;
  return {
    stream,
    input() {
      if (linked || !(stream instanceof Writable)) throw fault(`"${id}" cannot take this link`, place);
      linked = true;
      return stream;
    },
    output() {
      if (!(stream instanceof Readable)) throw fault(`"${id}" has no output`, place);
      return stream;
    },
    seal: () => undefined,
    update: () => undefined,
    close: () => undefined,
  };
}

function fromPorts(ports: NodePorts, { place, id }: PlannedNode): BuiltNode {
  return {
    input(port, link) {
      if (!ports.input) throw fault(`"${id}" has no inputs`, place);
      return ports.input(port, link);
    },
    output(port, branch) {
      if (!ports.output) throw fault(`"${id}" has no outputs`, place);
      return ports.output(port, branch);
    },
    seal: (port) => ports.seal?.(port),
    update: (options) => ports.update?.(options),
    close: () => ports.close?.(),
  };
}

/** The only place where stream-chain is used: functions one after the other, without a stream for each. */
function fuse(
  run: readonly [PlannedNode, ...PlannedNode[]],
  { plan, counts, contextOf, observe }: BuildOptions,
): BuiltNode {
  const ids = new Set(run.map((node) => node.id));
  const functions = run.map((node) => {
    const inner = plan.links.find((link) => link.to.node === node.id && ids.has(link.from.node));
    const count = inner && counts.get(inner.name);
    const meter = count && new LinkMeter(count, inner.formats);
    return step(node, contextOf(node), { count, meter, onValue: inner && observe?.(inner) });
  });
  const stream = asStream(gen(...functions)) as unknown as Duplex;
  return fromStream(stream, run[0]);
}

/** The link within a run to one of its functions; the first has none. */
interface InnerLink {
  readonly count: LinkCount | undefined;
  readonly meter: LinkMeter | undefined;
  readonly onValue: ((value: PipelineValue) => void) | undefined;
}

/** One function of a run, with the counting and the place that its stream would have given. */
function step(
  { def, options, place }: PlannedNode,
  context: NodeContext,
  { count, meter, onValue }: InnerLink,
): TransformFunction {
  const apply = def.transform?.(options, context);
  if (!apply) throw fault(`${def.type} is no function`, place);
  return (value) => {
    onValue?.(value);
    meter?.take(value);
    if (count) count.taken++;
    try {
      return apply(value);
    } catch (error) {
      throw placed(error, place);
    }
  };
}

function fault(message: string, place: Place): SluiceError {
  return new SluiceError('SLUICE_INTERNAL', message, { place });
}
