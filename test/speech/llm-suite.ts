import type { Test } from 'tap';
import type { ErrorCode } from '../../src/media/errors.js';
import type { Answer, LanguageModel, Message } from '../../src/speech/language-model.js';
import { more, resources, underway } from './resources.js';

/** An engine, and what is around it. */
export interface LlmSetup {
  /** Answers by `SUITE_RULES`. */
  create(): LanguageModel;
  /** What is open on the other side, as sockets of a local server. */
  open?(): Promise<number> | number;
  /** Lets go of what is kept for later requests. */
  rest?(): void;
  /** Engines whose service or program fails, by what is wrong with it. */
  readonly failing: Readonly<
    Record<string, { create(): LanguageModel; code: ErrorCode; retryable: boolean | undefined }>
  >;
  /** Takes a conversation and never answers. */
  hanging?(): LanguageModel;
}

/** What the models of the suite say. */
export const SUITE_RULES = {
  rules: [
    { when: 'hello', answer: ['Good morning.', 'Hello again.'] },
    { when: 'count', answer: Array.from({ length: 200 }, (_, i) => i + 1).join(' ') },
    { when: 'say nothing', answer: '' },
    { when: 'spell', answer: 'Größe: 数 — 😀,\n"two" lines' },
  ],
  default: 'What?',
};

const never = new AbortController().signal;

/** Everything that is asked of language models. */
export async function llmSuite(t: Test, setup: LlmSetup): Promise<void> {
  const before = resources();
  const model = setup.create();

  await t.test('answers a word, piece by piece', async (t) => {
    const { pieces, answer } = await ask(model, 'Hello');
    t.equal(answer.text, 'Good morning.');
    t.equal(pieces.join(''), answer.text);
    t.ok(pieces.length > 1, 'it is told as it comes');
    t.same(answer.calls, []);
  });

  await t.test('answers in the light of what was said before', async (t) => {
    const messages: Message[] = [
      { role: 'user', text: 'Hello', name: 'Ann' },
      { role: 'assistant', text: 'Good morning.' },
      { role: 'user', text: 'Hello', name: 'Ann' },
    ];
    t.equal((await ask(model, messages)).answer.text, 'Hello again.');
  });

  await t.test('settles for empty texts, and for answers that are empty', async (t) => {
    t.equal((await ask(model, '')).answer.text, 'What?');
    const { pieces, answer } = await ask(model, 'Say nothing.');
    t.same([pieces.join(''), answer.text], ['', '']);
  });

  await t.test('takes and gives long texts, and all letters', async (t) => {
    t.equal((await ask(model, 'and so on and on, '.repeat(5000))).answer.text, 'What?');
    const { pieces } = await ask(model, 'count');
    t.same(
      pieces.join('').split(' '),
      Array.from({ length: 200 }, (_, i) => String(i + 1)),
    );
    t.equal((await ask(model, 'spell')).pieces.join(''), 'Größe: 数 — 😀,\n"two" lines');
  });

  await t.test('answers several at once, to each what it asked', async (t) => {
    const answers = await Promise.all(['hello', 'count', 'hello', 'what'].map((text) => ask(model, text)));
    t.same(
      answers.map(({ answer }) => answer.text.slice(0, 5)),
      ['Good ', '1 2 3', 'Good ', 'What?'],
    );
  });

  await t.test('can be cancelled at any moment', async (t) => {
    const reason = new Error('spoken to');
    await t.rejects(ask(model, 'hello', AbortSignal.abort(reason)), reason, 'before it begins');
    const middle = new AbortController();
    let told = 0;
    const onText = (): void => {
      told++;
      middle.abort(reason);
    };
    await t.rejects(ask(model, 'count', middle.signal, onText), reason, 'in the middle');
    t.equal(told, 1, 'nothing comes afterwards');
    const hanging = setup.hanging?.();
    if (!hanging) return;
    const silent = new AbortController();
    const idle = resources();
    const unanswered = ask(hanging, 'hello', silent.signal);
    const givenUp = t.rejects(unanswered, reason, 'before the first token');
    await underway(idle);
    silent.abort(reason);
    await givenUp;
    await hanging.close?.();
  });

  await t.test('goes on after what was cancelled, and after what its listener threw', async (t) => {
    const thrown = new Error('no room');
    const onText = (): never => {
      throw thrown;
    };
    await t.rejects(ask(model, 'count', never, onText), thrown);
    t.equal((await ask(model, 'hello')).answer.text, 'Good morning.');
  });

  for (const [what, { create, code, retryable }] of Object.entries(setup.failing)) {
    await t.test(`tells what is wrong with ${what}`, async (t) => {
      const failing = create();
      await t.rejects(ask(failing, 'count'), { code, retryable });
      await failing.close?.();
    });
  }

  await t.test('leaves nothing behind', async (t) => {
    await model.close?.();
    // What was closed is gone when its last events are.
    for (let turn = 0; turn < 200 && more(resources(), before).length > 0; turn++) {
      setup.rest?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    t.same(more(resources(), before), []);
    t.equal(await (setup.open?.() ?? 0), 0);
  });
}

/** What a model says to a text, or at the end of a conversation. */
export async function ask(
  model: LanguageModel,
  said: string | readonly Message[],
  signal: AbortSignal = never,
  onText: (piece: string) => void = () => undefined,
): Promise<{ readonly pieces: readonly string[]; readonly answer: Answer }> {
  const pieces: string[] = [];
  const messages: readonly Message[] = typeof said === 'string' ? [{ role: 'user', text: said }] : said;
  const answer = await model.answer(
    {
      messages,
      onText: (piece) => {
        pieces.push(piece);
        onText(piece);
      },
    },
    signal,
  );
  return { pieces, answer };
}
