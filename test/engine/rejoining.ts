import t from 'tap';
import { Rejoining, type RejoiningOptions } from '../../src/engine/rejoining.js';
import type { ServerLink } from '../../src/engine/server-link.js';
import { VirtualClock } from '../../src/media/clock.js';
import { type ErrorCode, SluiceError } from '../../src/media/errors.js';

/** A link that only notes that it was closed. */
const LINK = {
  closed: 0,
  close: () => {
    LINK.closed++;
    return Promise.resolve();
  },
};

/** What each address answers at each time; `link` after so many failures. */
class Lab {
  readonly clock = new VirtualClock();
  readonly tried: { readonly url: string; readonly atMs: number; readonly timeoutMs: number }[] = [];
  answer: (url: string, count: number) => ErrorCode | 'link' = () => 'SLUICE_CONNECT_FAILED';

  start(more: Partial<RejoiningOptions> = {}): { rejoining: Rejoining; end: Promise<unknown> } {
    const rejoining = new Rejoining({
      clock: this.clock,
      urls: ['ws://b', 'ws://a'],
      join: (url, timeoutMs) => {
        this.tried.push({ url, atMs: this.clock.nowUs() / 1000, timeoutMs });
        const answer = this.answer(url, this.tried.length);
        if (answer === 'link') return Promise.resolve(LINK as unknown as ServerLink);
        return Promise.reject(new SluiceError(answer, `no ${this.tried.length}`));
      },
      usualMs: 200,
      firstPauseMs: 0,
      untilUs: 30_000_000,
      random: () => 0.5,
      ...more,
    });
    const end = rejoining.run().catch((error: unknown) => error);
    return { rejoining, end };
  }

  async pass(ms: number): Promise<void> {
    for (let i = 0; i < ms; i += 10) {
      this.clock.advance(10);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

t.test('addresses are tried in their order, round by round with pauses that grow, until one lets in', async (t) => {
  const lab = new Lab();
  lab.answer = (url, count) => (count >= 6 && url === 'ws://a' ? 'link' : 'SLUICE_CONNECT_FAILED');
  const { end } = lab.start({ firstPauseMs: 40 });
  await lab.pass(1000);
  t.equal(await end, LINK);
  t.same(
    lab.tried.map(({ url }) => url),
    ['ws://b', 'ws://a', 'ws://b', 'ws://a', 'ws://b', 'ws://a'],
  );
  t.same(
    lab.tried.map(({ atMs }) => atMs),
    [40, 40, 140, 140, 290, 290],
  );
  t.same(new Set(lab.tried.map(({ timeoutMs }) => timeoutMs)), new Set([800]), 'four times what it usually takes');
});

t.test('it goes on until its time is up, patiently in the end, and tells why the last try failed', async (t) => {
  const lab = new Lab();
  const { end } = lab.start();
  await lab.pass(31_000);
  t.match(await end, { code: 'SLUICE_CONNECT_FAILED', message: `no ${lab.tried.length}` });
  t.ok((lab.tried.at(-1)?.atMs ?? 0) > 26_000 && (lab.tried.at(-1)?.atMs ?? 0) < 30_000);
  t.equal(lab.tried.at(-1)?.timeoutMs, 3000);
  t.ok(lab.tried.length < 60, `${lab.tried.length} tries`);
});

t.test('who was sent away together does not come together', async (t) => {
  const times = new Set<number>();
  for (let i = 0; i < 10; i++) {
    const lab = new Lab();
    lab.answer = (_url, count) => (count >= 5 ? 'link' : 'SLUICE_CONNECT_FAILED');
    const { end } = lab.start({ random: () => i / 10 });
    await lab.pass(1000);
    await end;
    times.add(lab.tried.at(-1)?.atMs ?? 0);
  }
  t.ok(times.size > 5, [...times].join(' '));
});

t.test('an address that does not take the token is not asked again, and without any other it is over', async (t) => {
  const lab = new Lab();
  lab.answer = (url) => (url === 'ws://b' ? 'SLUICE_TOKEN_INVALID' : 'SLUICE_CONNECT_FAILED');
  const first = lab.start();
  await lab.pass(500);
  t.same(
    lab.tried.slice(0, 4).map(({ url }) => url),
    ['ws://b', 'ws://a', 'ws://a', 'ws://a'],
  );
  first.rejoining.cancel();
  lab.answer = () => 'SLUICE_PERMISSION_DENIED';
  const { end } = lab.start();
  await lab.pass(10);
  t.match(await end, { code: 'SLUICE_PERMISSION_DENIED' });
});

t.test('a server that was never quick is waited for longer', async (t) => {
  const lab = new Lab();
  for (const usualMs of [10, 600, 5000]) {
    const { rejoining } = lab.start({ usualMs });
    await lab.pass(10);
    rejoining.cancel();
  }
  t.same([...new Set(lab.tried.map(({ timeoutMs }) => timeoutMs))], [600, 2400, 3000]);
});

t.test('what is joined after it was cancelled is left', async (t) => {
  const lab = new Lab();
  let finish = (): void => undefined;
  const { rejoining, end } = lab.start({
    join: () =>
      new Promise((resolve) => {
        finish = () => {
          resolve(LINK as unknown as ServerLink);
        };
      }),
  });
  await lab.pass(10);
  rejoining.cancel();
  const { closed } = LINK;
  finish();
  t.match(await end, { code: 'SLUICE_SESSION_CLOSED' });
  t.equal(LINK.closed, closed + 1);
  const waiting = lab.start({ firstPauseMs: 5000 });
  waiting.rejoining.cancel();
  t.match(await waiting.end, { code: 'SLUICE_SESSION_CLOSED' }, 'also while it waits');
});
