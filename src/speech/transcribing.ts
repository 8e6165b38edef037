import { z } from 'zod';
import type { NodeContext, NodeLatency, PortDef } from '../media/node.js';
import type { Need } from '../media/need.js';
import type { EngineDef } from './engine.js';
import { Listener } from './listener.js';
import type { Recogniser, StreamingRecogniser } from './recogniser.js';
import { Transcriber } from './transcriber.js';

/** Options that every node has which turns speech into text, beside those of its engine. */
const soundShape = {
  sampleRate: z
    .literal([8000, 16_000, 24_000, 48_000])
    .default(16_000)
    .describe('Samples per second of the sound that the engine gets, in Hz; it is mono.'),
};
/** And those of nodes that do so an utterance at a time. */
const utteranceShape = {
  ...soundShape,
  leadMs: z
    .number()
    .min(0)
    .max(2000)
    .default(200)
    .describe('Sound before speech was found and after it ended that goes with it, in ms.'),
  maxMs: z
    .number()
    .min(1000)
    .max(600_000)
    .default(30_000)
    .describe('Longest utterance, in ms; what is longer is transcribed in parts.'),
};

type Options<Shape extends z.ZodRawShape> = z.ZodObject<Shape, z.core.$strict>;
/** What every engine that understands speech has among its options. */
interface EngineOptions {
  /** How long it may take for what it owes, in ms. */
  readonly timeoutMs: number;
}
type UtteranceOptions = EngineOptions & z.output<z.ZodObject<typeof utteranceShape>>;
type StreamOptions = EngineOptions & z.output<z.ZodObject<typeof soundShape>>;

/**
 * What all nodes that turn utterances into text have in common; an engine, and an example, make one of it. An engine may hear sound while
 * it comes as well: it then gets all of it, and what was said for longer than `maxMs` becomes final in parts.
 */
export function transcribing<Shape extends z.ZodRawShape, Type extends string>(
  engine: EngineDef<Options<Shape>, Recogniser | StreamingRecogniser, Type>,
) {
  return {
    ...commonOf(engine),
    options: engine.options.safeExtend(utteranceShape as never) as Options<Shape & typeof utteranceShape>,
    latency: (options: unknown): NodeLatency => {
      const { maxMs, timeoutMs } = options as UtteranceOptions;
      return { minMs: 0, maxMs: maxMs + timeoutMs };
    },
    create(options: unknown, context: NodeContext): Transcriber | Listener {
      const { leadMs, maxMs, sampleRate } = options as UtteranceOptions;
      const recogniser = engine.create(options as z.output<Options<Shape>>, context);
      return 'listen' in recogniser
        ? new Listener({ recogniser, context, sampleRate, maxMs })
        : new Transcriber({ recogniser, context, leadMs, maxMs });
    },
  };
}

/** What all nodes have in common that turn speech into text while it comes. */
export function listening<Shape extends z.ZodRawShape, Type extends string>(
  engine: EngineDef<Options<Shape>, StreamingRecogniser, Type>,
) {
  return {
    ...commonOf(engine),
    options: engine.options.safeExtend(soundShape as never) as Options<Shape & typeof soundShape>,
    latency: (options: unknown): NodeLatency => ({ minMs: 0, maxMs: (options as StreamOptions).timeoutMs }),
    create(options: unknown, context: NodeContext): Listener {
      const { sampleRate } = options as StreamOptions;
      const recogniser = engine.create(options as z.output<Options<Shape>>, context);
      return new Listener({ recogniser, context, sampleRate });
    },
  };
}

function commonOf<Shape extends z.ZodRawShape, Type extends string>(engine: EngineDef<Options<Shape>, unknown, Type>) {
  return {
    type: engine.type,
    inputs: (options: unknown): PortDef<'audio' | 'activity'>[] => [
      {
        name: 'audio',
        formats: [{ kind: 'audio', sampleRate: (options as StreamOptions).sampleRate, numberOfChannels: 1 }],
        flow: 'push',
      },
      { name: 'activity', formats: [{ kind: 'voice-activity' }], optional: true, flow: 'push' },
    ],
    outputs: [{ name: 'out', formats: [{ kind: 'transcript' }] }] as PortDef<'out'>[],
    needs: (options: unknown, baseDir: string): readonly Need[] =>
      engine.needs?.(options as z.output<Options<Shape>>, baseDir) ?? [],
  };
}
