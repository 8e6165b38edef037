import { type Duplex, type Readable, Writable, finished } from 'node:stream';
import type { z } from 'zod';
import { systemClock } from './media/clock.js';
import { SluiceError } from './media/errors.js';
import {
  parseOptions,
  type InputLink,
  type NodeContext,
  type NodeDef,
  type NodeInstance,
  type NodePorts,
} from './media/node.js';
import * as defs from './nodes/index.js';

/*
 * Nodes as streams for `stream.pipeline`, with the options that they have in a pipeline file. What a node drops is told
 * by the event `dropped` (reason, count) of its stream. Those of sessions are Session, Publisher and Subscriber.
 */

export const testPattern = source(defs.testPattern);
export const textLines = source(defs.textLines);
export const tone = source(defs.tone);

export const captions = filter(defs.captions);
export const delay = filter(defs.delay);
export const denoise = filter(defs.denoise);
export const exec = filter(defs.exec);
export const frameRate = filter(defs.frameRate);
export const gain = filter(defs.gain);
export const llmExec = filter(defs.llmExec);
export const llmOpenai = filter(defs.llmOpenai);
export const opusDecoder = filter(defs.opusDecoder);
export const opusEncoder = filter(defs.opusEncoder);
export const queue = filter(defs.queue);
export const resampler = filter(defs.resampler);
export const rules = filter(defs.rules);
export const scaler = filter(defs.scaler);
export const transcript = filter(defs.transcript);
export const ttsElevenlabs = voice(defs.ttsElevenlabs);
export const ttsExec = voice(defs.ttsExec);
export const ttsOpenai = voice(defs.ttsOpenai);
export const ttsSherpa = voice(defs.ttsSherpa);
export const vad = filter(defs.vad);
export const videoDecoder = filter(defs.videoDecoder);
export const videoEncoder = filter(defs.videoEncoder);

export const jsonl = sink(defs.jsonl);
export const nullNode = sink(defs.nullNode);
export const txt = sink(defs.txt);
export const wav = sink(defs.wav);
export const webvtt = sink(defs.webvtt);

type WithOutput = NodePorts & { readonly output: (port: string) => Readable };
type WithInput = NodePorts & { readonly input: (port: string) => Writable };
type Both = WithInput & WithOutput;
type Joining = WithInput & WithOutput & { readonly seal: (port: string) => void };
type Mixing = Omit<Joining, 'input' | 'output'> & {
  readonly input: (port: string, link?: InputLink) => Writable;
  readonly output: (port: string, branch?: string) => Readable;
};
type Switching = Omit<Joining, 'input'> & {
  readonly input: (port: string, link: InputLink) => Writable;
  readonly update: (options: { readonly input: string }) => void;
};
type Composing = Omit<Joining, 'input'> & {
  /** `name` is written into its picture. */
  readonly input: (port: string, link?: InputLink) => Writable;
  readonly close: () => void;
};

/** Any number of inputs `in`, `seal('in')` when all are made; output `out`. `close()` frees it. */
export const compositor = ports<Composing>()(defs.compositor);
/** Outputs `audio` and `video`. */
export const file = ports<WithOutput>()(defs.file);
/**
 * Any number of inputs `in`, `seal('in')` when all are made; output `out`. What goes in by `input('in', { branch })` is not heard
 * in `output('others', branch)`.
 */
export const mixer = ports<Mixing>()(defs.mixer);
/** Any number of inputs `in`, `seal('in')` when all are made; output `out`, which gives when all have ended. */
export const gather = ports<Joining>()(defs.gather);
/** Any number of inputs `in`, `seal('in')` when all are made; output `out`. */
export const funnel = ports<Joining>()(defs.funnel);
/** Inputs `audio` and `video`. */
export const recorder = ports<WithInput>()(defs.recorder);
/** Inputs `audio` and, where texts are to be final sooner, `activity`; output `out`. */
export const sttDeepgram = ports<WithInput & WithOutput>()(defs.sttDeepgram);
/** Inputs `audio` and, where utterances are to be told apart, `activity`; output `out`. */
export const sttExec = ports<WithInput & WithOutput>()(defs.sttExec);
/** As `sttExec`. */
export const sttOpenai = ports<WithInput & WithOutput>()(defs.sttOpenai);
/** As `sttExec`. */
export const sttSherpa = ports<WithInput & WithOutput>()(defs.sttSherpa);

/**
 * Inputs `audio`, `activity` and `transcript`, any number of each, `seal` of each when all are made; outputs `audio`, `captions` and
 * `turns`. `close()` frees it.
 */
