import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ERROR_CODES } from '../../src/media/errors.js';
import { PACKAGE_ROOT } from '../support/package-root.js';

const START = '<!-- errors -->';
const END = '<!-- /errors -->';

t.test('README tells every error code, with the words of the code', async (t) => {
  const readme = readFileSync(join(PACKAGE_ROOT, 'README.md'), 'utf8');
  t.equal(readme.split(START).length, 2, `${START} is there once`);
  t.equal(readme.split(END).length, 2, `${END} is there once`);
  const section = readme.slice(readme.indexOf(START) + START.length, readme.indexOf(END));
  t.same(rowsOf(section), Object.entries(ERROR_CODES));
});

/** The rows of a Markdown table whose first cell is a code, as pairs of code and meaning. */
function rowsOf(markdown: string): [string, string][] {
  return markdown
    .split('\n')
    .map((line) => /^\| *`(SLUICE_[A-Z_]+)` *\| *(.*?) *\|$/.exec(line.trim()))
    .flatMap((match) => (match ? [[match[1] ?? '', (match[2] ?? '').replaceAll('\\|', '|')] as [string, string]] : []));
}
