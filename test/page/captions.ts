import t from 'tap';
import { Captions, type Caption } from '../../src/server/page/captions.js';

function caption(segmentId: string, text: string, isFinal = false): Caption {
  return { identity: 'ann', segmentId, text, isFinal };
}

t.test('a text takes the place of the one before, until one is final', (t) => {
  const captions = new Captions();
  t.equal(captions.take(caption('a', 'The'), 0), false);
  t.equal(captions.take(caption('a', 'The lamp'), 100), false);
  t.equal(captions.textAt(100), 'The lamp');
  t.equal(captions.take(caption('a', 'The lamp is on.', true), 200), true, 'that is what was said');
  t.equal(captions.take(caption('a', 'The lamp is on.', true), 210), false, 'it came another way too');
  t.equal(captions.take(caption('a', 'The'), 220), false);
  t.equal(captions.textAt(220), 'The lamp is on.', 'what is final stays as it is');
  t.end();
});

t.test('what was said just now stands before what is being said', (t) => {
  const captions = new Captions();
  captions.take(caption('a', 'Yes.', true), 0);
  captions.take(caption('b', ' I think '), 1000);
  t.equal(captions.textAt(1000), 'Yes. I think');
  t.equal(captions.textAt(3000), 'I think', 'a short text can be read in three seconds');
  t.end();
});

t.test('a text goes when there was time to read it, and one that is not finished when nothing more comes', (t) => {
  const captions = new Captions();
  captions.take(caption('a', 'x'.repeat(100), true), 0);
  t.equal(captions.textAt(5999).length, 100);
  t.equal(captions.textAt(6000), '');
  captions.take(caption('b', 'y'.repeat(1000), true), 10_000);
  t.equal(captions.textAt(18_000), '', 'eight seconds at most');
  captions.take(caption('c', 'and'), 20_000);
  captions.take(caption('c', 'and then'), 25_000);
  t.equal(captions.textAt(34_999), 'and then');
  t.equal(captions.textAt(35_000), '');
  t.end();
});

t.test('texts without a name are each one of their own, empty ones are none, long ones end as they do', (t) => {
  const captions = new Captions();
  t.equal(captions.take(caption('', 'One.', true), 0), true);
  t.equal(captions.take(caption('', 'Two.', true), 0), true);
  t.equal(captions.take(caption('c', ' ', true), 0), false);
  t.equal(captions.textAt(0), 'One. Two.');
  captions.take(caption('d', `${'x'.repeat(5000)}end`), 0);
  t.match(captions.textAt(0), /^One\. Two\. x{1997}end$/);
  for (let index = 0; index < 100; index++) captions.take(caption('', `${index}`, true), 0);
  t.equal(captions.textAt(0), Array.from({ length: 20 }, (_, index) => index + 80).join(' '), 'and few are kept');
  t.end();
});
