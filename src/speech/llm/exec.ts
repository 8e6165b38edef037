import { z } from 'zod';
import { defineEngine } from '../engine.js';
import type { Answer, AnswerRequest, LanguageModel, Message } from '../language-model.js';
import { readProgram } from '../program-text.js';
import { chatMessages, messagesText } from './chat-messages.js';

const Options = z.strictObject({
  command: z
    .array(z.string())
    .min(1)
    .describe(
      'Program and arguments, run for each answer; what it prints on standard output is the answer, and is given on as it comes.',
    ),
  input: z
    .enum(['messages', 'text'])
    .default('messages')
    .describe(
      'What comes on its standard input: `messages`, a line of JSON `{ "messages": [{ "role", "content" }, …] }`, as OpenAI\'s API has them; `text`, the same to read, a paragraph each with who said it, or only what was said where that is all.',
    ),
  instructions: z.string().default('').describe('What the program is told before anything else.'),
  timeoutMs: z
    .number()
    .min(100)
    .max(600_000)
    .default(30_000)
    .describe('How long the program may write nothing, in ms.'),
});
type ExecOptions = z.output<typeof Options>;

/** Answers by a program that is run for each answer, word by word as it writes them. */
export const execLlm = defineEngine({
  type: 'llm-exec',
  kind: 'llm',
  options: Options,
  needs: ({ command: [name = ''] }) => [{ kind: 'program', name }],
  create: (options) => new ProgramModel(options),
});

class ProgramModel implements LanguageModel {
  readonly #options: ExecOptions;

  constructor(options: ExecOptions) {
    this.#options = options;
  }

  async answer({ messages, onText }: AnswerRequest, signal: AbortSignal): Promise<Answer> {
    const { command, input, instructions, timeoutMs } = this.#options;
    const told: readonly Message[] =
      instructions === '' ? messages : [{ role: 'system', text: instructions }, ...messages];
    let text = '';
    /** White space at the end of what was printed so far: inside of the answer it belongs to it. */
    let space = '';
    await readProgram(
      {
        command,
        input: input === 'text' ? messagesText(told) : `${JSON.stringify({ messages: chatMessages(told) })}\n`,
        timeoutMs,
        timeoutOf: 'silence',
        signal,
      },
      (printed) => {
        const words = (space + printed).trimEnd();
        space = (space + printed).slice(words.length);
        for (const [word] of words.matchAll(/\s*\S+/g)) {
          const piece = text === '' ? word.trimStart() : word;
          text += piece;
          onText(piece);
          signal.throwIfAborted();
        }
      },
    );
    return { text, calls: [] };
  }
}
