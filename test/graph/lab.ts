import { EventEmitter } from 'node:events';
import { Readable, Writable } from 'node:stream';
import { z } from 'zod';
import { audioData, type AudioData } from '../../src/media/audio-data.js';
import { SluiceError } from '../../src/media/errors.js';
import { defineNode, defineTransform, type NodeContext, type NodeDef } from '../../src/media/node.js';
import type { MediaValue } from '../../src/media/media-value.js';
import type { StreamInfo } from '../../src/media/session-access.js';
import { watchStreams } from '../../src/media/watch-streams.js';
import { loadGraph, type LoadResult } from '../../src/graph/load.js';
import { readText } from '../../src/graph/notation/text.js';
import { checkGraph, planGraph } from '../../src/graph/plan.js';
import type { Plan } from '../../src/graph/planned.js';
import { Registry } from '../../src/graph/registry.js';
import type { RunningSession } from '../../src/graph/sessions.js';
import * as nodes from '../../src/nodes/index.js';

export const MONO = { kind: 'audio', sampleRate: 48_000, numberOfChannels: 1 } as const;

/** 20 ms whose first sample is `value`. */
function chunk(value: number, index = value): AudioData {
  return audioData(new Int16Array(960).fill(value), 48_000, 1, index * 20_000);
}

export function loadText(text: string, environment: Record<string, string> = {}, file = 'lab.yaml'): LoadResult {
  try {
    return loadGraph(readText(text, file, '/nowhere'), environment);
  } catch (error) {
    return { problems: [error as SluiceError] };
  }
}

/** What is wrong with a graph, of all stages. */
export function problemsIn(
  text: string,
  registry: Registry,
  environment: Record<string, string> = {},
  file = 'lab.yaml',
): readonly SluiceError[] {
  const { graph, problems } = loadText(text, environment, file);
  return graph && problems.length === 0 ? checkGraph(graph, registry).problems : problems;
}

function planText(text: string, registry: Registry): Plan {
  const { graph, problems } = loadText(text);
  if (!graph || problems[0]) throw problems[0] ?? new Error('no graph');
  return planGraph(graph, registry);
}

/** Nodes that show what happened to them. */
export class Lab {
  /** How often watching has failed. */
  watchFailures = 0;
  /** First sample of what each sink got, by node id and, in a branch, `id@streamId`. */
  readonly got = new Map<string, number[]>();
  /** What sinks got, the values themselves. */
  readonly values = new Map<string, MediaValue[]>();
  /** What happened, in order. */
  readonly events: string[] = [];
  /** Called to let a `gate` sink take one more value. */
  readonly gates = new Map<string, () => void>();
  readonly #waiting = new Map<string, () => void>();
  readonly registry: Registry;

