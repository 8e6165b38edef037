import type { Place } from '../media/errors.js';
import type { FormatPattern } from '../media/format.js';
import type { Flow, NodeDef, NodeLatency, PortDef } from '../media/node.js';
import type { LoadedSession } from './load.js';
import type { OnError, QueueConfig } from './schema.js';

export interface PlannedNode {
  readonly id: string;
  readonly def: NodeDef;
  /** As the schema puts them out. */
  readonly options: unknown;
  readonly place: Place;
  readonly inputs: readonly PortDef[];
  readonly outputs: readonly PortDef[];
  readonly latency: NodeLatency;
  /** What happens when it fails. */
  readonly onError: OnError;
  /** The graph says that it may end its branch (`end-branch`): that is no failure of the whole. */
  readonly mayFail: boolean;
  /** The planner has put it in, to convert a format. Its id has a `+`, which no written one has. */
  readonly inserted: boolean;
  /** Options that the graph left open and the planner has set to what its neighbours want. */
  readonly adapted: Readonly<Record<string, unknown>>;
}

export interface PlannedLink {
  /** `tone.out -> file.in` */
  readonly name: string;
  readonly from: { readonly node: string; readonly output: string };
  readonly to: { readonly node: string; readonly input: string };
  /** The output that it reads, as the graph wrote it, in front of any converters: `id.output`. */
  readonly source: string;
  /** What can flow here, best first; never empty. */
  readonly formats: readonly FormatPattern[];
  readonly place: Place;
  /** How media comes in: by the clock, or as it is asked for. */
  readonly flow: Flow;
  /** Stands between the two where the graph asks for it, and where live media meets a reader that waits. */
  readonly queue?: QueueConfig;
}

/** A part of the graph that is made anew for every stream. */
export interface PlannedBranch {
  /** The node that makes the branches; it is in each of them itself. */
  readonly source: string;
  /** Ids of all nodes of a branch, upstream first, the source included. */
  readonly nodes: readonly string[];
}

/** How long media takes from a source to a sink, over the slowest way between them. */
export interface PathLatency extends Required<NodeLatency> {
  readonly source: string;
  readonly sink: string;
}

/** Everything that is known of a graph before it runs. */
export interface Plan {
  readonly file: string;
  readonly baseDir: string;
  readonly description?: string;
  readonly strict: boolean;
  /** Holds secrets: never print it whole. */
  readonly sessions: readonly LoadedSession[];
  /** Upstream before downstream; among equals as in the file. */
  readonly nodes: readonly PlannedNode[];
  /** In the order of the nodes that they lead to, then of their `from`. */
  readonly links: readonly PlannedLink[];
  readonly branches: readonly PlannedBranch[];
  /** Runs of functions that are built as one stream, by node id. */
  readonly fused: readonly (readonly string[])[];
  /** By source and sink, in the order of the nodes. */
  readonly latencies: readonly PathLatency[];
  /** Something in it goes by the clock; otherwise it runs as fast as the machine. */
  readonly live: boolean;
}
