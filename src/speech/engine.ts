import type { z } from 'zod';
import type { Clock } from '../media/clock.js';
import type { Need } from '../media/need.js';
import type { NodeLog } from '../media/node.js';

/** What engines do: speech to text, text to speech, answering. */
export type EngineKind = 'stt' | 'tts' | 'llm';

/** What an engine is given to run with. A NodeContext is one. */
export interface EngineContext {
  readonly clock: Clock;
  readonly log: NodeLog;
  /** Folder that relative paths of its options start from. */
  readonly baseDir: string;
  /** Tells how long something took, in ms: `first byte`, say. */
  measured(name: string, ms: number): void;
}

/**
 * An engine of speech or language, by the name of the node that is made of it: what a node such as `tts-exec` runs, and what
 * `voice-agent` runs inside itself with the same options.
 */
export interface EngineDef<S extends z.ZodType = z.ZodType, Engine = unknown, Type extends string = string> {
  /** As the node: `tts-exec`. */
  readonly type: Type;
  readonly kind: EngineKind;
  /** A strict zod schema, every option described. A secret has `.meta({ secret: true })`. */
  readonly options: S;
  /** What it needs outside of the program, which `sluice doctor` looks for; paths are relative to `baseDir`. */
  needs?(options: z.output<S>, baseDir: string): readonly Need[];
  /**
   * Makes a running engine; nothing is loaded, started or connected before it is needed.
   * Errors: SLUICE_CONFIG_INVALID for what the schema cannot see.
   */
  create(options: z.output<S>, context: EngineContext): Engine;
}

/** Gives a definition its type. */
export function defineEngine<S extends z.ZodType, Engine, const Type extends string>(
  def: EngineDef<S, Engine, Type>,
): EngineDef<S, Engine, Type> {
  return def;
}
