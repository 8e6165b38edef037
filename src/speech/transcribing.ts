import { z } from 'zod';
import type { NodeContext, NodeLatency, PortDef } from '../media/node.js';
import type { Need } from '../media/need.js';
import type { EngineDef } from './engine.js';
import type { Recogniser } from './recogniser.js';
import { Transcriber } from './transcriber.js';

/** Options that every node has which turns utterances into text, beside those of its engine. */
const transcribingShape = {
  sampleRate: z
    .literal([8000, 16_000, 24_000, 48_000])
    .default(16_000)
    .describe('Samples per second of the sound that the engine gets, in Hz; it is mono.'),
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
type TranscribingOptions = z.output<z.ZodObject<typeof transcribingShape>>;
/** Options of an engine, and these. */
type Together<Shape extends z.ZodRawShape> = z.ZodObject<Shape & typeof transcribingShape, z.core.$strict>;

/** What every engine that understands utterances has among its options. */
interface EngineOptions {
  /** How long it may take for one, in ms. */
  readonly timeoutMs: number;
}

/** What all nodes that turn utterances into text have in common; an engine, and an example, make one of it. */
export function transcribing<Shape extends z.ZodRawShape, Type extends string>(
  engine: EngineDef<z.ZodObject<Shape, z.core.$strict>, Recogniser, Type>,
) {
  type Options = z.output<z.ZodObject<Shape, z.core.$strict>> & EngineOptions & TranscribingOptions;
  return {
    type: engine.type,
    options: engine.options.safeExtend(transcribingShape as never) as Together<Shape>,
    inputs: (options: unknown): PortDef<'audio' | 'activity'>[] => [
      {
        name: 'audio',
        formats: [{ kind: 'audio', sampleRate: (options as Options).sampleRate, numberOfChannels: 1 }],
        flow: 'push',
      },
      { name: 'activity', formats: [{ kind: 'voice-activity' }], optional: true, flow: 'push' },
    ],
    outputs: [{ name: 'out', formats: [{ kind: 'transcript' }] }] as PortDef<'out'>[],
    latency: (options: unknown): NodeLatency => {
      const { maxMs, timeoutMs } = options as Options;
      return { minMs: 0, maxMs: maxMs + timeoutMs };
    },
    needs: (options: unknown, baseDir: string): readonly Need[] => engine.needs?.(options as Options, baseDir) ?? [],
    create(options: unknown, context: NodeContext): Transcriber {
      const { leadMs, maxMs } = options as Options;
      return new Transcriber({ recogniser: engine.create(options as Options, context), context, leadMs, maxMs });
    },
  };
}
