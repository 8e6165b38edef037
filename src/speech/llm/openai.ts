import { z } from 'zod';
import { SluiceError } from '../../media/errors.js';
import { pathFrom } from '../../media/path-template.js';
import { defineEngine } from '../engine.js';
import { eventsOf } from '../event-stream.js';
import { askService } from '../http-service.js';
import type { Answer, AnswerRequest, LanguageModel, Message, Tool, ToolCall } from '../language-model.js';
import { openaiNeed, openaiRequest, openaiShape } from '../openai-service.js';
import { complaintIn } from '../service-failure.js';
import { chatMessages } from './chat-messages.js';
import { callTool, loadTools } from './tools.js';

const Options = z.strictObject({
  ...openaiShape('/chat/completions', ': OpenAI, Ollama, llama.cpp, vLLM'),
  model: z.string().min(1).default('gpt-4o-mini').describe('Name of the model.'),
  instructions: z.string().default('').describe('What the model is told before anything else.'),
  temperature: z
    .number()
    .min(0)
    .max(2)
    .optional()
    .describe('How free it is with its words; as the service has it when left out.'),
  maxTokens: z
    .int()
    .min(1)
    .max(1_000_000)
    .optional()
    .describe('Longest answer, in tokens; as the service has it when left out.'),
  tools: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Module with functions that the model may call, relative to the pipeline file: it exports objects `{ name, description, parameters, call }`, `parameters` being a JSON Schema.',
    ),
  maxToolRounds: z
    .int()
    .min(0)
    .max(20)
    .default(4)
    .describe('How often in a row it may call functions before it has to answer.'),
  timeoutMs: z.number().min(100).max(600_000).default(30_000).describe('How long the service may give nothing, in ms.'),
});
type OpenaiOptions = z.output<typeof Options>;

/** Answers by a service that speaks OpenAI's API for chat completions, word by word as they come. */
export const openaiLlm = defineEngine({
  type: 'llm-openai',
  kind: 'llm',
  options: Options,
  needs: ({ tools, ...service }, baseDir) => [
    openaiNeed(service),
    ...(tools === undefined ? [] : [{ kind: 'file' as const, path: pathFrom(baseDir, tools) }]),
  ],
  create: (options, { baseDir }) => new OpenaiModel(options, baseDir),
});

/** No answer is longer, with the arguments of its calls, in characters. */
const MAX_ANSWER = 1_000_000;

/** What one request came to. */
interface Completion {
  readonly text: string;
  readonly calls: readonly ToolCall[];
}

class OpenaiModel implements LanguageModel {
  readonly #options: OpenaiOptions;
  readonly #baseDir: string;
  #tools: Promise<readonly Tool[]> | undefined;

  constructor(options: OpenaiOptions, baseDir: string) {
    this.#options = options;
    this.#baseDir = baseDir;
  }

  async answer({ messages, tools: given = [], onText }: AnswerRequest, signal: AbortSignal): Promise<Answer> {
    signal.throwIfAborted();
    const { maxToolRounds, tools: path } = this.#options;
    if (path !== undefined) this.#tools ??= loadTools(pathFrom(this.#baseDir, path));
    const tools = [...given, ...((await this.#tools) ?? [])];
    const calls: Message[] = [];
    let text = '';
    for (let round = 0; ; round++) {
      const offered = round < maxToolRounds ? tools : [];
      const completion = await this.#complete([...messages, ...calls], offered, onText, signal);
      text += completion.text;
      const isAnswered = completion.calls.length === 0 || (offered.length === 0 && text !== '');
      if (isAnswered) return { text, calls };
      if (offered.length === 0) throw broken('calls functions and does not answer');
      calls.push({ role: 'assistant', text: completion.text, calls: completion.calls });
      for (const call of completion.calls)
        calls.push({ role: 'tool', callId: call.id, text: await callTool(tools, call, signal) });
    }
  }

  async #complete(
    messages: readonly Message[],
    tools: readonly Tool[],
    onText: (piece: string) => void,
    signal: AbortSignal,
  ): Promise<Completion> {
    const { apiKey, model, instructions, temperature, maxTokens, timeoutMs } = this.#options;
    const told: readonly Message[] =
      instructions === '' ? messages : [{ role: 'system', text: instructions }, ...messages];
    const { body } = await askService({
      ...openaiRequest(this.#options, '/chat/completions'),
      body: () =>
        JSON.stringify({
          model,
          messages: chatMessages(told),
          stream: true,
          temperature,
          max_tokens: maxTokens,
          ...(tools.length > 0 && { tools: tools.map(toolOf) }),
        }),
      timeoutMs,
      signal,
    });
    return await read(body, onText, signal, apiKey);
  }
}

async function read(
  body: AsyncGenerator<Uint8Array>,
  onText: (piece: string) => void,
  signal: AbortSignal,
  secret: string | undefined,
): Promise<Completion> {
  let text = '';
  let length = 0;
  const calls: { id: string; name: string; arguments: string }[] = [];
  let isOver = false;
  try {
    for await (const event of eventsOf(body)) {
      signal.throwIfAborted();
      const { choices, error } = parsed(event);
      if (error !== undefined) throw broken(`told of an error: ${complaintIn(error.message ?? 'unknown', secret)}`);
      const [choice] = choices ?? [];
      const piece = choice?.delta?.content ?? '';
      if (piece !== '') {
        text += piece;
        onText(piece);
        signal.throwIfAborted();
      }
      for (const part of choice?.delta?.tool_calls ?? []) {
        const call = (calls[part.index] ??= { id: '', name: '', arguments: '' });
        call.id += part.id ?? '';
        call.name += part.function?.name ?? '';
        call.arguments += part.function?.arguments ?? '';
        length += part.function?.arguments?.length ?? 0;
      }
      length += piece.length;
      if (length > MAX_ANSWER) throw endless();
      if (typeof choice?.finish_reason === 'string') isOver = true;
    }
  } finally {
    await body.return(undefined);
  }
  signal.throwIfAborted();
  if (!isOver) throw broken('ended in the middle of an answer');
  return { text, calls: calls.filter((call) => call.name !== '') };
}

const Chunk = z.looseObject({
  choices: z
    .array(
      z.looseObject({
        delta: z
          .looseObject({
            content: z.string().nullish(),
            tool_calls: z
              .array(
                z.looseObject({
                  index: z.int().min(0).max(127).default(0),
                  id: z.string().nullish(),
                  function: z.looseObject({ name: z.string().nullish(), arguments: z.string().nullish() }).nullish(),
                }),
              )
              .nullish(),
          })
          .nullish(),
        finish_reason: z.string().nullish(),
      }),
    )
    .nullish(),
  error: z.looseObject({ message: z.string().optional() }).optional(),
});

function parsed(event: string): z.output<typeof Chunk> {
  try {
    return Chunk.parse(JSON.parse(event));
  } catch (cause) {
    throw broken('sent what is no chat completion', cause);
  }
}

function endless(): SluiceError {
  return new SluiceError('SLUICE_SPEECH_FAILED', 'the language model gave an answer without an end', {
    found: `more than ${MAX_ANSWER} characters`,
    retryable: false,
    mend: 'Give it a limit (maxTokens), or look at the service.',
  });
}

function toolOf({ name, description, parameters }: Tool): object {
  return { type: 'function', function: { name, description, parameters } };
}

function broken(what: string, cause?: unknown): SluiceError {
  return new SluiceError('SLUICE_SPEECH_FAILED', `the language model ${what}`, {
    ...(cause !== undefined && { cause }),
    retryable: true,
    mend: 'Look at the service; it may work later.',
  });
}
