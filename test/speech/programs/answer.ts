// A language model as a program: reads a conversation as JSON, and prints what the rules among its arguments answer to it, word by word.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Message } from '../../../src/speech/language-model.js';
import { RuleSet, type WrittenRules } from '../../../src/speech/llm/rule-set.js';

const [, , rules = '', manner = 'well'] = process.argv;
const { messages } = JSON.parse(readFileSync(0, 'utf8')) as {
  readonly messages: readonly { readonly role: 'user' | 'assistant'; readonly content: string }[];
};
const answer = new RuleSet(JSON.parse(rules) as WrittenRules).answer(
  messages.map(({ role, content }): Message => ({ role, text: content })),
);
let said = 0;
for (const word of answer.match(/\s*\S+/g) ?? []) {
  if (!process.stdout.write(word)) await once(process.stdout, 'drain');
  await new Promise((resolve) => setImmediate(resolve));
  if (++said < 5) continue;
  if (manner === 'dying') process.kill(process.pid, 'SIGKILL');
  if (manner === 'failing') throw new Error('out of memory');
  if (manner === 'stuck') await new Promise(() => setInterval(() => undefined, 1000));
}
process.stdout.write('\n');
