import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { type SentenceOptions, SentenceSplitter, sentences } from '../../src/speech/sentences.js';

/** The sentences of a text that comes in one piece, or in those given. */
function split(text: string | readonly string[], options: SentenceOptions = { minLength: 1 }): string[] {
  const splitter = new SentenceSplitter(options);
  const pieces = typeof text === 'string' ? [text] : text;
  return [...pieces.flatMap((piece) => splitter.push(piece)), ...splitter.end()].map((sentence) => sentence.text);
}

t.test('a text is cut where sentences end, and nowhere else', (t) => {
  const texts: readonly (readonly string[])[] = [
    ['How are you?', 'I am well!', 'Good.'],
    ['It costs 3.50 at example.com.', 'Not much.'],
    ['Dr. Smith met J. R. Jones, e.g. in the U.S. and in Rome.', 'So did I.', 'Then he left.'],
    ['Well... maybe.', 'Wait…', 'Now it is gone...', 'Or is it?!'],
    ['He said "Stop."', '(Nobody did.)', 'They went on.'],
    ['1. First we look.', '2. Then we jump.'],
    ['No. 5 lives.', 'No.', 'It does not.'],
    ['Wir kommen z. B. um ca. 8 Uhr.', 'Bis dann!'],
    ['Over at 5 p.m. as always.', 'At 6 p.m.', 'Everybody leaves.'],
    ['¿Qué tal?', '¡Muy bien!'],
  ];
  for (const expected of texts) t.same(split(expected.join(' ')), expected, expected.join(' '));
  t.same(split('今日は。元気ですか？「はい。」そうです！'), ['今日は。', '元気ですか？', '「はい。」', 'そうです！']);
  t.same(split('A title\nA line\n\nAnother one'), ['A title', 'A line', 'Another one']);
  t.same(split(' \n '), []);
  t.same(split(''), []);
  t.end();
});

t.test('a sentence is given as soon as it is known to be complete', (t) => {
  const splitter = new SentenceSplitter();
  const given = ['Good mor', 'ning', '!', ' ', 'It is 3', '.', '5', ' degrees', '.', ' ', 'T', 'oo cold'].map((piece) =>
    splitter.push(piece).map(({ text }) => text),
  );
  t.same(given, [[], [], [], ['Good morning!'], [], [], [], [], [], [], ['It is 3.5 degrees.'], []]);
  t.same(splitter.end(), [{ text: 'Too cold', end: 41 }]);
  t.end();
});

t.test('short sentences go with the next, and what is too long is cut between clauses or words', (t) => {
  t.same(split('Yes. I can do that. Now.', {}), ['Yes. I can do that.', 'Now.']);
  const long = `${'one two three, '.repeat(30)}end`;
  t.ok(split(long).every((part) => part.length <= 300));
  t.match(split(long)[0], /three,$/);
  t.same(split('word '.repeat(20), { maxLength: 33 })[0], 'word word word word word word');
  t.same(split('x'.repeat(70), { maxLength: 33 }), ['x'.repeat(33), 'x'.repeat(33), 'xxxx']);
  t.ok(
    split('😀'.repeat(70), { maxLength: 33 }).every((part) => /^\p{Emoji}+$/u.test(part)),
    'no half characters',
  );
  t.end();
});

t.test('however a text comes in, its sentences are the same, and hold all of it', (t) => {
  const word = fc.constantFrom(
    'a',
    'Dr',
    'I',
    '12',
    'Rome',
    'x y',
    '.',
    '!',
    '?',
    '…',
    '。',
    ',',
    ' ',
    '  ',
    '\n',
    '"',
    '😀',
  );
  fc.assert(
    fc.property(
      fc.array(word, { maxLength: 60, size: 'max' }),
      fc.integer({ min: 2, max: 40 }),
      (pieces, maxLength) => {
        for (const minLength of [1, 5]) {
          const whole = split(pieces.join(''), { minLength, maxLength });
          assert.deepEqual(split(pieces, { minLength, maxLength }), whole);
          assert.equal(whole.join('').replaceAll(/\s/g, ''), pieces.join('').replaceAll(/\s/g, ''));
          assert.ok(whole.every(({ length }) => length <= maxLength));
        }
      },
    ),
    { numRuns: 300 },
  );
  t.end();
});

t.test('the end of each sentence is its place in the text', async (t) => {
  const text = 'One two three. Four five six!  Seven eight';
  const pieces = text.split(/(?=.)/s);
  async function* coming(): AsyncGenerator<string> {
    for (const piece of pieces) yield await Promise.resolve(piece);
  }
  const ends: [string, string][] = [];
  let start = 0;
  for await (const sentence of sentences(coming())) {
    ends.push([sentence.text, text.slice(start, sentence.end).trim()]);
    start = sentence.end;
  }
  t.equal(ends.length, 3);
  for (const [said, found] of ends) t.equal(said, found);
});

t.test('a very long text takes time in proportion to its length', (t) => {
  t.equal(split('x'.repeat(2_000_000)).join('').length, 2_000_000);
  const splitter = new SentenceSplitter();
  let count = 0;
  for (let i = 0; i < 200_000; i++) count += splitter.push('word ').length;
  t.ok(count > 3000);
  t.end();
});
