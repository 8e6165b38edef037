import t from 'tap';
import { FPS, VideoWay } from './video-way.js';

const CLEAN = { loss: 0, delayMs: 25, jitterMs: 0 };

/** Every picture shown is whole, and newer than the one before. */
function intact(way: VideoWay): boolean {
  return way.shown.every(
    ({ number }, i) => number !== undefined && (i === 0 || number > (way.shown[i - 1]!.number ?? Infinity)),
  );
}

for (const seed of [1, 2, 3, 4])
  t.test(
    `5 % loss and 30 ms jitter both ways: no picture stands still or is broken, hardly one is missing, seed ${seed}`,
    async (t) => {
      const way = await VideoWay.open({ loss: 0.05, delayMs: 25, jitterMs: 30 }, seed);
      // The first key frame may be lost before anything is known of the way.
      way.play(1);
      const beganUs = way.clock.nowUs();
      const before = way.stats()!;
      way.play(20);
      const stats = way.stats()!;
      const { framesReceived, pliCount, nackCount, packetsReceived } = stats;
      const freezes = stats.freezeCount! - before.freezeCount!;
      t.comment(
        `${way.lost} packets lost on the way, ${way.resent} sent again, ${packetsReceived} received, ${nackCount} requests, ${pliCount} for key frames`,
      );
      t.comment(`${framesReceived} of ${way.made} pictures, ${freezes} freezes after the first second`);
      t.ok(before.framesReceived! > 0, 'there is a picture within a second');
      t.equal(freezes, 0);
      t.ok(intact(way));
      const due = 20 * FPS;
      t.ok(
        framesReceived! - before.framesReceived! >= 0.98 * due,
        `${framesReceived! - before.framesReceived!} of ${due}`,
      );
      t.ok(way.longestGapMs(beganUs) < 150, `${way.longestGapMs(beganUs)} ms`);
      t.ok(stats.packetsLost > 50 && stats.retransmittedPacketsReceived > 50);
      way.close();
    },
  );

t.test('a key frame that is lost for good, and its retransmissions: 500 ms later there is a picture', async (t) => {
  const way = await VideoWay.open({ ...CLEAN, jitterMs: 10 });
  way.play(2);
  way.neverDelivered = way.made;
  way.play(1 / FPS);
  const lostAtUs = way.clock.nowUs();
  way.play(3);
  const next = way.shown.find(({ number }) => number! > way.neverDelivered!);
  const afterMs = (next!.atUs - lostAtUs) / 1000;
  t.comment(
    `shown again after ${afterMs.toFixed(0)} ms, by picture ${next!.number}; key frames ${way.keyFrames.join()}`,
  );
  t.ok(afterMs <= 500);
  t.ok(intact(way));
  t.equal(way.stats()?.pliCount, 1);
  way.close();
});

t.test('a lost key frame that can be sent again needs no other', async (t) => {
  const way = await VideoWay.open(CLEAN);
  way.play(1);
  way.track.video?.requestKeyFrame();
  way.play(1 / FPS);
  // Everything is lost while the key frame is sent, and comes when it is asked for.
  way.conditions.loss = 1;
  way.play(1 / FPS);
  way.conditions.loss = 0;
  const restoredUs = way.clock.nowUs();
  way.play(2);
  t.ok(way.longestGapMs(restoredUs) < 250, `${way.longestGapMs(restoredUs)} ms`);
  t.ok(intact(way));
  t.ok(way.shown.length >= way.made - 6, `${way.shown.length} of ${way.made}: all, but those on their way`);
  t.equal(way.keyFrames.length, 2);
  t.equal(way.stats()?.pliCount, 1);
  way.close();
});

t.test('20 % burst loss for 2 s: it is over within a second', async (t) => {
  for (const seed of [1, 2, 3]) {
    const way = await VideoWay.open({ loss: 0, delayMs: 25, jitterMs: 20 }, seed);
    way.play(3);
    way.conditions.loss = 0.2;
    way.play(2);
    const { freezeCount: during } = way.stats()!;
    way.conditions.loss = 0;
    const overUs = way.clock.nowUs();
    way.play(1);
    const atUs = way.clock.nowUs();
    way.play(2);
    const { freezeCount, framesReceived, framesDropped } = way.stats()!;
    t.comment(
      `seed ${seed}: ${way.lost} lost, ${way.resent} sent again, ${framesReceived} of ${way.made} shown, ${framesDropped} dropped, ` +
        `${during} freezes in it, ${freezeCount! - during!} after; the longest gap since its end ${way.longestGapMs(overUs).toFixed(0)} ms`,
    );
    t.ok(way.longestGapMs(atUs) < 2.5 * (1000 / FPS), `seed ${seed}: smooth again`);
    t.ok(way.longestGapMs(overUs) < 1000);
    t.ok(intact(way));
    way.close();
  }
});

t.test('packets that overtake each other are not taken for lost', async (t) => {
  const way = await VideoWay.open({ loss: 0, delayMs: 25, jitterMs: 30 });
  way.play(10);
  // What is on its way arrives.
  way.clock.advance(100);
  const { packetsReceived, retransmittedPacketsReceived, pliCount, freezeCount, framesReceived } = way.stats()!;
  t.comment(`${way.resent} of ${packetsReceived} packets were asked for though none was lost`);
  t.ok(way.resent < packetsReceived * 0.04, `${way.resent} of ${packetsReceived}`);
  t.equal(retransmittedPacketsReceived, way.resent);
  t.same([pliCount, freezeCount], [0, 0]);
  t.ok(framesReceived! >= way.made - 3);
  t.ok(intact(way));
  way.close();
});
