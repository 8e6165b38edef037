import * as fc from 'fast-check';
import t from 'tap';
import type { StreamInfo } from '../../src/media/session-access.js';
import { fitsFilter } from '../../src/media/stream-filter.js';

function stream(name: string, data?: string): StreamInfo {
  const connection = data === undefined ? {} : { connection: { name, data } };
  return { streamId: `ST_${name}`, name, connectionId: 'PA_1', hasAudio: true, hasVideo: true, ...connection };
}

t.test('a name is meant as a whole, and stars stand for anything', (t) => {
  for (const [name, fitting, others] of [
    ['Ann', ['Ann'], ['ann', 'Anna', 'Joann', '']],
    ['Guest *', ['Guest 1', 'Guest '], ['Guest', 'A Guest 1']],
    ['*bot', ['bot', 'my bot', 'botbot'], ['bots']],
    ['a*b*c', ['abc', 'a--b--c', 'abcbc'], ['ac', 'acb', 'ab', 'abcd']],
    ['aba*ba', ['ababa', 'aba-ba'], ['aba', 'abaa']],
    ['a.c', ['a.c'], ['abc']],
    ['*', ['', 'x'], []],
    [['Ann', 'B*'], ['Ann', 'Bob'], ['Cid']],
  ] as const) {
    const filter = { name: typeof name === 'string' ? name : [...name] };
    for (const text of fitting) t.ok(fitsFilter(filter, stream(text)), `${String(name)}: "${text}"`);
    for (const text of others) t.notOk(fitsFilter(filter, stream(text)), `${String(name)}: not "${text}"`);
  }
  t.end();
});

t.test('metadata is that of the participant, and both have to fit', (t) => {
  const filter = { name: 'A*', metadata: '*"role":"guest"*' };
  t.ok(fitsFilter(filter, stream('Ann', '{"role":"guest","seat":3}')));
  t.notOk(fitsFilter(filter, stream('Ann', '{"role":"host"}')));
  t.notOk(fitsFilter(filter, stream('Bob', '{"role":"guest"}')));
  t.notOk(fitsFilter(filter, stream('Ann')), 'who has none');
  t.ok(fitsFilter({}, stream('Ann')), 'everybody, where nothing is asked for');
  t.end();
});

t.test('stars fit as a regular expression says', (t) => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '*') });
  fc.assert(
    fc.property(text, text, (pattern, other) => {
      const expression = new RegExp(`^${pattern.replaceAll('*', '.*')}$`);
      return fitsFilter({ name: pattern }, stream(other)) === expression.test(other);
    }),
    { numRuns: 2000 },
  );
  t.pass('for any text');
  t.end();
});
