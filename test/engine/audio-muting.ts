import t from 'tap';
import { decode, encoded, isSilent, setUp } from './audio-sender-lab.js';
import { captured } from './capture.js';

await t.test('muted, what is written leaves as ever, and nothing is sent; then it goes on where time is', async (t) => {
  const { clock, capture, sender, write, level } = await setUp();
  write(1020);
  clock.advance(1020);
  const before = capture.take();
  sender.setMuted(true);
  write(100);
  clock.advance(200);
  sender.write(encoded(1, 20_000));
  clock.advance(300);
  t.same(capture.take(), [], 'no silence either');
  t.equal(level('audioPlayedUs'), 1_140_000);
  sender.setMuted(false);
  write(60);
  clock.advance(100);
  const [first, ...others] = capture.take();
  t.equal(first?.marker, true);
  t.equal(first!.rtp - before[0]!.rtp, (first!.atMs - before[0]!.atMs) * 48, 'on one time line');
  t.ok(others.length >= 2 && first?.sequence === before.at(-1)!.sequence + 1, 'without a hole in its numbers');
});

await t.test(
  'muted from the beginning it is silent for a second, so that servers tell of the track, then nothing',
  async (t) => {
    const { clock, capture, sender, write } = await setUp();
    sender.setMuted(true);
    write(3000);
    clock.advance(3000);
    const packets = capture.take();
    t.equal(packets.length, 50);
    t.ok(isSilent(await decode(packets)));
    sender.attach(undefined);
    const { capture: next, stream } = captured(clock, 'audio');
    sender.attach(stream);
    sender.write(encoded(1, 20_000));
    clock.advance(3000);
    t.equal(next.sent.length, 50, 'the same at another server');
    t.ok(isSilent(await decode(next.take())));
  },
);
