import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { SluiceError } from '../../../media/errors.js';
import { missingFolder } from '../../sherpa-package.js';

/** As sherpa-onnx's configuration of a model has it: its kind, the paths of its files, and its tokens. */
export type SherpaSttModel = Readonly<Record<string, string | Readonly<Record<string, string>>>>;

/** Parts of the names of files and folders that models have which hear while somebody speaks. */
const STREAMING = /streaming|chunk-\d+/i;

/** Looks into a folder. Errors: SLUICE_FILE_NOT_FOUND. */
export function readModelFolder(path: string): ModelFolder {
  try {
    return new ModelFolder(path, readdirSync(path));
  } catch (cause) {
    throw missingFolder(path, cause);
  }
}

/** A folder with the files of a model, which it is known by. Pure. */
export class ModelFolder {
  readonly #path: string;
  readonly #names: readonly string[];

  constructor(path: string, names: readonly string[]) {
    this.#path = path;
    this.#names = [...names].sort();
  }

  get name(): string {
    return basename(this.#path);
  }

  /** By its name, or those of its files. */
  get isStreaming(): boolean {
    return [this.name, ...this.#names].some((name) => STREAMING.test(name));
  }

  get tokens(): string {
    return this.path(/^(?:.*-)?tokens\.txt$/, 'tokens.txt');
  }

  get encoder(): string {
    return this.path(/^(?:.*-)?encoder\b.*\.onnx$/, 'an encoder');
  }

  get decoder(): string {
    return this.path(/^(?:.*-)?decoder\b.*\.onnx$/, 'a decoder');
  }

  get joiner(): string {
    return this.path(/^(?:.*-)?joiner\b.*\.onnx$/, 'a joiner');
  }

  has(pattern: RegExp): boolean {
    return this.find(pattern) !== undefined;
  }

  /** A file's name. A model that was made smaller is taken where there is no other. */
  find(pattern: RegExp): string | undefined {
    const names = this.#names.filter((name) => pattern.test(name));
    return names.find((name) => !name.includes('int8')) ?? names[0];
  }

  /** Where a file lies; `what` tells what it is. Errors: SLUICE_CONFIG_INVALID. */
  path(pattern: RegExp, what: string): string {
    const name = this.find(pattern);
    if (name === undefined) throw this.unusable(`${what} is missing`);
    return join(this.#path, name);
  }

  unusable(reason: string): SluiceError {
    return new SluiceError('SLUICE_CONFIG_INVALID', `${this.#path} holds no model of sherpa-onnx: ${reason}`, {
      expected: 'a folder as https://k2-fsa.github.io/sherpa/onnx/ has them',
      mend: 'Name the folder that holds the .onnx files and tokens.txt, and its kind (option `kind`) where these do not tell.',
      retryable: false,
    });
  }
}
