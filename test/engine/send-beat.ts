import t from 'tap';
import { SendBeat, type BeatTask } from '../../src/engine/audio/send-beat.js';
import type { VirtualClock } from '../../src/media/clock.js';
import { CountingClock } from './counting-clock.js';

class FakeTask implements BeatTask {
  excessUs: number | undefined;
  /** When what it waits for is there, in ms. */
  readyMs = 0;
  readonly beats: number[] = [];
  readonly looks: number[] = [];
  readonly moves: number[] = [];
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock, excessUs?: number) {
    this.#clock = clock;
    this.excessUs = excessUs;
  }

  beat(): boolean {
    this.beats.push(this.#clock.nowUs() / 1000);
    return !this.#isReady;
  }

  look(): boolean {
    this.looks.push(this.#clock.nowUs() / 1000);
    return !this.#isReady;
  }

  beatsMoved(byUs: number): void {
    this.moves.push(byUs);
    if (this.excessUs !== undefined) this.excessUs += byUs;
  }

  get #isReady(): boolean {
    return this.#clock.nowUs() / 1000 >= this.readyMs;
  }
}

function setUp(...excessesUs: (number | undefined)[]) {
  const clock = new CountingClock();
  const faults: unknown[] = [];
  const beat = new SendBeat(clock, (error) => faults.push(error));
  const tasks = excessesUs.map((excessUs) => new FakeTask(clock, excessUs));
  for (const task of tasks) beat.add(task);
  return { clock, faults, beat, tasks };
}

t.test('beats stay where they are for those who do not mind', (t) => {
  const { clock, tasks } = setUp(undefined, undefined);
  clock.advance(100);
  for (const task of tasks) t.same([task.beats, task.moves], [[20, 40, 60, 80, 100], []]);
  t.end();
});

t.test('beats come earlier by a millisecond at a time while all who mind wait longer than they need', (t) => {
  const { clock, tasks } = setUp(5000, 2500, undefined);
  clock.advance(200);
  for (const { moves } of tasks) t.same(moves, [-1000, -1000, -500], 'as far as the least of them');
  t.same(tasks[0]!.excessUs, 2500);
  t.equal(tasks[0]!.beats.at(-1), 198, 'timers count whole milliseconds');
  t.end();
});

t.test('beats come later at once when they are too early for one', (t) => {
  const { clock, tasks } = setUp(5000, -7000);
  clock.advance(50);
  t.same(tasks[0]!.beats, [20, 47]);
  t.same(tasks[1]!.moves, [7000]);
  t.end();
});

t.test('one of several who always comes too late moves them so far and no further', (t) => {
  const { clock, tasks } = setUp(5000, 0);
  const [other, slow] = tasks as [FakeTask, FakeTask];
  for (let i = 0; i < 100; i++) {
    slow.excessUs = -1000;
    clock.advance(20);
  }
  const movedMs = other.moves.reduce((sum, us) => sum + us, 0) / 1000;
  t.ok(movedMs >= 40 && movedMs <= 41, `${movedMs} ms in two seconds`);
  t.end();
});

t.test('what is not there is looked for, by one timer, and only for those who wait', (t) => {
  const { clock, beat, tasks } = setUp(undefined, undefined, undefined);
  const [first, second, third] = tasks as [FakeTask, FakeTask, FakeTask];
  first.readyMs = 25;
  second.readyMs = 34;
  clock.advance(40);
  t.same(first.looks, [23, 26]);
  t.same(second.looks, [23, 26, 29, 32, 35]);
  t.same(third.looks, []);
  t.same(third.beats, [20, 40]);
  t.equal(clock.fired, 7);
  second.readyMs = 1000;
  clock.advance(21);
  beat.remove(second);
  clock.advance(10);
  t.same(second.looks, [23, 26, 29, 32, 35], 'not when it is gone');
  second.readyMs = 0;
  third.readyMs = 1000;
  clock.advance(10);
  for (const task of [first, third]) beat.remove(task);
  t.equal(clock.waiting, 0, 'no timer is left');
  t.end();
});

t.test('what comes late moves the beat when it has come', (t) => {
  const { clock, tasks } = setUp(undefined);
  const [task] = tasks as [FakeTask];
  task.readyMs = 24;
  clock.advance(24);
  task.excessUs = -6000;
  clock.advance(30);
  t.same(task.beats, [20, 46]);
  t.end();
});

t.test('one that throws is reported, and the others have their beats', (t) => {
  const { clock, beat, faults, tasks } = setUp(undefined);
  const [task] = tasks as [FakeTask];
  const broken = new FakeTask(clock);
  broken.beat = () => {
    throw new Error('from a beat');
  };
  beat.add(broken);
  clock.advance(40);
  task.look = () => {
    throw new Error('from a look');
  };
  task.readyMs = 1000;
  clock.advance(30);
  t.match(faults, [{ message: 'from a beat' }, {}, {}, { message: 'from a look' }]);
  t.same(task.beats, [20, 40, 60]);
  t.end();
});
