/* Chunks through some nodes, wired in one of several ways, in a process of its own. */
import { Readable, Transform, Writable, type Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { asStream } from 'stream-chain/asStream.js';
import { gen } from 'stream-chain/gen.js';
import { z } from 'zod';
import { loadGraph } from '../src/graph/load.js';
import { readText } from '../src/graph/notation/text.js';
import { planGraph } from '../src/graph/plan.js';
import { Registry } from '../src/graph/registry.js';
import { runGraph } from '../src/graph/run.js';
import { audioData, type AudioData } from '../src/media/audio-data.js';
import type { MediaValue } from '../src/media/media-value.js';
import { defineNode, defineTransform, type NodeDef } from '../src/media/node.js';
import { applyGain, gainOfDb } from '../src/media/pcm.js';
import { answerCalls } from './child.js';

export type Wiring = 'functions' | 'pipeline' | 'chain' | 'graph' | 'fused';
export type Load = 'tiny' | 'audio';

interface Job {
  readonly wiring: Wiring;
  readonly load: Load;
  readonly nodes: number;
  readonly chunks: number;
}

const STEREO = { kind: 'audio', sampleRate: 48_000, numberOfChannels: 2 } as const;
const FACTOR = gainOfDb(-6);
const SAMPLES: Record<Load, Int16Array> = { tiny: new Int16Array(2), audio: new Int16Array(1920).fill(12_345) };

const STEPS: Record<Load, (value: MediaValue) => MediaValue> = {
  tiny: (value) => value,
  audio: (value) => (value.kind === 'audio' ? { ...value, data: applyGain(value.data, FACTOR) } : value),
};

const calls = {
  /** CPU time of a run in ns, after one to warm up. What is made only once, as the plan, is not in it. */
  async run(job: Job): Promise<number> {
    await flowOf(job)();
    const flow = flowOf(job);
    const start = process.cpuUsage();
    await flow();
    const { user, system } = process.cpuUsage(start);
    return (user + system) * 1000;
  },
};

export type ChunkCostCalls = typeof calls;

/** Everything up to the first chunk; the function that is returned lets them flow. */
function flowOf(job: Job): () => Promise<void> | void {
  if (job.wiring === 'functions') return () => callAll(job);
  let received = 0;
  const source = sourceOf(job);
  const sink = new Writable({
    objectMode: true,
    write(_value: AudioData, _encoding, done) {
      received++;
      done();
    },
  });
  const run = runnerOf(job, source, sink);
  return async () => {
    await run();
    if (received !== job.chunks) throw new Error(`${received} of ${job.chunks} chunks came`);
  };
}

function runnerOf(job: Job, source: Readable, sink: Writable): () => Promise<unknown> {
  if (job.wiring === 'graph' || job.wiring === 'fused') {
    const plan = planOf(job, source, sink);
    return () => runGraph(plan, { sessions: noSessions }).finished;
  }
  const streams = [source, ...middle(job), sink];
  return () => pipeline(streams);
}

/** What is left when nothing is a stream. */
function callAll({ load, chunks, nodes }: Job): void {
  const steps = Array.from({ length: nodes }, () => STEPS[load]);
  let received = 0;
  for (let count = 0; count < chunks; count++) {
    let value: MediaValue = audioData(SAMPLES[load], 48_000, 2, count * 20_000);
    for (const step of steps) value = step(value);
    if (value.timestamp === count * 20_000) received++;
  }
  if (received !== chunks) throw new Error(`${received} of ${chunks} chunks came`);
}

function sourceOf({ load, chunks }: Job): Readable {
  let count = 0;
  return new Readable({
    objectMode: true,
    read() {
      this.push(count < chunks ? audioData(SAMPLES[load], 48_000, 2, count++ * 20_000) : null);
    },
  });
}

function middle({ wiring, load, nodes }: Job): Duplex[] {
  const steps = Array.from({ length: nodes }, () => STEPS[load]);
  if (wiring === 'pipeline') return steps.map(transformOf);
  return nodes === 0 ? [] : [asStream(gen(...steps))];
}

function transformOf(step: (value: MediaValue) => MediaValue): Transform {
  return new Transform({
    objectMode: true,
    transform(value: MediaValue, _encoding, done) {
      done(null, step(value));
    },
  });
}

function planOf({ wiring, load, nodes }: Job, source: Readable, sink: Writable): ReturnType<typeof planGraph> {
  const ports = { options: z.strictObject({}), summary: '', example: '' } as const;
  const end = { name: 'in', formats: [STEREO] };
  const begin = { name: 'out', formats: [STEREO] };
  const defs: NodeDef[] = [
    defineNode({ ...ports, type: 'source', inputs: [], outputs: [begin], create: () => source }),
    defineNode({ ...ports, type: 'sink', inputs: [end], outputs: [], create: () => sink }),
    wiring === 'fused'
      ? defineTransform({ ...ports, type: 'step', inputs: [end], outputs: [begin], transform: () => STEPS[load] })
      : defineNode({ ...ports, type: 'step', inputs: [end], outputs: [begin], create: () => transformOf(STEPS[load]) }),
  ];
  const steps = Array.from({ length: nodes }, (_, index) => `  n${index + 1}: { type: step, from: n${index} }`);
  const text = ['nodes:', '  n0: { type: source }', ...steps, `  end: { type: sink, from: n${nodes} }`].join('\n');
  const { graph, problems } = loadGraph(readText(text, 'bench.yaml', '.'), {});
  if (!graph) throw problems[0] ?? new Error('no graph');
  return planGraph(graph, new Registry(defs));
}

function noSessions(): Promise<never> {
  return Promise.reject(new Error('no session was asked for'));
}

answerCalls(calls);
