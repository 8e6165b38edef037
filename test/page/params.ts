import t from 'tap';
import { readParams } from '../../src/server/page/params.js';

t.test('a bare address means the demo session, nobody by name, a 720-line camera', (t) => {
  t.same(readParams('', ''), {
    session: 'demo',
    name: '',
    token: '',
    autojoin: false,
    audio: 'speech',
    videoHeight: 720,
  });
  t.end();
});

t.test('every part of the address is read, the token from behind the #', (t) => {
  t.same(readParams('?session=stand-up&name=%20Ada%20L%20&autojoin=1&audio=raw&video=360', '#token=a.b.c'), {
    session: 'stand-up',
    name: 'Ada L',
    token: 'a.b.c',
    autojoin: true,
    audio: 'raw',
    videoHeight: 360,
  });
  t.end();
});

t.test('devices can be left off, and nonsense is taken as not given', (t) => {
  t.match(readParams('?audio=off&video=off', ''), { audio: 'off', videoHeight: 0 });
  t.match(readParams('?audio=loud&video=9000&session=%20&autojoin=0', '#token'), {
    audio: 'speech',
    videoHeight: 720,
    session: 'demo',
    autojoin: false,
    token: '',
  });
  t.equal(readParams(`?name=${'x'.repeat(500)}`, '').name.length, 60, 'a name fits its tile');
  t.end();
});
