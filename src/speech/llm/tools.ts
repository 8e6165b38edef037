import { SluiceError } from '../../media/errors.js';
import type { Tool, ToolCall } from '../language-model.js';
import { exportsOf } from '../user-module.js';

/** A call that has not come back by then has failed, in ms. */
const CALL_MS = 30_000;
/** Of what a call gives, in characters. */
const MAX_RESULT = 100_000;

/**
 * The tools that a module exports, under whatever names: objects with `name`, `description`, `parameters` (a JSON Schema) and a function
 * `call`. Errors: SLUICE_FILE_NOT_FOUND, SLUICE_CONFIG_SYNTAX, SLUICE_CONFIG_INVALID.
 */
export async function loadTools(path: string): Promise<readonly Tool[]> {
  const tools = (await exportsOf(path, 'tools')).flat().filter(isTool);
  if (tools.length > 0) return tools;
  throw new SluiceError('SLUICE_CONFIG_INVALID', 'the module exports no tools', {
    place: { file: path },
    found: 'no tool among its exports',
    expected: 'objects with name, description, parameters and a function call',
    mend: 'Write `export const weather = { name: "weather", description: …, parameters: { type: "object", … }, call: async ({ city }) => … }`.',
  });
}

/** What a call gives to the model; what goes wrong is told to it as well. Rejects only with the signal's reason. */
export async function callTool(tools: readonly Tool[], call: ToolCall, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  const tool = tools.find(({ name }) => name === call.name);
  if (!tool) return `error: there is no tool "${call.name}"`;
  const tooLate = AbortSignal.timeout(CALL_MS);
  const both = AbortSignal.any([signal, tooLate]);
  try {
    const argument = (call.arguments.trim() === '' ? {} : JSON.parse(call.arguments)) as unknown;
    const result = await Promise.race([tool.call(argument, both), aborted(both)]);
    // What has no JSON, as undefined, is told as nothing.
    const text = typeof result === 'string' ? result : (JSON.stringify(result) as string | undefined);
    return (text ?? '').slice(0, MAX_RESULT);
  } catch (error) {
    signal.throwIfAborted();
    return `error: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => {
      reject(signal.reason as Error);
    });
  });
}

function isTool(value: unknown): value is Tool {
  if (typeof value !== 'object' || value === null) return false;
  const { name, description, parameters, call } = value as Readonly<Record<string, unknown>>;
  return (
    typeof name === 'string' &&
    /^[\w-]{1,64}$/.test(name) &&
    typeof description === 'string' &&
    typeof parameters === 'object' &&
    typeof call === 'function'
  );
}
