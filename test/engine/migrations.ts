import t from 'tap';
import { type Probe, run } from './program.js';

t.test(
  'after 20 migrations everything is as it was',
  { timeout: 150_000, skip: process.platform !== 'linux' },
  async (t) => {
    const { ended, results, stderr } = await run('migrations', {
      args: ['20'],
      flags: ['--expose-gc'],
      timeoutMs: 120_000,
    });
    t.equal(ended, 0, 'neither abort nor hang at the end');
    t.equal(stderr, '');
    const [begin, warm, later, end] = results as unknown as Probe[];
    if (!begin || !warm || !later || !end) return;
    t.same(later.main, warm.main, 'handles of the main thread');
    const [before, after] = [warm.media.resources, later.media.resources];
    const others = (resources: readonly string[]): string[] => resources.filter((one) => one !== 'Timeout');
    t.same(others(after), others(before), 'handles of the media thread');
    // Timers come and go while media flows; each move would leave one.
    const timers = after.length - before.length;
    t.ok(Math.abs(timers) <= 3, `${timers} timers more`);
    t.equal(later.media.users, warm.media.users, 'peer connections');
    t.same([later.threads, later.files], [warm.threads, warm.files], 'threads and files');
    t.ok(later.rssMb - warm.rssMb < 30, `${Math.round(later.rssMb - warm.rssMb)} MB more memory in use`);
    const heapMb = later.media.heapMb - warm.media.heapMb;
    t.ok(heapMb < 3, `${heapMb.toFixed(1)} MB more on the heap of the media thread`);
    t.same(end.main, begin.main);
    t.same(end.media.resources, begin.media.resources);
    t.equal(end.media.users, 0, 'the native library was cleaned up');
  },
);
