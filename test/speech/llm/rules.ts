import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import type { LanguageModel, Message } from '../../../src/speech/language-model.js';
import { chosenLlm, llmChoice } from '../../../src/speech/llm/index.js';
import { readPattern } from '../../../src/speech/llm/pattern.js';
import { testContext } from '../../nodes/node-lab.js';
import { PACKAGE_ROOT } from '../../support/package-root.js';
import { SUITE_RULES, ask, llmSuite } from '../llm-suite.js';

function model(options: object, baseDir?: string): LanguageModel {
  return chosenLlm(llmChoice.parse({ type: 'rules', ...options }), testContext({ ...(baseDir && { baseDir }) }));
}

/** What is answered to each of these, each said by itself. */
async function answers(options: object, texts: readonly string[]): Promise<string[]> {
  const answered = await Promise.all(texts.map((text) => ask(model(options), text)));
  return answered.map(({ answer }) => answer.text);
}

t.test('rules', async (t) => {
  await llmSuite(t, { create: () => model(SUITE_RULES), failing: {} });
});

t.test('a pattern matches a whole text, whatever its case, punctuation and form of letters', (t) => {
  const pattern = readPattern('What’s the time in São Paulo?');
  t.ok(pattern.match("WHAT'S THE TIME, in sa\u0303o paulo"));
  t.notOk(pattern.match("what's the time"));
  t.notOk(pattern.match("tell me what's the time in são paulo"));
  t.ok(readPattern('नमस्ते दुनिया').match('नमस्ते, दुनिया!'), 'words of other scripts stay whole');
  t.end();
});

t.test('a pattern has alternatives, parts that may be left out, words of any kind, and slots', (t) => {
  const pattern = readPattern('* (turn | switch) [the] {thing} (on | off) [please (now | later)]');
  t.same(pattern.slots, ['thing']);
  t.same(pattern.match('Switch the Reading Lamp off please now.'), { thing: 'Reading Lamp' });
  t.same(pattern.match('Could you turn lamp on'), { thing: 'lamp' });
  t.equal(pattern.match('turn on'), undefined, 'a slot is a word at least');
  t.equal(pattern.match('turn lamp on please'), undefined);
  t.same(readPattern('from {here} to {there}').match('From New York to Bad Ems'), {
    here: 'New York',
    there: 'Bad Ems',
  });
  t.same(readPattern('call [{who}]').match('call'), { who: '' });
  t.ok(readPattern('*').match(''));
  t.same(readPattern('/\\b(?<n>\\d+) (?:eggs?|Eier)/').match('I take 12 eggs, please'), { n: '12' });
  t.equal(readPattern('/^hello/').match('well, hello'), undefined);
  t.end();
});

t.test('a long text costs no more than a short one', (t) => {
  const pattern = readPattern('* {a} x {b} x *');
  t.equal(pattern.match('y '.repeat(100)), undefined);
  t.equal(pattern.match('x '.repeat(100_000)), undefined, 'so many words are not looked at');
  t.end();
});

t.test('the first rule that matches answers, with what stood in its slots and who asked', async (t) => {
  const options = {
    rules: [
      { when: ['turn on the {thing}', '{thing} on'], answer: 'The {thing} is on, {participant}.' },
      { when: 'turn *', answer: 'Where to?' },
    ],
    default: 'Pardon?',
  };
  t.same(await answers(options, ['Turn on the Light!', 'turn left', 'go']), [
    'The Light is on, .',
    'Where to?',
    'Pardon?',
  ]);
  const messages: Message[] = [{ role: 'user', text: 'radio on', name: 'Ann' }];
  t.equal((await ask(model(options), messages)).answer.text, 'The radio is on, Ann.');
  t.same(await answers({ rules: [] }, ['go']), [''], 'without a default nothing is said');
});

t.test('the rules of the shipped agent say what was done', async (t) => {
  const options = { path: join(PACKAGE_ROOT, 'pipelines/media/home.yaml') };
  t.same(await answers(options, ['Please turn on the light.', 'turn the lamp off', 'open the door']), [
    'All right, the light is on.',
    'All right, the lamp is off.',
    'The door is open.',
  ]);
});

