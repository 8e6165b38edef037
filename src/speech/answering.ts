import { Transform, type TransformCallback } from 'node:stream';
import { z } from 'zod';
import type { NodeContext, PortDef } from '../media/node.js';
import type { Need } from '../media/need.js';
import type { Passing } from '../media/passing.js';
import type { TextData } from '../media/text.js';
import type { Transcript } from '../media/transcript.js';
import type { EngineDef } from './engine.js';
import type { LanguageModel, Message } from './language-model.js';

/** Options that every node has which answers, beside those of its engine. */
const answeringShape = {
  history: z
    .enum(['conversation', 'none'])
    .default('conversation')
    .describe(
      'What goes with a text: `conversation`, all that was said and answered before; `none`, as a translator wants it.',
    ),
};
type AnsweringOptions = z.output<z.ZodObject<typeof answeringShape>>;
/** Options of an engine, and these. */
type Together<Shape extends z.ZodRawShape> = z.ZodObject<Shape & typeof answeringShape, z.core.$strict>;

/** What all nodes that answer have in common; an engine, and an example, make one of it. */
export function answering<Shape extends z.ZodRawShape, Type extends string>(
  engine: EngineDef<z.ZodObject<Shape, z.core.$strict>, LanguageModel, Type>,
) {
  type Options = z.output<z.ZodObject<Shape, z.core.$strict>> & AnsweringOptions;
  const inputs: PortDef<'in'>[] = [{ name: 'in', formats: [{ kind: 'transcript' }, { kind: 'text' }], flow: 'pull' }];
  const outputs: PortDef<'out'>[] = [{ name: 'out', formats: [{ kind: 'text' }] }];
  return {
    type: engine.type,
    options: engine.options.safeExtend(answeringShape as never) as Together<Shape>,
    inputs,
    outputs,
    needs: (options: unknown, baseDir: string): readonly Need[] => engine.needs?.(options as Options, baseDir) ?? [],
    create: (options: unknown, context: NodeContext): Transform =>
      new Answering(engine.create(options as Options, context), (options as Options).history, context),
  };
}

/** Messages of a conversation that are kept. */
const MAX_MESSAGES = 200;

/**
 * Texts and transcripts in, answers out, piece by piece; the last piece of each is empty and final. Of transcripts only final ones are
 * answered, and of texts that are not final, all up to one that is. What cannot be answered is counted and logged, and the next is tried.
 */
class Answering extends Transform {
  readonly #model: LanguageModel;
  readonly #history: AnsweringOptions['history'];
  readonly #context: NodeContext;
  readonly #abort = new AbortController();
  #messages: Message[] = [];
  /** Of a text that is not final. */
  #begun = '';
  #answer: Promise<void> = Promise.resolve();

  constructor(model: LanguageModel, history: AnsweringOptions['history'], context: NodeContext) {
    super({ objectMode: true, writableHighWaterMark: 1 });
    this.#model = model;
    this.#history = history;
    this.#context = context;
  }

  override _transform(value: Transcript | TextData, _encoding: BufferEncoding, done: TransformCallback): void {
    if (value.kind === 'text') this.#begun += value.text;
    const text = (value.kind === 'text' ? this.#begun : value.text).trim();
    if (!value.isFinal || text === '') {
      if (value.isFinal) this.#begun = '';
      done();
      return;
    }
    this.#begun = '';
    const name = value.kind === 'transcript' ? value.participant : undefined;
    const message: Message = { role: 'user', text, ...(name !== undefined && { name }) };
    this.#answer = this.#answerTo(message, value.passed ?? []).then(() => {
      done();
    });
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#abort.abort(error ?? new Error('the node has ended'));
    void this.#answer
      .then(() => this.#model.close?.())
      .catch(() => undefined)
      .then(() => {
        done(error);
      });
  }

  /** Never rejects. */
  async #answerTo(message: Message, before: readonly Passing[]): Promise<void> {
    const { clock } = this.#context;
    const begunUs = clock.nowUs();
    let passed: readonly Passing[] | undefined;
    const messages = this.#history === 'none' ? [message] : [...this.#messages, message];
    try {
      const { text, calls } = await this.#model.answer(
        {
          messages,
          onText: (piece) => {
            if (!passed) {
              const nowUs = clock.nowUs();
              this.#context.measured('first token', (nowUs - begunUs) / 1000);
              passed = [...before, { stage: 'answering', atUs: nowUs }];
            }
            this.#give({ kind: 'text', text: piece, isFinal: false, passed });
          },
        },
        this.#abort.signal,
      );
      if (this.#history === 'conversation')
        this.#messages = lastOf([...messages, ...calls, { role: 'assistant', text }]);
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      this.#context.dropped('not answered');
      this.#context.log.warn({ err: error }, 'a text was not answered');
    }
    if (passed) this.#give({ kind: 'text', text: '', isFinal: true, passed });
  }

  #give(value: TextData): void {
    if (!this.destroyed) this.push(value);
  }
}

/** The end of a conversation, from where somebody speaks. */
function lastOf(messages: readonly Message[]): Message[] {
  if (messages.length <= MAX_MESSAGES) return [...messages];
  const kept = messages.slice(-MAX_MESSAGES);
  const first = kept.findIndex(({ role }) => role === 'user');
  return kept.slice(Math.max(0, first));
}
