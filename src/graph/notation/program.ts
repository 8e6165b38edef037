import type { Place } from '../../media/errors.js';
import type { NodeDef } from '../../media/node.js';
import type { WrittenGraph } from '../load.js';
import type { Path, Places } from '../../media/source-map.js';

const BRAND = Symbol.for('sluice.graph');

/**
 * A graph that a program has written, or read from a file or a line. Nothing is checked before it is planned. Immutable.
 * `instanceof` works across two installed copies of sluice.
 */
export class Graph {
  readonly written: WrittenGraph;
  /** Kinds of node that it brings along, beside those that come with sluice. */
  readonly nodes: readonly NodeDef[];

  constructor(written: WrittenGraph, nodes: readonly NodeDef[] = []) {
    this.written = written;
    this.nodes = nodes;
    Object.defineProperty(this, BRAND, { value: true });
  }

  static [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && BRAND in value;
  }
}

/** A graph of a value in a program: everything in it stands where `graph()` was called. */
export function programGraph(value: unknown, callSite: Place, baseDir: string, nodes: readonly NodeDef[] = []): Graph {
  return new Graph({ value, places: new OnePlace(callSite), file: callSite.file ?? 'graph', baseDir }, nodes);
}

/**
 * Where the function that called `above` was called itself: file, line and column as V8 tells them; without a line where
 * it does not.
 */
export function callSiteOf(above: (...args: never[]) => unknown): Place {
  const trace: { stack?: string } = {};
  Error.captureStackTrace(trace, above);
  const match = /\(?((?:file:\/\/)?[^()\s]+):(\d+):(\d+)\)?$/.exec(trace.stack?.split('\n')[1] ?? '');
  if (!match) return { file: 'graph' };
  return { file: pathOf(match[1] ?? ''), line: Number(match[2]), column: Number(match[3]) };
}

function pathOf(address: string): string {
  return address.startsWith('file://') ? decodeURIComponent(new URL(address).pathname) : address;
}

class OnePlace implements Places {
  readonly #place: Place;

  constructor(place: Place) {
    this.#place = place;
  }

  placeOf(_path: Path): Place {
    return this.#place;
  }

  placeOfKey(_path: Path): Place {
    return this.#place;
  }
}