t.test('several answers take turns by how often the same was said, and begin again', async (t) => {
  const rules = model({ rules: [{ when: 'joke', answer: ['one', 'two'] }], default: ['what', 'again'] });
  const messages: Message[] = [];
  const told: string[] = [];
  for (const text of ['joke', 'hm', 'joke', 'joke', 'so', 'hm']) {
    messages.push({ role: 'user', text });
    const { answer } = await ask(rules, messages);
    messages.push({ role: 'assistant', text: answer.text });
    told.push(answer.text);
  }
  t.same(told, ['one', 'what', 'two', 'one', 'again', 'what']);
});

t.test('what is wrong with a rule is told where it stands', (t) => {
  const path = (options: object): unknown =>
    llmChoice
      .safeParse({ type: 'rules', ...options })
      .error?.issues.map(({ message, path }) => [path.join('.'), message]);
  t.match(path({ rules: [{ when: ['hi', 'a (b'], answer: 'x' }] }), [['rules.0.when.1', /has no "\)"/]]);
  t.match(path({ rules: [{ when: 'a ] b', answer: 'x' }] }), [['rules.0.when', /"\]" too much/]]);
  t.match(path({ rules: [{ when: 'a | b', answer: 'x' }] }), [['rules.0.when', /outside of/]]);
  t.match(path({ rules: [{ when: '?!', answer: 'x' }] }), [['rules.0.when', /no word/]]);
  t.match(path({ rules: [{ when: '/(/', answer: 'x' }] }), [['rules.0.when', /no regular expression/]]);
  t.match(path({ rules: [{ when: '{a} {a}', answer: 'x' }] }), [['rules.0.when', /no regular expression/]]);
  t.match(path({ rules: [{ when: '* * * * *', answer: 'x' }] }), [['rules.0.when', /more than 4/]]);
  t.match(path({ rules: [{ when: '{the thing}', answer: 'x' }] }), [['rules.0.when', /\{the thing\}/]]);
  t.match(path({ rules: [{ when: ['{a} on', 'on'], answer: ['x', '{a}'] }] }), [['rules.0.answer.1', /\{a\}/]]);
  t.match(path({ default: '{thing}?' }), [['default', /\{thing\}/]]);
  t.end();
});

t.test('rules come from a file too, whose faults are told with line and column', async (t) => {
  const baseDir = t.testdir({
    'rules.yaml': 'rules:\n  - when: hello\n    answer: Hi.\ndefault: What?\n',
    'wrong.yaml': 'rules:\n  - when: hello\n    answer: Hi {you}.\n',
    'stray.json': '{\n  "rules": [],\n  "defalt": "x"\n}',
    'broken.yaml': 'rules: [\n',
  });
  const rules = model({ path: 'rules.yaml', rules: [{ when: 'bye', answer: 'Bye.' }] }, baseDir);
  for (const [said, answer] of Object.entries({ Hello: 'Hi.', bye: 'Bye.', so: 'What?' }))
    t.equal((await ask(rules, said)).answer.text, answer);
  const refused = (file: string, code: string, place: object): void => {
    t.throws(() => model({ path: file }, baseDir), { code, place });
  };
  refused('wrong.yaml', 'SLUICE_CONFIG_INVALID', { file: join(baseDir, 'wrong.yaml'), line: 3, column: 13 });
  refused('stray.json', 'SLUICE_CONFIG_INVALID', { line: 3, column: 3 });
  refused('broken.yaml', 'SLUICE_CONFIG_SYNTAX', { file: join(baseDir, 'broken.yaml') });
  t.throws(() => model({ path: 'none.yaml' }, baseDir), { code: 'SLUICE_FILE_NOT_FOUND' });
  await writeFile(join(baseDir, 'empty.yaml'), '');
  refused('empty.yaml', 'SLUICE_CONFIG_INVALID', { line: 1 });
});
