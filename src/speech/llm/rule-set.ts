import { z } from 'zod';
import type { Message } from '../language-model.js';
import { type TextPattern, readPattern } from './pattern.js';

const Answers = z.union([z.string(), z.array(z.string()).min(1).max(100)]);

/** A rule as it is written: what may be said, and what is answered to it. */
const WrittenRule = z
  .strictObject({
    when: z
      .union([z.string(), z.array(z.string()).min(1).max(100)])
      .describe('What is said, or several ways to say it. Case and punctuation do not count.'),
    answer: Answers.describe('What is answered; several take turns.'),
  })
  .superRefine(({ when, answer }, context) => {
    let slots: readonly string[] | undefined;
    for (const [i, source] of listOf(when).entries()) {
      try {
        const own = readPattern(source).slots;
        slots = slots === undefined ? own : slots.filter((name) => own.includes(name));
      } catch (error) {
        const message = `The pattern ${error instanceof SyntaxError ? `is no regular expression: ${error.message}` : (error as Error).message}`;
        context.addIssue({ code: 'custom', message, path: Array.isArray(when) ? ['when', i] : ['when'] });
        return;
      }
    }
    checkSlots(answer, ['answer'], slots ?? [], context);
  });

/** Rules, the first that matches counts, and what is answered where none does. */
export const rulesShape = {
  rules: z
    .array(WrittenRule)
    .max(10_000)
    .default([])
    .describe(
      'Rules `{ when, answer }`, the first that matches counts. `when`, one pattern or several: words, `(one | other)`, `[may be left out]`, `{slot}` for words that are not known before, `*` for any, or `/a regular expression/`. `answer`: with `{slot}`, and `{participant}` for who said it; of several the first comes the first time.',
    ),
  default: Answers.superRefine((answer, context) => {
    checkSlots(answer, [], [], context);
  })
    .optional()
    .describe('What is answered where no rule matches; nothing when left out. Several take turns.'),
};
export type WrittenRules = z.output<z.ZodObject<typeof rulesShape>>;

interface Rule {
  readonly patterns: readonly TextPattern[];
  readonly answers: readonly string[];
}

/** Answers by rules. Says the same whenever it is asked the same; keeps nothing. */
export class RuleSet {
  readonly #rules: readonly Rule[];
  readonly #default: Rule;

  constructor(written: WrittenRules) {
    this.#rules = written.rules.map(({ when, answer }) => ({
      patterns: listOf(when).map(readPattern),
      answers: listOf(answer),
    }));
    this.#default = { patterns: [], answers: listOf(written.default ?? '') };
  }

  /** The answer to what was said last; which of several depends on how often the same rule has matched before. */
  answer(messages: readonly Message[]): string {
    const said = messages.filter((message) => message.role === 'user');
    const last = said.at(-1);
    if (!last) return '';
    const { rule, slots } = this.#find(last.text);
    const takesTurns = rule.answers.length > 1;
    const turn = takesTurns ? said.filter(({ text }) => this.#find(text).rule === rule).length - 1 : 0;
    const known: Readonly<Record<string, string>> = { participant: last.name ?? '', ...slots };
    const answer = rule.answers[turn % rule.answers.length] ?? '';
    return answer.replaceAll(SLOT, (_whole, name: string) => known[name] ?? '').trim();
  }

  #find(text: string): { readonly rule: Rule; readonly slots: Readonly<Record<string, string>> } {
    for (const rule of this.#rules) {
      for (const pattern of rule.patterns) {
        const slots = pattern.match(text);
        if (slots) return { rule, slots };
      }
    }
    return { rule: this.#default, slots: {} };
  }
}

const SLOT = /\{([^{}]*)\}/g;

function checkSlots(
  answer: string | readonly string[],
  path: readonly (string | number)[],
  slots: readonly string[],
  context: z.RefinementCtx,
): void {
  for (const [i, text] of listOf(answer).entries()) {
    for (const [, name = ''] of text.matchAll(SLOT)) {
      if (name === 'participant' || slots.includes(name)) continue;
      const message = `The answer has {${name}}, which not every pattern has`;
      context.addIssue({ code: 'custom', message, path: typeof answer === 'string' ? [...path] : [...path, i] });
    }
  }
}

function listOf<T>(value: T | readonly T[]): readonly T[] {
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}
