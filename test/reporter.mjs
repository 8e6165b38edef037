import { Transform } from 'node:stream';

/** Longest tail of the TAP text that can hold its closing lines, in characters. */
const TAIL_LENGTH = 4096;

/**
 * A reporter for `tap`: passes the TAP text through and adds a last line, `N passed, N failed, N skipped`.
 * It has to be a Transform, since tap pipes it on into standard output.
 */
export default class Reporter extends Transform {
  #tail = '';

  constructor() {
    super({ decodeStrings: false });
  }

  _transform(chunk, _encoding, done) {
    this.#tail = (this.#tail + chunk.toString()).slice(-TAIL_LENGTH);
    done(null, chunk);
  }

  _flush(done) {
    this.push(`${sum(this.#tail)}\n`);
    done();
  }
}

/** Reads tap's closing comment `# { total: 4, pass: 3, fail: 1 }`; a run that ends without one has failed. */
function sum(tail) {
  const line = tail.match(/^# \{ total: \d+.*\}$/gm)?.at(-1);
  if (line === undefined) return '0 passed, 1 failed, 0 skipped';
  const count = (name) => Number(new RegExp(`\\b${name}: (\\d+)`).exec(line)?.[1] ?? 0);
  return `${count('pass')} passed, ${count('fail')} failed, ${count('skip') + count('todo')} skipped`;
}
