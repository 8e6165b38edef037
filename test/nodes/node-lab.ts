import { Readable, Writable } from 'node:stream';
import type { Clock } from '../../src/media/clock.js';
import { systemClock } from '../../src/media/clock.js';
import type { MediaValue } from '../../src/media/media-value.js';
import type { NodeContext } from '../../src/media/node.js';
import type { StreamInfo } from '../../src/media/session-access.js';

export interface TestContext extends NodeContext {
  /** What the node said it dropped, by reason. */
  readonly drops: Map<string, number>;
  /** What it measured, in ms, by name. */
  readonly measures: Map<string, number[]>;
}

/** A context for a node that runs by itself. */
export function testContext(options: { clock?: Clock; baseDir?: string; branch?: StreamInfo } = {}): TestContext {
  const drops = new Map<string, number>();
  const measures = new Map<string, number[]>();
  return {
    id: 'n',
    clock: options.clock ?? systemClock,
    log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
    signal: new AbortController().signal,
    baseDir: options.baseDir ?? '/nowhere',
    ...(options.branch && { branch: options.branch }),
    session: () => {
      throw new Error('no session');
    },
    given: {
      input: () => {
        throw new Error('no stream');
      },
      output: () => {
        throw new Error('no stream');
      },
    },
    dropped: (reason, count = 1) => drops.set(reason, (drops.get(reason) ?? 0) + count),
    measured: (name, ms) => measures.set(name, [...(measures.get(name) ?? []), ms]),
    progress: () => undefined,
    drops,
    measures,
  };
}

/** All values that a stream gives, with its type checked. */
export async function collect<T extends MediaValue>(stream: unknown): Promise<T[]> {
  if (!(stream instanceof Readable)) throw new Error('not a Readable');
  return (await stream.toArray()) as T[];
}

export function asWritable(stream: unknown): Writable {
  if (!(stream instanceof Writable)) throw new Error('not a Writable');
  return stream;
}

/** Writes values, ends, and waits until all were taken. */
export async function writeAll(stream: unknown, values: readonly MediaValue[]): Promise<void> {
  const writable = asWritable(stream);
  await new Promise<void>((resolve, reject) => {
    writable.once('error', reject).once('close', resolve);
    for (const value of values) writable.write(value);
    writable.end();
  });
}

/** Lets everything that is due now happen. */
export async function settle(turns = 10): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Strength of one frequency in mono samples, in dBFS (Goertzel): 0 for a full-scale sine. */
export function levelAt(samples: Int16Array, sampleRate: number, frequency: number): number {
  const step = (2 * Math.PI * frequency) / sampleRate;
  let real = 0;
  let imaginary = 0;
  samples.forEach((sample, index) => {
    real += sample * Math.cos(step * index);
    imaginary += sample * Math.sin(step * index);
  });
  return 20 * Math.log10((2 * Math.hypot(real, imaginary)) / samples.length / 32_767);
}

export function concat(chunks: readonly { readonly data: Int16Array }[]): Int16Array {
  return Int16Array.from(chunks.flatMap((chunk) => [...chunk.data]));
}
