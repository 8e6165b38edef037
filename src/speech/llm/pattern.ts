import { wordsOf, writtenWordsOf } from '../words.js';

/** A text that can be recognised, and what stands where its slots are. */
export interface TextPattern {
  /** Names of its slots. */
  readonly slots: readonly string[];
  /** What was said in the slots, in the letters of the text; undefined where it does not match. */
  match(text: string): Readonly<Record<string, string>> | undefined;
}

/** Of a text, so many words are looked at: what could be matched in too many ways takes too long. */
const MAX_WORDS = 100;
/** Slots and `*` in a pattern. */
const MAX_OPEN = 4;
/** The parts of a pattern that are not words. */
const SIGN = /\{([^{}]*)\}|[*()[\]|]/g;
const SLOT_NAME = /^[a-z]\w*$/i;
const EXPRESSION = /^\/(.*)\/$/s;

/**
 * Reads a pattern: words, `(one | other)`, `[may be left out]`, `{slot}` for one word or more, `*` for any; it matches a whole text.
 * `/…/` is a regular expression, whose named groups are slots, and which matches anywhere. Both see words in small letters, without
 * punctuation, a space between each. Pure. Throws an Error that says what is wrong with it.
 */
export function readPattern(source: string): TextPattern {
  const expression = EXPRESSION.exec(source)?.[1];
  const pattern = new RegExp(expression ?? `^${expressionOf(source)}$`, 'du');
  const slots = Object.keys(new RegExp(`${pattern.source}|`, 'u').exec('')?.groups ?? {});
  // In front of every word of a pattern is a space.
  const head = expression === undefined ? ' ' : '';
  return { slots, match: (text) => slotsIn(pattern, text, head) };
}

function slotsIn(pattern: RegExp, text: string, head: string): Readonly<Record<string, string>> | undefined {
  const written = writtenWordsOf(text);
  if (written.length > MAX_WORDS) return undefined;
  const heard = written.join(' ').toLowerCase();
  const found = pattern.exec(heard === '' ? '' : head + heard);
  if (!found) return undefined;
  const slots: Record<string, string> = {};
  for (const [name, range] of Object.entries(found.indices?.groups ?? {}) as [string, Range | undefined][]) {
    slots[name] = range === undefined ? '' : asWritten(heard, written, range[0] - head.length, range[1] - head.length);
  }
  return slots;
}

type Range = readonly [start: number, end: number];

/** What was heard, in the letters in which it was written where it is whole words. */
function asWritten(heard: string, written: readonly string[], start: number, end: number): string {
  const part = heard.slice(start, end);
  const first = heard.slice(0, start).split(' ').length - 1;
  const words = written.slice(first, first + part.split(' ').length).join(' ');
  return words.toLowerCase() === part ? words : part;
}

function expressionOf(source: string): string {
  const closing: string[] = [];
  let expression = '';
  let open = 0;
  let at = 0;
  const words = (end: number): void => {
    for (const word of wordsOf(source.slice(at, end))) expression += ` ${word}`;
  };
  for (const sign of source.matchAll(SIGN)) {
    words(sign.index);
    at = sign.index + sign[0].length;
    if (sign[0] === '*' || sign[1] !== undefined) open++;
    expression += signOf(sign[0], sign[1], closing);
  }
  words(source.length);
  if (closing.length > 0) throw new Error(`has no "${closing.at(-1) ?? ''}"`);
  if (expression === '') throw new Error('has no word');
  if (open > MAX_OPEN) throw new Error(`has more than ${MAX_OPEN} slots and "*"`);
  return expression;
}

function signOf(sign: string, slot: string | undefined, closing: string[]): string {
  if (slot !== undefined) {
    if (!SLOT_NAME.test(slot)) throw new Error(`has a slot "{${slot}}", whose name is no word of letters and digits`);
    return ` (?<${slot}>\\S+(?: \\S+)*?)`;
  }
  switch (sign) {
    case '*':
      return '(?: \\S+)*?';
    case '|':
      if (closing.at(-1) !== ')') throw new Error('has a "|" outside of "( )"');
      return '|';
    case '(':
    case '[':
      closing.push(sign === '(' ? ')' : ']');
      return '(?:';
    default:
      if (closing.pop() !== sign) throw new Error(`has a "${sign}" too much`);
      return sign === ')' ? ')' : ')?';
  }
}
