import t from 'tap';
import { type Probe, run } from './program.js';

t.test(
  'after 100 joins and leaves in one process everything is as it was',
  { timeout: 100_000, skip: process.platform !== 'linux' },
  async (t) => {
    const { ended, results, stderr } = await run('joins', { args: ['50'], flags: ['--expose-gc'], timeoutMs: 90_000 });
    t.equal(ended, 0, 'neither abort nor hang at the end');
    t.equal(stderr, '');
    const [begin, warm, later, end] = results as unknown as Probe[];
    if (!begin || !warm || !later || !end) return;
    t.same(later.main, warm.main, 'handles of the main thread');
    t.same(later.media.resources, warm.media.resources, 'handles of the media thread');
    t.same([later.threads, later.files], [warm.threads, warm.files], 'threads and files');
    // 200 transports of 0.16 MB and more would show.
    t.ok(later.rssMb - warm.rssMb < 30, `${Math.round(later.rssMb - warm.rssMb)} MB more memory in use`);
    t.ok(
      later.media.heapMb - warm.media.heapMb < 3,
      `${(later.media.heapMb - warm.media.heapMb).toFixed(1)} MB more on the heap of the media thread`,
    );
    t.same(end.main, begin.main);
    t.same(end.media.resources, begin.media.resources);
    t.equal(end.media.users, 0, 'the native library was cleaned up');
    // The port of the server is kept for the next one: a thread and two descriptors.
    t.ok(end.threads <= begin.threads + 1, `${end.threads} threads, ${begin.threads} at the beginning`);
    t.ok(end.files <= begin.files + 3, `${end.files} files, ${begin.files} at the beginning`);
  },
);
