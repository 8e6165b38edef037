import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { VideoQueue, type VideoValue } from '../../src/engine/video/video-queue.js';
import type { EncodedVideoChunk } from '../../src/media/encoded-chunk.js';
import type { VideoFrame } from '../../src/media/video-frame.js';

const FRAME_US = 40_000;
const data = new Uint8Array(6);

function picture(timestamp: number): VideoFrame {
  return { kind: 'video', data, width: 2, height: 2, format: 'YUV420P', timestamp };
}

function chunk(timestamp: number, duration: number): EncodedVideoChunk {
  return { kind: 'encoded-video', codec: 'vp8', type: 'delta', data, timestamp, duration };
}

/** What comes due, and when, looked for every 5 ms. */
function play(queue: VideoQueue, fromMs: number, toMs: number): string[] {
  const out: string[] = [];
  for (let nowMs = fromMs; nowMs <= toMs; nowMs += 5) {
    for (let value = queue.shiftDue(nowMs * 1000); value; value = queue.shiftDue(nowMs * 1000))
      out.push(`${value.timestamp / 1000}@${nowMs}`);
  }
  return out;
}

t.test('pictures leave as far apart as their time stamps say, the first at once', (t) => {
  const queue = new VideoQueue(FRAME_US);
  for (const at of [5000, 5040, 5060, 5200]) queue.push(picture(at * 1000));
  t.same(play(queue, 100, 400), ['5000@100', '5040@140', '5060@160', '5200@300']);
  t.end();
});

t.test('time stamps that stand still or go back count as one interval each', (t) => {
  const queue = new VideoQueue(FRAME_US);
  for (const at of [0, 0, 0, 120, 20]) queue.push(picture(at * 1000));
  t.same(play(queue, 0, 400), ['0@0', '0@40', '0@80', '120@120', '20@160']);
  t.end();
});

t.test('a late picture keeps the time line, one far too late and one far ahead begin a new one', (t) => {
  const queue = new VideoQueue(FRAME_US);
  queue.push(picture(0));
  t.same(play(queue, 0, 100), ['0@0']);
  queue.push(picture(40_000));
  queue.push(picture(160_000));
  t.same(play(queue, 100, 200), ['40@100', '160@160'], 'late by 60 ms');
  queue.push(picture(200_000));
  queue.push(picture(240_000));
  t.same(play(queue, 500, 600), ['200@500', '240@540'], 'late by 300 ms');
  queue.push(picture(5_000_000));
  queue.push(picture(5_040_000));
  t.same(play(queue, 600, 700), ['5000@600', '5040@640'], 'the source was replaced');
  t.end();
});

t.test('pictures keep to the time line of their sound, as far as the two are near', (t) => {
  let offsetUs: number | undefined;
  const queue = new VideoQueue(FRAME_US, () => offsetUs);
  for (let i = 0; i < 6; i++) queue.push(picture(i * FRAME_US));
  t.same(play(queue, 1000, 1050), ['0@1000', '40@1040'], 'without sound the first is due when it comes');
  offsetUs = 1_100_000;
  t.same(play(queue, 1055, 1250), ['80@1180', '120@1220'], 'the sound is 100 ms later, the pictures wait for it');
  offsetUs = 1_110_000;
  t.same(play(queue, 1255, 1265), ['160@1260'], 'a skew of 10 ms is let be');
  offsetUs = 9_000_000;
  t.same(play(queue, 1270, 1400), ['200@1300'], 'a time line that has nothing to do with them is not followed');
  t.end();
});

t.test('it tells when the next picture is due, and when the last one was, however late it is looked at', (t) => {
  const queue = new VideoQueue(FRAME_US);
  t.equal(queue.nextDueUs(0), undefined);
  for (const at of [7000, 7033, 7066]) queue.push(picture(at * 1000));
  t.equal(queue.nextDueUs(500_000), 500_000, 'the first when it comes');
  queue.shiftDue(500_000);
  t.equal(queue.dueUs, 500_000);
  t.equal(queue.nextDueUs(500_000), 533_000);
  t.equal(queue.shiftDue(530_000), undefined);
  queue.shiftDue(550_000);
  t.equal(queue.dueUs, 533_000);
  queue.shiftDue(580_000);
  t.equal(queue.dueUs, 566_000);
  t.end();
});

