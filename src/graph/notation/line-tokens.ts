import { SluiceError } from '../../media/errors.js';
import type { PathPlaces } from '../path-places.js';

export interface Token {
  /** `link` is `!`, `end` is `;`, an `option` is `name=value`, anything else is a `word`. */
  readonly kind: 'link' | 'end' | 'option' | 'word';
  /** As it was written, without the quotes of a quoted value; of an option, its name. */
  readonly text: string;
  /** Where it begins in the text, from 0. */
  readonly offset: number;
  readonly quoted?: boolean;
  /** Of an option. */
  readonly value?: Token;
}

const CLOSING: Readonly<Record<string, string>> = { '[': ']', '{': '}', '"': '"', "'": "'" };

/** Cuts a line into its parts. Errors: SLUICE_CONFIG_SYNTAX for quotes and brackets that are not closed. Pure. */
export function* tokensOf(text: string, places: PathPlaces): Generator<Token> {
  let at = 0;
  while (at < text.length) {
    const char = text.charAt(at);
    if (/\s/.test(char)) at++;
    else if (char === '!' || char === ';') yield { kind: char === '!' ? 'link' : 'end', text: char, offset: at++ };
    else {
      const word = /^[^\s!;=]+/.exec(text.slice(at))?.[0] ?? char;
      if (text.charAt(at + word.length) !== '=') {
        yield { kind: 'word', text: word, offset: at };
        at += word.length;
        continue;
      }
      const value = valueAt(text, at + word.length + 1, places);
      yield { kind: 'option', text: word, offset: at, value: value.token };
      at = value.end;
    }
  }
}

/** A value: up to the next blank, `!` or `;`, but quotes and brackets go on to where they close. */
function valueAt(text: string, start: number, places: PathPlaces): { readonly token: Token; readonly end: number } {
  const open = text.charAt(start);
  const quote = open === '"' || open === "'";
  if (quote || open === '[' || open === '{') {
    const end = closeOf(text, start, places);
    const whole = text.slice(start, end);
    const inner = quote ? unquoted(whole) : whole;
    return { token: { kind: 'word', text: inner, offset: start, quoted: quote }, end };
  }
  const end = start + (/^(?:\$\{[^}]*\}|[^\s;!])*/.exec(text.slice(start))?.[0].length ?? 0);
  return { token: { kind: 'word', text: text.slice(start, end), offset: start }, end };
}

/** Where what opens at `start` has closed. */
function closeOf(text: string, start: number, places: PathPlaces): number {
  const waiting: string[] = [];
  for (let at = start; at < text.length; at++) {
    const char = text.charAt(at);
    const inQuotes = waiting.at(-1) === '"' || waiting.at(-1) === "'";
    if (inQuotes && char === '\\') at++;
    else if (char === waiting.at(-1)) {
      waiting.pop();
      if (waiting.length === 0) return at + 1;
    } else if (!inQuotes && char in CLOSING) waiting.push(CLOSING[char] ?? '');
  }
  throw new SluiceError('SLUICE_CONFIG_SYNTAX', `${text.charAt(start)} is not closed`, {
    place: places.at(start),
    found: 'the end',
    expected: CLOSING[text.charAt(start)] ?? '',
    mend: 'Close it; a quote inside quotes is written with \\ before it.',
  });
}

/** What stands between quotes; a character behind `\` stands for itself. */
function unquoted(whole: string): string {
  return whole.slice(1, -1).replaceAll(/\\(.)/gs, '$1');
}