export const voiceAgent = ports<Joining & { readonly close: () => Promise<void> }>()(defs.voiceAgent);

/** Outputs `texts` and `sounds`. `close()` frees it. */
export const schedule = ports<WithOutput & { readonly close: () => void }>()(defs.schedule);
/** Inputs and outputs `audio` and `text`, as far as its `direction` has them. `close()` ends its outputs, and frees it. */
export const websocket = ports<Both & { readonly close: () => Promise<void> }>()(defs.websocket);

/** Inputs `in`, each with a name (`from`), `seal('in')` when all are made; output `out`. `update` changes what is let through. */
export const switchNode = ports<Switching>()(defs.switchNode);
/** Inputs and outputs `audio` and `video`. `close()` frees it. */
export const sync = ports<Both & { readonly close: () => void }>()(defs.sync);
/** Input `in`; each call of `output('out')` gives one more reader. */
export const tee = ports<Both>()(defs.tee);

type Options<D extends NodeDef> = z.input<D['options']>;
/** Options may be left out where all of them may. */
type Args<D extends NodeDef> = MayBeLeftOut<Options<D>> extends true ? [options?: Options<D>] : [options: Options<D>];
type MayBeLeftOut<T> = object extends T ? true : T extends Record<string, never> ? true : false;

/** Errors of what is returned: SLUICE_CONFIG_INVALID, and those of the node, by its stream. */
function source<D extends NodeDef>(def: D): (...args: Args<D>) => Readable {
  return (...args) => create(def, args[0]) as Readable;
}

function filter<D extends NodeDef>(def: D): (...args: Args<D>) => Duplex {
  return (...args) => create(def, args[0]) as Duplex;
}

/** `words` gives what is said as captions, each sentence when its sound comes out; for `publisher.captions`. */
type Voice = Duplex & { readonly words: Readable };

function voice<D extends NodeDef>(def: D): (...args: Args<D>) => Voice {
  return (...args) => create(def, args[0], (made) => (made as WithInput).input('in')) as Voice;
}

function sink<D extends NodeDef>(def: D): (...args: Args<D>) => Writable {
  return (...args) => {
    const made = create(def, args[0]);
    return made instanceof Promise ? whenMade(made as Promise<Writable>) : (made as Writable);
  };
}

function ports<Ports extends NodePorts>() {
  return <D extends NodeDef>(def: D): ((...args: Args<D>) => Promise<Ports>) =>
    async (...args) =>
      (await create(def, args[0])) as Ports;
}

type Made = NodeInstance | Promise<NodeInstance>;

/** `streamOf` finds the stream that stands for a node of several ports. */
function create(def: NodeDef, options: unknown, streamOf = (made: Made): Made => made): Made {
  const parsed = parseOptions(def, options ?? {});
  const context = standalone(def.type, (reason, count) => {
    if ('emit' in made && typeof made.emit === 'function') made.emit('dropped', reason, count);
  });
  const made = streamOf(def.create(parsed, context));
  return made;
}

/** A Writable for one that is still being made. */
function whenMade(making: Promise<Writable>): Writable {
  let inner: Writable | undefined;
  return new Writable({
    objectMode: true,
    construct(done) {
      making.then(
        (made) => {
          inner = made.on('error', (error) => this.destroy(error));
          done();
        },
        (error: unknown) => {
          done(error as Error);
        },
      );
    },
    write: (value: unknown, _encoding, done) => void inner?.write(value, done),
    final: (done) => {
      if (inner) finished(inner.end(), done);
    },
    destroy: (error, done) => {
      if (!inner || inner.closed) done(error);
      else inner.once('close', () => done(error)).destroy(error ?? undefined);
    },
  });
}

function withoutGraph(): never {
  throw new SluiceError('SLUICE_STREAM_MISSING', 'outside of a graph a program has its streams itself');
}

/** What a node is given outside of a graph. */
function standalone(type: string, dropped: (reason: string, count: number) => void): NodeContext {
  const quiet = (): void => undefined;
  return {
    id: type,
    clock: systemClock,
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    signal: new AbortController().signal,
    baseDir: process.cwd(),
    session: () => {
      throw new SluiceError('SLUICE_STATE_INVALID', `${type} needs a graph that has sessions`);
    },
    given: { input: withoutGraph, output: withoutGraph },
    dropped: (reason, count = 1) => dropped(reason, count),
    measured: quiet,
    progress: quiet,
  };
}