  constructor(extra: readonly NodeDef[] = []) {
    this.registry = new Registry([...Object.values(nodes), ...this.#defs(), ...extra]);
  }

  plan(text: string): Plan {
    return planText(text, this.registry);
  }

  /** Settles when `event` has happened. */
  async happened(event: string): Promise<void> {
    if (this.events.includes(event)) return;
    await new Promise<void>((resolve) => this.#waiting.set(event, resolve));
  }

  note(event: string): void {
    this.events.push(event);
    this.#waiting.get(event)?.();
  }

  #defs(): NodeDef[] {
    const name = (context: NodeContext): string =>
      context.branch ? `${context.id}@${context.branch.streamId}` : context.id;
    const noteClose = <S extends Readable | Writable>(stream: S, context: NodeContext): S => {
      stream.once('close', () => {
        this.note(`${name(context)} closed${stream.errored ? ` by ${stream.errored.message}` : ''}`);
      });
      return stream;
    };
    const count = defineNode({
      type: 'count',
      summary: 'Numbers as audio.',
      options: z.strictObject({ n: z.number().default(Infinity).describe('How many.') }),
      inputs: [],
      outputs: [{ name: 'out', formats: [MONO] }],
      example: '',
      create: ({ n }, context) => {
        let next = 0;
        const made = new Readable({
          objectMode: true,
          highWaterMark: 4,
          read() {
            this.push(next < n ? chunk(next++) : null);
          },
        });
        made.once('close', () => {
          this.note(`${name(context)} made ${next}`);
        });
        return noteClose(made, context);
      },
    });
    const sink = defineNode({
      type: 'sink',
      summary: 'Keeps what it gets.',
      options: z.strictObject({
        gate: z.boolean().default(false).describe('Waits for a call before each value.'),
        failAt: z.number().optional().describe('Fails when this value comes.'),
      }),
      inputs: [{ name: 'in', formats: [{ kind: 'audio' }] }],
      outputs: [],
      example: '',
      create: ({ gate, failAt }, context) => {
        const id = name(context);
        this.got.set(id, []);
        this.values.set(id, []);
        return noteClose(
          new Writable({
            objectMode: true,
            highWaterMark: 4,
            write: (value: AudioData, _encoding, done) => {
              const first = value.data[0] ?? NaN;
              if (first === failAt) {
                done(new Error('sink broke'));
                return;
              }
              this.got.get(id)?.push(first);
              this.values.get(id)?.push(value);
              this.note(`${id} got ${first}`);
              if (gate) this.gates.set(id, done);
              else setImmediate(done);
            },
          }),
          context,
        );
      },
    });
    const add = defineTransform({
      type: 'add',
      summary: 'Adds to each sample.',
      options: z.strictObject({
        n: z.number().default(1).describe('What to add.'),
        failAt: z.number().optional().describe('Fails when this value comes.'),
        drop: z.number().optional().describe('Leaves this value out.'),
      }),
      inputs: [{ name: 'in', formats: [{ kind: 'audio' }] }],
      outputs: (_options, inputs) => [{ name: 'out', formats: inputs.get('in') ?? [{ kind: 'audio' }] }],
      example: '',
      transform:
        ({ n, failAt, drop }) =>
        (value) => {
          if (value.kind !== 'audio') return value;
          if (value.data[0] === failAt) throw new Error('add broke');
          if (value.data[0] === drop) return undefined;
          return { ...value, data: value.data.map((sample) => sample + n) };
        },
    });
    const voices = defineNode({
      type: 'voices',
      summary: 'One branch a stream.',
      options: z.strictObject({
        session: z.string().describe('Session.'),
        n: z.number().default(Infinity).describe('How many values each.'),
        failFor: z.string().optional().describe('Stream whose branch cannot be made.'),
        watchFails: z.number().default(0).describe('How often watching fails when a stream comes.'),
      }),
      inputs: [],
      outputs: [{ name: 'out', formats: [MONO] }],
      example: '',
      branches: () => true,
      watch: ({ session, watchFails }, context, events) => {
        this.note(`${context.id} watches${context.isRestart === true ? ' again' : ''}`);
        const watching = watchStreams(context.session(session), context, events);
        if (this.watchFailures >= watchFails) return watching;
        return Promise.race([
          watching,
          new Promise<void>((_resolve, reject) => {
            context.session(session).on('streamReceived', () => {
              this.watchFailures++;
              reject(new SluiceError('SLUICE_SESSION_LOST', 'nobody tells of streams any more'));
            });
          }),
        ]);
      },
      create: (options, context) => {
        if (context.branch?.streamId === options.failFor)
          throw new SluiceError('SLUICE_SUBSCRIBE_FAILED', 'no such stream');
        return count.create({ n: options.n }, context);
      },
    });
    return [count, sink, add, voices];
  }
}

/** A session whose streams come and go by call. */
export class FakeSession extends EventEmitter {
  readonly sessionId = 'demo';
  readonly streams = new Map<string, StreamInfo>();
  readonly currentSpeaker = undefined;
  disconnected = 0;

  come(streamId: string): void {
    const stream = {
      streamId,
      name: `name of ${streamId}`,
      connectionId: `c-${streamId}`,
      hasAudio: true,
      hasVideo: false,
    };
    this.streams.set(streamId, stream);
    this.emit('streamReceived', stream);
  }

  go(streamId: string): void {
    const stream = this.streams.get(streamId);
    this.streams.delete(streamId);
    if (stream) this.emit('streamDropped', stream);
  }

  mix(): Readable {
    return Readable.from([]);
  }

  publish(): Promise<never> {
    return Promise.reject(new Error('not in the lab'));
  }

  subscribe(): Promise<never> {
    return Promise.reject(new Error('not in the lab'));
  }

  disconnect(): Promise<void> {
    this.disconnected++;
    this.emit('disconnected');
    return Promise.resolve();
  }
}

/** A factory that hands out this session for every id. */
export function factoryOf(session: FakeSession): () => Promise<RunningSession> {
  return () => Promise.resolve(session as unknown as RunningSession);
}

export function noSessions(): Promise<never> {
  return Promise.reject(new Error('no session was expected'));
}

/** Lets everything that is due now happen. */
export async function settle(turns = 20): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
}
