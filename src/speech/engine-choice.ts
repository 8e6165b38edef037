import { z } from 'zod';
import { SluiceError } from '../media/errors.js';
import type { Need } from '../media/need.js';
import type { EngineContext, EngineDef } from './engine.js';

/** Options of an engine together with its `type`: how something that has an engine inside names one among several. */
export function choiceOf<Shape extends z.ZodRawShape, Type extends string>({
  type,
  options,
}: EngineDef<z.ZodObject<Shape, z.core.$strict>, unknown, Type>) {
  type Choice = z.ZodObject<Shape & { type: z.ZodLiteral<Type> }, z.core.$strict>;
  return options.safeExtend({ type: z.literal(type) } as never) as unknown as Choice;
}

/** What was chosen, checked by its own schema. */
export interface EngineChoice {
  readonly type: string;
}

/** Makes the engine that was chosen. Errors: SLUICE_CONFIG_INVALID for what its schema cannot see. */
export function chosenEngine<Engine>(
  engines: readonly EngineDef<z.ZodType, Engine>[],
  choice: EngineChoice,
  context: EngineContext,
): Engine {
  return find(engines, choice).create(choice, context);
}

/** What the engine needs that was chosen. */
export function chosenNeeds(engines: readonly EngineDef[], choice: EngineChoice, baseDir: string): readonly Need[] {
  return find(engines, choice).needs?.(choice, baseDir) ?? [];
}

function find<Engine>(
  engines: readonly EngineDef<z.ZodType, Engine>[],
  { type }: EngineChoice,
): EngineDef<z.ZodType, Engine> {
  const engine = engines.find((one) => one.type === type);
  if (!engine) throw new SluiceError('SLUICE_INTERNAL', `there is no engine "${type}"`);
  return engine;
}
