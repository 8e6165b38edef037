import t from 'tap';
import { run } from './program.js';

/** What the main thread does, and the code that the process has to end with. An abort would be 134. */
const ENDS = {
  'it returns, connections open': ['returns', 0],
  'it calls process.exit(0), connections open': ['exits', 0],
  'an error that nobody catches': ['throws', 1],
  'everything closed: it ends by itself': ['closes', 0],
  'everything closed, and sessions in the same process again': ['beginsAnew', 0],
  'process.exit(0) while it joins and publishes': ['exitsWhileJoining', 0],
  'process.exit(0), and clients of its server that do not let go': ['exitsWithStuckClients', 0],
  'blocked, then it returns with a code of its own': ['blocksAndExits', 7],
} as const;

t.test('the media thread does not change how a process ends', { jobs: 2, timeout: 200_000 }, async (t) => {
  for (const [what, [name, code]] of Object.entries(ENDS)) {
    t.test(what, async (t) => {
      const { ended, stderr } = await run('thread-life', { args: [name] });
      t.equal(ended, code);
      if (name === 'throws') t.match(stderr, /nobody catches this/);
      else t.equal(stderr, '');
    });
  }
});
