import t from 'tap';
import { z } from 'zod';
import { systemClock, type Clock } from '../../src/media/clock.js';
import type { TextData } from '../../src/media/text.js';
import type { Transcript } from '../../src/media/transcript.js';
import { answering } from '../../src/speech/answering.js';
import { defineEngine } from '../../src/speech/engine.js';
import type { LanguageModel } from '../../src/speech/language-model.js';
import { rulesLlm } from '../../src/speech/llm/rules.js';
import { type TestContext, testContext } from '../nodes/node-lab.js';

const greetings = [{ when: 'hello', answer: ['Good morning, {participant}.', 'Hello again.'] }];

function said(text: string, isFinal = true): Transcript {
  return {
    kind: 'transcript',
    text,
    isFinal,
    start: 0,
    end: 1,
    participant: 'Ann',
    passed: [{ stage: 'heard', atUs: 5 }],
  };
}

async function answersTo(
  values: readonly (Transcript | TextData)[],
  options: object,
  context: TestContext = testContext(),
): Promise<TextData[]> {
  const { create, options: schema } = answering(rulesLlm);
  const node = create(schema.parse(options), context);
  for (const value of values) node.write(value);
  node.end();
  return (await node.toArray()) as TextData[];
}

/** The answers as wholes. */
function whole(values: readonly TextData[]): string[] {
  return values
    .map(({ text, isFinal }) => (isFinal ? `${text}\n` : text))
    .join('')
    .split('\n')
    .slice(0, -1);
}

t.test('final transcripts are answered in pieces, with the times that they passed', async (t) => {
  let nowUs = 1000;
  const clock: Clock = { ...systemClock, nowUs: () => (nowUs += 500) };
  const context = testContext({ clock });
  const values = await answersTo([said('hel', false), said('Hello!'), said(' ')], { rules: greetings }, context);
  t.same(
    values.map(({ text, isFinal }) => [text, isFinal]),
    [
      ['Good', false],
      [' morning,', false],
      [' Ann.', false],
      ['', true],
    ],
  );
  for (const { passed } of values)
    t.same(passed, [
      { stage: 'heard', atUs: 5 },
      { stage: 'answering', atUs: 2000 },
    ]);
  t.same(context.measures.get('first token'), [0.5]);
});

t.test('pieces of a text are one text', async (t) => {
  const pieces = ['hel', 'lo'].map((text, i): TextData => ({ kind: 'text', text, isFinal: i === 1 }));
  t.same(whole(await answersTo([...pieces, ...pieces], { rules: greetings })), ['Good morning, .', 'Hello again.']);
});

t.test('what was said before counts, or it does not', async (t) => {
  const twice = [said('hello'), said('hello')];
  t.same(whole(await answersTo(twice, { rules: greetings })), ['Good morning, Ann.', 'Hello again.']);
  t.same(whole(await answersTo(twice, { rules: greetings, history: 'none' })), [
    'Good morning, Ann.',
    'Good morning, Ann.',
  ]);
});

/** A node of a model. */
function node(model: LanguageModel, context: TestContext) {
  const engine = defineEngine({ type: 'odd', kind: 'llm', options: z.strictObject({}), create: () => model });
  return answering(engine).create({ history: 'conversation' }, context);
}

t.test('what cannot be answered is counted, what was told of it is ended, and the next is answered', async (t) => {
  const context = testContext();
  const stream = node(
    {
      async answer({ messages, onText }) {
        const { text } = messages.at(-1) ?? { text: '' };
        onText('Well');
        if (text === 'break') throw await Promise.resolve(new Error('broken'));
        onText(`, ${messages.length}`);
        return { text: `Well, ${messages.length}`, calls: [] };
      },
    },
    context,
  );
  for (const text of ['one', 'break', 'two']) stream.write(said(text));
  stream.end();
  t.same(
    whole((await stream.toArray()) as TextData[]),
    ['Well, 1', 'Well', 'Well, 3'],
    'it is not in the conversation',
  );
  t.same([...context.drops], [['not answered', 1]]);
});

t.test('a node that is destroyed ends the answer, waits for it, and closes its model', async (t) => {
  const events: string[] = [];
  const stream = node(
    {
      answer: (_request, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            setImmediate(() => {
              events.push('ended');
              reject(new Error('ended'));
            });
          });
        }),
      close: () => void events.push('closed'),
    },
    testContext(),
  );
  stream.write(said('hello'));
  stream.destroy();
  await new Promise((resolve) => stream.once('close', resolve));
  t.same(events, ['ended', 'closed']);
});
