import type { Duplex, Readable } from 'node:stream';
import { z } from 'zod';
import { SAMPLE_RATES } from '../media/audio-data.js';
import { audioOptions, type FormatPattern } from '../media/format.js';
import type { NodeContext, NodeLatency, NodePorts, PortDef } from '../media/node.js';
import type { Need } from '../media/need.js';
import type { EngineDef } from './engine.js';
import { Speaker } from './speaker.js';
import type { Synthesiser } from './synthesiser.js';
import { type TtsChoice, chosenTts, fallbackShape, ttsNeeds } from './tts/index.js';

/** Options that every node has which says texts, beside those of its engine. */
const speakingShape = {
  sampleRate: z.literal(SAMPLE_RATES).default(48_000).describe('Samples per second that come out, in Hz.'),
  channels: z.literal([1, 2]).default(1).describe('Channels that come out: 1 for mono, 2 for stereo.'),
  pauseMs: z.number().min(0).max(10_000).default(200).describe('Silence after each text, in ms.'),
  ...fallbackShape,
};
type SpeakingOptions = z.output<z.ZodObject<typeof speakingShape>>;
/** Options of an engine, and these. */
type Together<Shape extends z.ZodRawShape> = z.ZodObject<Shape & typeof speakingShape, z.core.$strict>;

/** What every engine that says texts has among its options. */
interface EngineOptions {
  /** How long it may take for what it says at once, in ms. */
  readonly timeoutMs: number;
}

/** The streams of a node that says texts: `in`, `out`, and `words`. */
export interface SpeakingPorts extends NodePorts {
  input(): Duplex;
  output(port: string): Readable;
}

/** What all nodes that say texts have in common; an engine, and an example, make one of it. */
export function speaking<Shape extends z.ZodRawShape, Type extends string>(
  engine: EngineDef<z.ZodObject<Shape, z.core.$strict>, Synthesiser, Type>,
) {
  type Options = z.output<z.ZodObject<Shape, z.core.$strict>> & EngineOptions & SpeakingOptions;
  const choice = (options: Options): TtsChoice => ({ ...options, type: engine.type }) as unknown as TtsChoice;
  const inputs: PortDef<'in'>[] = [{ name: 'in', formats: [{ kind: 'text' }, { kind: 'transcript' }] }];
  return {
    type: engine.type,
    options: engine.options.safeExtend(speakingShape as never) as Together<Shape>,
    inputs,
    outputs: (options: unknown): PortDef<'out' | 'words'>[] => [
      { name: 'out', formats: [formatOf(options as Options)] },
      { name: 'words', formats: [{ kind: 'captions' }], optional: true },
    ],
    latency: (options: unknown): NodeLatency => ({ minMs: 0, maxMs: (options as Options).timeoutMs }),
    adapts: audioOptions,
    needs: (options: unknown, baseDir: string): readonly Need[] => ttsNeeds(choice(options as Options), baseDir),
    create(options: unknown, context: NodeContext): SpeakingPorts {
      const { sampleRate, channels, pauseMs } = options as Options;
      const speaker = new Speaker({
        synthesiser: chosenTts(choice(options as Options), context),
        context,
        format: { sampleRate, numberOfChannels: channels },
        pauseMs,
      });
      return { input: () => speaker, output: (port) => (port === 'words' ? speaker.words : speaker) };
    },
  };
}

function formatOf({ sampleRate, channels }: SpeakingOptions): FormatPattern {
  return { kind: 'audio', sampleRate, numberOfChannels: channels };
}
