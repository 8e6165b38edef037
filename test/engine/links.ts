import t, { type Test } from 'tap';
import { run } from './program.js';

/** Runs one case; the process has to end by itself, so that no timer and no transport is left. */
async function result(t: Test, name: string): Promise<Record<string, unknown>> {
  const { ended, results, stderr } = await run('links', { args: [name], timeoutMs: 30_000 });
  t.equal(ended, 0);
  t.equal(stderr, '');
  return results[0] ?? {};
}

t.test('the links of a participant', { jobs: 2, timeout: 120_000 }, async (t) => {
  t.test(
    'an offer tells no candidates before its answer was taken: the native library could not tell who connects',
    async (t) => {
      const { log, users, faults } = await result(t, 'candidatesAfterTheAnswer');
      t.match(log, [
        'offer with 0 candidates',
        'answered',
        'candidate of the publisher',
        /^offer with some candidates/,
        'answered',
      ]);
      t.same([users, faults], [0, []]);
    },
  );

  t.test('candidates that come before the answer are kept', async (t) => {
    const { states, faults } = await result(t, 'candidatesBeforeTheAnswer');
    // What follows is the other side closing, which may come before this one closes, or after.
    t.same((states as unknown[]).slice(0, 2), ['connecting', 'connected']);
    t.same(faults, []);
  });

  t.test('candidates that come right behind an offer are kept', async (t) => {
    t.same(await result(t, 'candidatesBehindTheOffer'), { log: ['answer'], users: 0, faults: [] });
  });

  t.test('a codec that the server does not take ends that attempt only', async (t) => {
    t.same(await result(t, 'refusedCodec'), {
      code: 'SLUICE_PUBLISH_FAILED',
      left: 0,
      streams: 1,
      own: true,
      faults: [],
    });
  });

  t.test('an m-line whose track has ended is used again, once the server knows', async (t) => {
    t.same(await result(t, 'reusedSections'), {
      sections: [
        '0 a sendrecv, 1 a sendonly, 2 v sendonly',
        '0 a sendrecv, 1 a inactive, 2 v sendonly',
        '0 a sendrecv, 1 a sendonly, 2 v sendonly, 3 v sendonly',
        '0 a sendrecv, 1 a inactive, 2 v sendonly, 3 v sendonly, 4 a sendonly',
        '0 a sendrecv, 1 a inactive, 2 v sendonly, 3 v sendonly, 4 a sendonly',
      ],
      streams: 3,
      second: true,
      faults: [],
    });
  });

  t.test('leaving while something is published ends that at once', async (t) => {
    const closed = 'SLUICE_SESSION_CLOSED';
    t.same(await result(t, 'closedWhilePublishing'), { codes: [closed, closed, closed], users: 0, faults: [] });
  });

  t.test('leaving while an offer is answered leaves nothing behind', async (t) => {
    t.same(await result(t, 'closedWhileAnswering'), { users: 0 });
  });

  t.test('a join of nobody to nothing is refused', async (t) => {
    t.same(await result(t, 'joinsNobody'), { code: 'SLUICE_PROTOCOL', goodbye: 'leave' });
  });
});
