import { setImmediate as turn } from 'node:timers/promises';
import { MessageChannel } from 'node:worker_threads';
import t from 'tap';
import { Ticker, type TickTask } from '../../src/engine/ticker.js';
import { systemClock, VirtualClock, type Clock } from '../../src/media/clock.js';

/** A clock whose timers fire late by so much, as those of a busy machine do. */
class LateClock implements Clock {
  readonly inner = new VirtualClock();
  lateMs = 0;
  /** Timers that are set. */
  waiting = 0;
  onFire: () => unknown = () => undefined;

  nowUs(): number {
    return this.inner.nowUs();
  }

  after(delayMs: number, task: () => void) {
    this.waiting++;
    let over = false;
    const settle = (): void => {
      if (!over) this.waiting--;
      over = true;
    };
    const timer = this.inner.after(delayMs + this.lateMs, () => {
      settle();
      this.onFire();
      task();
    });
    return {
      cancel: () => {
        settle();
        timer.cancel();
      },
    };
  }
}

function setUp(periodMs = 20) {
  const clock = new LateClock();
  const faults: unknown[] = [];
  const ticker = new Ticker(clock, periodMs, (error) => faults.push(error));
  const beats: number[] = [];
  const task: TickTask = { tick: (nowUs) => beats.push(nowUs / 1000) };
  return { clock, faults, ticker, beats, task };
}

t.test('beats do not drift, however late the timers are', (t) => {
  const { clock, ticker, beats, task } = setUp();
  ticker.add(task);
  ticker.add(task);
  clock.lateMs = 7;
  clock.inner.advance(1027);
  t.same(
    beats,
    Array.from({ length: 51 }, (_, i) => (i + 1) * 20),
  );
  t.end();
});

t.test('beats that were missed are made up for, each in a turn of its own, but not those of a sleep', (t) => {
  const { clock, ticker, beats, task } = setUp();
  clock.lateMs = 150;
  ticker.add(task);
  clock.lateMs = 0;
  const perTurn: number[] = [];
  clock.onFire = () => perTurn.push(beats.length);
  clock.inner.advance(170);
  t.same(beats, [20, 40, 60, 80, 100, 120, 140, 160], 'the eight that were due by now');
  t.same(perTurn, [0, 0, 1, 2, 3, 4, 5, 6, 7], 'the first gives way to what came meanwhile');
  clock.lateMs = 1000;
  clock.inner.advance(10);
  clock.lateMs = 0;
  clock.inner.advance(1060);
  t.same(beats.slice(8), [180, 1200, 1220, 1240], 'the time of the sleep is left out');
  t.end();
});

t.test('what came while the thread stood still gets in before the beats that were missed', async (t) => {
  const happened: string[] = [];
  const { port1, port2 } = new MessageChannel();
  port2.on('message', () => happened.push('packet'));
  const ticker = new Ticker(systemClock, 20, () => undefined);
  const beats = new Promise<void>((resolve) => {
    const task: TickTask = {
      tick: () => {
        if (happened.push('beat') < 4) return;
        ticker.remove(task);
        resolve();
      },
    };
    ticker.add(task);
  });
  await turn();
  port1.postMessage(0);
  for (const until = performance.now() + 100; performance.now() < until;);
  await beats;
  t.same(happened.slice(0, 4), ['packet', 'beat', 'beat', 'beat']);
  port1.close();
});

t.test('no timer is set without a task, and never more than one', (t) => {
  const { clock, ticker, beats, task } = setUp();
  t.equal(clock.waiting, 0);
  ticker.add(task);
  t.equal(clock.waiting, 1);
  clock.inner.advance(40);
  ticker.remove(task);
  t.equal(clock.waiting, 0);
  clock.inner.advance(100);
  t.same(beats, [20, 40]);
  ticker.add(task);
  clock.inner.advance(20);
  t.same(beats, [20, 40, 160], 'it begins anew with a whole period');
  ticker.remove(task);
  t.end();
});

t.test('tasks that come and go within a beat leave one timer behind', (t) => {
  const { clock, ticker, beats, task } = setUp();
  let turns = 0;
  const restless: TickTask = {
    tick: () => {
      // Alone for a moment: then there is no task at all, then one again.
      ticker.remove(restless);
      if (++turns < 10) ticker.add(restless);
      else ticker.add(task);
    },
  };
  ticker.add(restless);
  clock.inner.advance(400);
  t.equal(clock.waiting, 1);
  t.equal(turns, 10);
  t.same(
    beats,
    beats.map((_, i) => (beats[0] ?? 0) + i * 20),
    'one beat every period',
  );
  t.ok(beats.length >= 9);
  const last: TickTask = {
    tick: () => {
      ticker.remove(last);
    },
  };
  ticker.remove(task);
  ticker.add(last);
  clock.inner.advance(100);
  t.equal(clock.waiting, 0);
  t.end();
});

t.test('a task that throws is reported, and nobody misses a beat', (t) => {
  const { clock, faults, ticker, beats, task } = setUp();
  ticker.add({
    tick: () => {
      throw new Error('from a task');
    },
  });
  ticker.add(task);
  clock.inner.advance(60);
  t.same(beats, [20, 40, 60]);
  t.match(faults, [{ message: 'from a task' }, {}, {}]);
  t.end();
});

t.test('beats can be moved, with all that follow', (t) => {
  const { clock, ticker, beats, task } = setUp();
  ticker.add(task);
  clock.inner.advance(30);
  ticker.shift(7000);
  clock.inner.advance(40);
  t.same(beats, [20, 47, 67]);
  ticker.shift(-1000);
  clock.inner.advance(60);
  t.same(beats.slice(3), [86, 106, 126]);
  t.equal(clock.waiting, 1);
  ticker.remove(task);
  t.end();
});
