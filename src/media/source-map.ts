import { LineCounter, isAlias, isMap, isScalar, isSeq, parseDocument, type Document, type Node, type Pair } from 'yaml';
import { SluiceError, type Place } from './errors.js';

export type Path = readonly (string | number)[];

/** Where things of a file were written. */
export interface Places {
  placeOf(path: Path): Place;
  placeOfKey(path: Path): Place;
}

/** A parsed YAML or JSON text that knows the line and column of everything in it. */
export class SourceMap implements Places {
  readonly file: string;
  readonly #document: Document;
  readonly #lines: LineCounter;

  /**
   * Parses a text; YAML 1.2 holds all of JSON. Messages never quote the text, which may hold secrets.
   * Errors: SLUICE_CONFIG_SYNTAX with line and column.
   */
  constructor(text: string, file: string) {
    this.file = file;
    this.#lines = new LineCounter();
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false, version: '1.2' });
    if (file.endsWith('.json')) this.#refuseYaml(text);
    const error = this.#document.errors[0] ?? this.#document.warnings[0];
    if (error) {
      const variable = text.startsWith('${', Math.max(0, error.pos[0] - 1));
      throw new SluiceError('SLUICE_CONFIG_SYNTAX', firstSentence(error.message), {
        place: this.#placeAt(error.pos[0]),
        found: variable ? '`${…}` without quotes' : `what YAML calls ${error.code.toLowerCase().replaceAll('_', ' ')}`,
        expected: 'well-formed YAML 1.2',
        mend: variable ? 'Put `${…}` in quotes.' : mendFor(error),
      });
    }
  }

  /** The text's content. Errors: SLUICE_CONFIG_SYNTAX for an alias. */
  values(): unknown {
    return this.#convert(this.#document.contents);
  }

  /** Place of the value at `path`, or of the nearest thing around it that exists. */
  placeOf(path: Path): Place {
    for (let length = path.length; length > 0; length--) {
      const node = this.#document.getIn(path.slice(0, length), true) as Node | undefined;
      if (node?.range) return this.#placeAt(node.range[0]);
    }
    return this.#placeAt(this.#document.contents?.range?.[0] ?? 0);
  }

  /** Place of the key at `path`; of a list's item, the item. */
  placeOfKey(path: Path): Place {
    const parent = path.length === 1 ? this.#document.contents : this.#document.getIn(path.slice(0, -1), true);
    const pair = isMap(parent) ? parent.items.find((item) => keyOf(item) === String(path.at(-1))) : undefined;
    const key = pair?.key as Node | null | undefined;
    return key?.range ? this.#placeAt(key.range[0]) : this.placeOf(path);
  }

  #placeAt(offset: number): Place {
    const { line, col } = this.#lines.linePos(offset);
    return { file: this.file, line: Math.max(1, line), column: Math.max(1, col) };
  }

  #convert(node: unknown): unknown {
    if (isMap(node)) return Object.fromEntries(node.items.map((pair) => [keyOf(pair), this.#convert(pair.value)]));
    if (isSeq(node)) return node.items.map((item) => this.#convert(item));
    if (isAlias(node)) {
      throw new SluiceError('SLUICE_CONFIG_SYNTAX', 'aliases are not supported', {
        place: this.#placeAt(node.range?.[0] ?? 0),
        found: 'an alias',
        expected: 'a value',
        mend: 'Write the value out where it is used.',
      });
    }
    return isScalar(node) ? node.value : null;
  }

  /** JSON is stricter than YAML; where V8 tells the position, it becomes a place. */
  #refuseYaml(text: string): void {
    try {
      JSON.parse(text);
    } catch (error) {
      const position = /at position (\d+)/.exec(error instanceof Error ? error.message : '')?.[1];
      throw new SluiceError('SLUICE_CONFIG_SYNTAX', 'not well-formed JSON', {
        place: this.#placeAt(position === undefined ? text.length : Number(position)),
        found: 'what JSON does not allow',
        expected: 'JSON',
        mend: 'JSON needs double quotes around names and texts, and no comma after the last entry. Name the file .yaml to write YAML.',
      });
    }
  }
}

const MENDS: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: 'Every id and option may stand once in its block.',
  TAB_AS_INDENT: 'Indent with spaces.',
  BAD_INDENT: 'Indent all entries of a block alike.',
};

function mendFor({ code, message }: { readonly code: string; readonly message: string }): string {
  if (/ end with a [}\]]/.test(message)) return 'Close each `{` and `[` before this place.';
  return MENDS[code] ?? 'Check the indentation, quotes and brackets near this place.';
}

function keyOf(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
}

function firstSentence(message: string): string {
  return (message.split('\n')[0] ?? message).replace(/[:.]$/, '');
}
