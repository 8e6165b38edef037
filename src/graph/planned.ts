import type { Place } from '../media/errors.js';
import type { FormatPattern } from '../media/format.js';
import type { NodeDef, PortDef } from '../media/node.js';
import type { LoadedSession } from './load.js';

export interface PlannedNode {
  readonly id: string;
  readonly def: NodeDef;
  /** As the schema puts them out. */
  readonly options: unknown;
  readonly place: Place;
  readonly inputs: readonly PortDef[];
  readonly outputs: readonly PortDef[];
  /** Longest time that media stays inside, in ms. */
  readonly latencyMs: number;
}

export interface PlannedLink {
  /** `tone.out -> file.in` */
  readonly name: string;
  readonly from: { readonly node: string; readonly output: string };
  readonly to: { readonly node: string; readonly input: string };
  /** What can flow here, best first; never empty. */
  readonly formats: readonly FormatPattern[];
  readonly place: Place;
}

/** A part of the graph that is made anew for every stream. */
export interface PlannedBranch {
  /** The node that makes the branches; it is in each of them itself. */
  readonly source: string;
  /** Ids of all nodes of a branch, upstream first, the source included. */
  readonly nodes: readonly string[];
}

/** Everything that is known of a graph before it runs. */
export interface Plan {
  readonly file: string;
  readonly baseDir: string;
  readonly description?: string;
  /** Holds secrets: never print it whole. */
  readonly sessions: readonly LoadedSession[];
  /** Upstream before downstream; among equals as in the file. */
  readonly nodes: readonly PlannedNode[];
  /** In the order of the nodes that they lead to, and of their `from`. */
  readonly links: readonly PlannedLink[];
  readonly branches: readonly PlannedBranch[];
  /** Runs of functions that are built as one stream, by node id. */
  readonly fused: readonly (readonly string[])[];
}
