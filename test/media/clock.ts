import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { VirtualClock, systemClock } from '../../src/media/clock.js';

t.test('timers of the virtual clock fire in order of their time, then of their setting', (t) => {
  const clock = new VirtualClock();
  const fired: string[] = [];
  const note = (name: string) => () => fired.push(`${name} ${clock.nowUs()}`);
  clock.after(20, note('c'));
  clock.after(10, note('a'));
  clock.after(10, note('b'));
  clock.after(30.5, note('d'));
  clock.after(-5, note('now'));
  clock.advance(0);
  t.same(fired, ['now 0'], 'what is due now fires without a step');
  clock.advance(20);
  t.same(fired.slice(1), ['a 10000', 'b 10000', 'c 20000']);
  t.equal(clock.nowUs(), 20_000);
  clock.advance(10.4);
  t.equal(fired.length, 4, 'not before its time');
  clock.advance(0.1);
  t.equal(fired.at(-1), 'd 30500');
  t.end();
});

t.test('a timer may set others, also within the same step, and cancel them', (t) => {
  const clock = new VirtualClock();
  const beats: number[] = [];
  const beat = (): void => {
    beats.push(clock.nowUs());
    clock.after(100, beat);
  };
  clock.after(100, beat);
  const never = clock.after(150, () => t.fail('it was cancelled'));
  clock.after(120, () => {
    never.cancel();
  });
  clock.advance(350);
  t.same(beats, [100_000, 200_000, 300_000]);
  never.cancel();
  clock.advance(100);
  t.equal(beats.length, 4);
  t.end();
});

t.test('a timer that throws leaves the others in place', (t) => {
  const clock = new VirtualClock();
  let later = 0;
  clock.after(10, () => {
    throw new Error('from a task');
  });
  clock.after(20, () => later++);
  t.throws(
    () => {
      clock.advance(30);
    },
    { message: 'from a task' },
  );
  t.equal(clock.nowUs(), 10_000);
  clock.advance(20);
  t.equal(later, 1);
  t.end();
});

t.test('going on to what is due next does one thing at a time, in the order of the setting where both are due', (t) => {
  const clock = new VirtualClock();
  const done: string[] = [];
  clock.after(20, () => done.push('second'));
  clock.after(10, () => {
    done.push('first');
    clock.after(10, () => done.push('third'));
  });
  const steps: [boolean, number, string[]][] = [];
  for (let i = 0; i < 4; i++) steps.push([clock.advanceToNext(), clock.nowUs(), [...done]]);
  t.strictSame(steps, [
    [true, 10_000, ['first']],
    [true, 20_000, ['first', 'second']],
    [true, 20_000, ['first', 'second', 'third']],
    [false, 20_000, ['first', 'second', 'third']],
  ]);
  t.end();
});

t.test('the clock of the machine goes on, counts microseconds, and its timers can be cancelled', async (t) => {
  const startUs = systemClock.nowUs();
  const cancelled = systemClock.after(5, () => t.fail('it was cancelled'));
  cancelled.cancel();
  await new Promise<void>((resolve) => systemClock.after(20, resolve));
  const passedUs = systemClock.nowUs() - startUs;
  t.ok(passedUs >= 19_000, `${passedUs} us`);
});

t.test('the clock of the machine is the same in all threads', async (t) => {
  const beforeUs = systemClock.nowUs();
  const worker = new Worker(new URL('./programs/clock-reader.js', import.meta.url));
  const [thereUs] = (await once(worker, 'message')) as [number];
  t.ok(thereUs > beforeUs && thereUs < systemClock.nowUs());
});
