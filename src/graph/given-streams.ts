import type { Readable, Writable } from 'node:stream';
import { SluiceError, type Place } from '../media/errors.js';
import { nearest } from './nearest.js';
import type { Plan, PlannedNode } from './planned.js';

/** Streams of the program around a graph, by the ids of its `input` and `output` nodes. */
export interface GivenStreams {
  readonly inputs?: Readonly<Record<string, Readable>>;
  readonly outputs?: Readonly<Record<string, Writable>>;
}

/** The streams that a program gave to one run, which owns them from then on, as `stream.pipeline` does. */
export class GivenToRun {
  readonly #streams: GivenStreams;

  constructor(streams: GivenStreams) {
    this.#streams = streams;
    // What goes wrong with them is told by the run.
    for (const stream of this.#all()) stream.on('error', () => undefined);
  }

  /** Every input and output has its stream, and no other is there. Errors: SLUICE_STREAM_MISSING. */
  check(plan: Plan): void {
    for (const node of plan.nodes) if (node.def.given && !this.#find(node.id, node.def.given)) throw missing(node);
    for (const direction of ['input', 'output'] as const) {
      const ids = plan.nodes.filter((node) => node.def.given === direction).map((node) => node.id);
      const stray = Object.keys(this.#streams[`${direction}s`] ?? {}).find((id) => !ids.includes(id));
      if (stray !== undefined) throw unknown(stray, direction, ids, plan);
    }
  }

  /** Errors: SLUICE_STREAM_MISSING. */
  input(id: string, place: Place): Readable {
    return this.#streams.inputs?.[id] ?? refuse(id, place);
  }

  /** Errors: SLUICE_STREAM_MISSING. */
  output(id: string, place: Place): Writable {
    return this.#streams.outputs?.[id] ?? refuse(id, place);
  }

  /** Ends what the run has not: those of nodes that were never made, and everything when it failed. */
  release(failure: unknown): void {
    const reason = failure instanceof Error ? failure : undefined;
    for (const stream of this.#all()) if (!stream.closed && !isDone(stream)) stream.destroy(reason);
  }

  #find(id: string, direction: 'input' | 'output'): Readable | Writable | undefined {
    const streams: Readonly<Record<string, Readable | Writable>> = this.#streams[`${direction}s`] ?? {};
    return Object.hasOwn(streams, id) ? streams[id] : undefined;
  }

  #all(): (Readable | Writable)[] {
    return [...Object.values(this.#streams.inputs ?? {}), ...Object.values(this.#streams.outputs ?? {})];
  }
}

/** A stream that has ended may still be read by the program. */
function isDone(stream: Readable | Writable): boolean {
  return 'writableFinished' in stream ? stream.writableFinished : stream.readableEnded;
}

function refuse(id: string, place: Place): never {
  throw new SluiceError('SLUICE_STREAM_MISSING', `no stream was given for "${id}"`, { place });
}

function missing({ id, place, def }: PlannedNode): SluiceError {
  const direction = def.given ?? 'input';
  return new SluiceError('SLUICE_STREAM_MISSING', `"${id}" is an ${direction} of the program around the pipeline`, {
    place,
    found: `no stream for "${id}"`,
    expected: `runGraph(graph, { ${direction}s: { ${JSON.stringify(id)}: stream } })`,
    mend: 'Run it from a program that gives the stream, or put a file or a session in its place.',
  });
}

function unknown(id: string, direction: string, ids: readonly string[], plan: Plan): SluiceError {
  const near = nearest(id, ids);
  return new SluiceError('SLUICE_STREAM_MISSING', `the pipeline has no ${direction} "${id}"`, {
    place: { file: plan.file },
    found: `a stream for "${id}"`,
    expected: ids.length === 0 ? `no ${direction}s` : `streams for ${ids.join(', ')}`,
    mend: near === undefined ? `Leave it out, or add a node of type ${direction}.` : `Did you mean "${near}"?`,
  });
}