t.test('a gap in the pictures is kept while the sound that they keep to goes on', (t) => {
  let offsetUs: number | undefined = 1_000_000;
  const queue = new VideoQueue(FRAME_US, () => offsetUs);
  queue.push(picture(0));
  queue.push(picture(3_000_000));
  queue.push(picture(3_040_000));
  t.same(play(queue, 1000, 4100), ['0@1000', '3000@4000', '3040@4040']);
  queue.push(picture(6_000_000));
  t.same(play(queue, 4105, 5000), []);
  offsetUs = 1_030_000;
  t.same(play(queue, 5005, 7100), ['6000@7030'], 'also when the sound gets a little later');
  queue.push(picture(60_000_000));
  t.same(play(queue, 7105, 7110), ['60000@7105'], 'another source');
  queue.push(picture(63_000_000));
  offsetUs = undefined;
  t.same(play(queue, 7115, 7120), ['63000@7115'], 'without sound there is nothing to go by');
  t.end();
});

t.test('pictures that are far behind their sound come at once until they are with it again', (t) => {
  for (const [name, firstMs] of [
    ['from the beginning', 0],
    ['after a while', 160],
  ] as const) {
    const queue = new VideoQueue(FRAME_US, () => 1_000_000);
    for (let at = 0; at < firstMs; at += 40) queue.push(picture(at * 1000));
    const early = play(queue, 1000, 2600);
    t.equal(early.length, firstMs / 40);
    // They come at five times the pace of time.
    const late: string[] = [];
    for (let i = 0; i < 100; i++) {
      queue.push(picture((firstMs + i * 40) * 1000));
      late.push(...play(queue, 2605 + firstMs + i * 8, 2605 + firstMs + i * 8 + 5));
    }
    late.push(...play(queue, 3500, 6000));
    t.equal(late[0], `${firstMs}@${2605 + firstMs}`, `${name}: 1.6 s too late`);
    t.same(
      late.slice(-30),
      Array.from({ length: 30 }, (_, i) => firstMs + (70 + i) * 40).map((at) => `${at}@${at + 1000}`),
      'in time at the end',
    );
    t.equal(late.length, 100, 'none is left out');
  }
  const queue = new VideoQueue(FRAME_US, () => 1_000_000);
  queue.push(picture(0));
  queue.push(picture(40_000));
  t.same(play(queue, 4500, 5000), ['0@4500', '40@4540'], 'what begins 3.5 s later has nothing to do with the sound');
  t.end();
});

t.test('clear tells what it dropped and forgets the time line; durations of chunks count', (t) => {
  const queue = new VideoQueue(FRAME_US);
  queue.push(chunk(0, 33_000));
  queue.push(chunk(33_000, 0));
  queue.push(picture(70_000));
  t.equal(queue.heldUs, 33_000 + 2 * FRAME_US);
  t.same(play(queue, 0, 5), ['0@0']);
  t.equal(queue.clear(), 2 * FRAME_US);
  t.equal(queue.heldUs, 0);
  queue.push(picture(10_000));
  t.same(play(queue, 10, 15), ['10@10']);
  t.end();
});

t.test('nothing is lost and the order is kept, whatever the time stamps', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 3000 }), fc.integer({ min: 0, max: 20 })), { maxLength: 150 }),
      (writes) => {
        const queue = new VideoQueue(FRAME_US);
        const out: VideoValue[] = [];
        const pushed: VideoValue[] = [];
        let nowUs = 0;
        const drain = (): void => {
          for (let value = queue.shiftDue(nowUs); value; value = queue.shiftDue(nowUs)) out.push(value);
          assert.equal(queue.heldUs, (pushed.length - out.length) * FRAME_US);
        };
        for (const [timestampMs, beats] of writes) {
          const value = picture(timestampMs * 1000);
          pushed.push(value);
          queue.push(value);
          for (let i = 0; i < beats; i++) {
            nowUs += 5000;
            drain();
          }
        }
        for (let i = 0; out.length < pushed.length; i++) {
          assert.ok(i < pushed.length * 300, 'a picture never waits for more than a second');
          nowUs += 5000;
          drain();
        }
        assert.deepEqual(out, pushed);
      },
    ),
    { numRuns: 60 },
  );
  t.end();
});
