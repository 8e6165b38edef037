import t from 'tap';
import { FrameTimes } from '../../src/engine/video/frame-times.js';
import { HeldPictures } from '../../src/engine/video/held-pictures.js';
import { KeyFrameRequests } from '../../src/engine/video/key-frame-requests.js';
import { VirtualClock } from '../../src/media/clock.js';
import type { AssembledFrame } from '../../src/engine/rtp/frame-assembler.js';

const ms = 1000;

/** Times of pictures at a steady distance, from a moment on. */
function steady(times: FrameTimes, count: number, fromMs: number, stepMs: number): number {
  for (let i = 0; i < count; i++) times.add((fromMs + i * stepMs) * ms);
  return fromMs + (count - 1) * stepMs;
}

t.test('a freeze is three times the usual, and 150 ms more than it; five seconds are a pause', (t) => {
  const times = new FrameTimes();
  let atMs = steady(times, 40, 0, 40);
  times.add((atMs += 189) * ms);
  t.equal(times.freezeCount, 0);
  // The 189 ms weigh in the mean of the next.
  atMs = steady(times, 40, atMs + 40, 40);
  times.add((atMs += 190) * ms);
  t.same([times.freezeCount, times.totalFreezesUs], [1, 190 * ms]);
  atMs = steady(times, 40, atMs + 40, 40);
  times.add((atMs += 5000) * ms);
  t.same([times.freezeCount, times.pauseCount, times.totalPausesUs], [1, 1, 5000 * ms]);
  t.equal(times.frames, 123);
  t.equal(times.totalInterFrameUs, atMs * ms);
  const slow = new FrameTimes();
  const last = steady(slow, 31, 0, 200);
  slow.add((last + 599) * ms);
  t.equal(slow.freezeCount, 0, 'slow pictures may stand for longer');
  slow.interrupt();
  slow.add((last + 3000) * ms);
  t.equal(slow.freezeCount, 0, 'nobody looked');
  t.end();
});

t.test('the rate is that of the last second', (t) => {
  const times = new FrameTimes();
  t.equal(times.perSecond(0), 0);
  steady(times, 60, 0, 40);
  t.equal(times.perSecond(2360 * ms), 25);
  t.equal(times.perSecond(3300 * ms), 2);
  t.end();
});

t.test('key frames are asked for again in the time that one takes, then more and more rarely', (t) => {
  const requests = new KeyFrameRequests();
  const asked: number[] = [];
  for (let atMs = 0; atMs < 5000; atMs += 10) {
    if (atMs * ms < requests.nextUs) continue;
    requests.asked(atMs * ms, 400 * ms);
    asked.push(atMs);
  }
  t.same(asked, [0, 500, 1250, 2250, 3250, 4250]);
  requests.answered(5000 * ms);
  t.equal(requests.nextUs, 5125 * ms);
  t.end();
});

function frame(number: number): AssembledFrame {
  return {
    data: Buffer.of(number),
    type: number === 0 ? 'key' : 'delta',
    timestamp: number,
    firstSequence: number,
    lastSequence: number,
    firstArrivalUs: 0,
    arrivalUs: 0,
    discardable: false,
  };
}

t.test('pictures are held only where they have to be sent again, for so long that this is not seen', (t) => {
  const clock = new VirtualClock();
  const given: { number: number; atUs: number }[] = [];
  const held = new HeldPictures(clock, ({ timestamp }, atUs) => given.push({ number: timestamp, atUs }));
  let number = 0;
  let lastDelayUs = 0;
  let wholeUs = 0;
  /** Pictures every 33 ms, each complete so late. */
  const play = (count: number, lateMs: (i: number) => number): void => {
    for (let i = 0; i < count; i++) {
      const madeUs = clock.nowUs();
      const one = number++;
      // Those behind a late one are given when it is there.
      wholeUs = Math.max(wholeUs, madeUs + lateMs(i) * ms);
      clock.after((wholeUs - madeUs) / ms, () => {
        held.add(frame(one), clock.nowUs() - madeUs, clock.nowUs());
      });
      clock.advance(33);
    }
    lastDelayUs = clock.nowUs() - 33 * ms - given.at(-1)!.atUs;
  };
  play(60, (i) => (i % 4) * 10);
  t.equal(given.length, 60);
  t.ok(lastDelayUs <= 0, 'nothing is held for jitter');
  for (let i = 0; i < 10; i++) {
    held.lost(210 * ms, clock.nowUs());
    play(30, (at) => (at === 15 ? 230 : 5));
  }
  clock.advance(300);
  t.same(
    given.map((one) => one.number),
    [...Array(360).keys()],
  );
  const gaps = given.slice(150).map(({ atUs }, i) => atUs - given[149 + i]!.atUs);
  t.ok(Math.max(...gaps) < 150 * ms, `${Math.max(...gaps) / ms} ms is the longest that a picture stands`);
  play(900, () => 5);
  clock.advance(300);
  const end = given.slice(-10).map(({ atUs }, i, all) => (i === 0 ? 33 * ms : atUs - all[i - 1]!.atUs));
  t.ok(
    end.every((gap) => Math.abs(gap - 33 * ms) < 2 * ms),
    'evenly',
  );
  held.flush();
  t.equal(given.length, 1260);
  t.end();
});
