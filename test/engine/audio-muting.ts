import t from 'tap';
import { encoded, setUp } from './audio-sender-lab.js';

await t.test('muted, what is written leaves as ever, and nothing is sent; then it goes on where time is', async (t) => {
  const { clock, capture, sender, write, level } = await setUp();
  write(60);
  clock.advance(60);
  const before = capture.take();
  sender.setMuted(true);
  write(100);
  clock.advance(200);
  sender.write(encoded(1, 20_000));
  clock.advance(300);
  t.same(capture.take(), [], 'no silence either');
  t.equal(level('audioPlayedUs'), 180_000);
  sender.setMuted(false);
  write(60);
  clock.advance(100);
  const [first, ...others] = capture.take();
  t.equal(first?.marker, true);
  t.equal(first!.rtp - before[0]!.rtp, (first!.atMs - before[0]!.atMs) * 48, 'on one time line');
  t.ok(others.length >= 2 && first?.sequence === before.at(-1)!.sequence + 1, 'without a hole in its numbers');
});
