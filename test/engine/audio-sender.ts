import t from 'tap';
import { createOpusDecoder } from '../../src/codecs/opus.js';
import { hasOpusFec } from '../../src/engine/rtp/opus-fec.js';
import { audioData } from '../../src/media/audio-data.js';
import { concat, toneAmplitude } from '../codecs/tones.js';
import { speech } from '../codecs/tones.js';
import { STEREO, decode, encoded, isSilent, setUp } from './audio-sender-lab.js';
import type { SentPacket } from './capture.js';

const times = (packets: readonly SentPacket[]): number[] => packets.map(({ atMs }) => atMs);

await t.test('silence from publish until the first data, then the data, on one time line', async (t) => {
  const { clock, capture, write, events } = await setUp();
  clock.advance(1000);
  const before = capture.take();
  t.same(
    times(before),
    Array.from({ length: 50 }, (_, i) => (i + 1) * 20),
  );
  t.ok(isSilent(await decode(before)));
  t.ok(before.every(({ level }) => level === 127));
  t.same(
    before.filter(({ marker }) => marker).map(({ sequence }) => sequence),
    [0],
    'one beginning',
  );
  t.same(events, [], 'a buffer that was never filled does not run dry');
  write(1000);
  clock.advance(1000);
  const after = capture.take();
  t.same(
    after.map(({ rtp }) => rtp),
    Array.from({ length: 50 }, (_, i) => (50 + i) * 960),
  );
  t.same(
    after.map(({ sequence }) => sequence),
    Array.from({ length: 50 }, (_, i) => 50 + i),
  );
  const heard = await decode(after);
  t.ok(Math.abs(toneAmplitude(heard.subarray(4800), 400, 48_000) - 10_000) < 500);
  t.ok(
    after.slice(1).every(({ level }) => level > 10 && level < 16),
    'the level of the tone is on the packets',
  );
});

await t.test(
  'after the data stops: nothing for 200 ms, then silence; drained is told once until it was filled again',
  async (t) => {
    const { clock, capture, write, events } = await setUp();
    write(100);
    clock.advance(100);
    t.equal(capture.take().length, 5);
    t.same(events, []);
    clock.advance(200);
    t.same(capture.take(), [], "a short gap is nobody's silence");
    t.same(events, ['drained 120']);
    clock.advance(1000);
    const silence = capture.take();
    t.same(
      times(silence),
      Array.from({ length: 50 }, (_, i) => 320 + i * 20),
    );
    t.equal(silence[0]?.rtp, 15 * 960, 'the gap is in the time stamps');
    t.equal(silence[0]?.sequence, 5, 'and not in the sequence');
    t.equal(silence[0]?.marker, true);
    t.ok(isSilent((await decode(silence)).subarray(6 * 960)), 'but for what the codec still swings');
    t.same(events.length, 1);
    write(20);
    clock.advance(60);
    t.same(events, ['drained 120', 'drained 1340']);
    clock.advance(80);
    write(20);
    clock.advance(40);
    t.same(
      capture.take().map(({ rtp, marker }) => [rtp / 960, marker]),
      [
        [65, false],
        [72, true],
      ],
      'what comes after a gap leaves at the next beat',
    );
  },
);

await t.test('the silence after a gap does not begin with the end of the sound before it', async (t) => {
  for (const format of [STEREO, { sampleRate: 44_100, numberOfChannels: 1 }]) {
    const { clock, capture, write } = await setUp(format);
    write(200);
    clock.advance(1000);
    const packets = capture.take();
    const first = packets.findIndex((packet, i) => i > 0 && packet.rtp - packets[i - 1]!.rtp > 960);
    t.equal(first, 10);
    const decoder = await createOpusDecoder({ sampleRate: 48_000, numberOfChannels: 2 });
    const sound = concat(packets.slice(0, first).map(({ payload }) => decoder.decode(payload)));
    // As a receiver does with a gap, as long as Opus draws out a sound.
    for (let i = 0; i < 10; i++) decoder.conceal(480);
    const silence = concat(packets.slice(first).map(({ payload }) => decoder.decode(payload)));
    decoder.close();
    // It fades in over 5 ms.
    const peak = silence.subarray(480).reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
    t.ok(peak < 400, `${peak}`);
    t.ok(sound.subarray(-960).some((sample) => sample > 8000));
  }
});

await t.test('a tolerance of 0: silence without a gap', async (t) => {
  const { clock, capture, write } = await setUp(STEREO, { silenceToleranceMs: 0 });
  write(40);
  clock.advance(100);
  t.same(
    capture.take().map(({ rtp }) => rtp),
    [0, 960, 1920, 2880, 3840],
  );
});

await t.test('a partial period waits for its rest for a moment, and is padded with silence then', async (t) => {
  const { clock, capture, write, sender, level } = await setUp();
  write(125);
  const drained = sender.drained();
  clock.advance(140);
  t.equal(capture.sent.length, 6, 'more was due at 125 ms');
  clock.advance(3);
  t.equal(capture.sent.length, 7, 'and is not expected any more');
  await drained;
  t.equal(level('audioConsumedUs'), 125_000, 'padding does not count');
  t.equal(level('audioPlayedUs'), 125_000);
  const heard = await decode(capture.take());
  // Opus is 6.5 ms late, so the tone ends at 131.5 ms of 140.
  t.ok(toneAmplitude(heard.subarray(115 * 48, 125 * 48), 400, 48_000) > 8000);
  t.ok(
    heard.subarray(134 * 48).every((sample) => Math.abs(sample) < 4000),
    'the rest of the period is silent',
  );
  clock.advance(17);
  capture.take();
  write(30);
  clock.advance(20);
  t.equal(capture.take().length, 1);
  write(15);
  clock.advance(20);
  t.equal(capture.take().length, 1, 'the rest came in time');
  write(10);
  clock.advance(20);
  t.same(capture.take(), [], 'the writer is in the middle of a period');
  clock.advance(2);
  write(5);
  clock.advance(1);
  const [whole] = capture.take();
  t.equal(whole!.atMs, 223, 'it is looked for every few milliseconds');
  t.equal(whole!.rtp, 10 * 960);
  t.equal(level('audioConsumedUs'), 185_000);
});

await t.test('chunks of any size make one unbroken tone', async (t) => {
  const { clock, capture, write, level } = await setUp();
  write(100);
  let written = 100;
  for (let i = 0; written < 3000; i++) {
    const ms = [5, 35, 10, 70, 2.5, 60, 17.5][i % 7]!;
    write(ms);
    written += ms;
    while (level('audioConsumedUs') / 1000 < written - 100) clock.advance(20);
  }
  const packets = capture.take();
  t.same(
    packets.map(({ rtp }) => rtp),
    packets.map((_, i) => i * 960),
  );
  const heard = await decode(packets);
  const quiet: number[] = [];
  for (let at = 4800; at + 480 <= heard.length - 4800; at += 480) {
    if (toneAmplitude(heard.subarray(at, at + 480), 400, 48_000) < 9000) quiet.push(at / 48);
  }
  t.same(quiet, [], '10 ms anywhere carry the tone in full, so its phase is unbroken');
});

await t.test('a live writer that is up to a beat late each time makes no gap', async (t) => {
  const { clock, capture, write } = await setUp();
  clock.advance(1000);
  capture.take();
  const lateMs = [3, 19, 0, 12, 18, 1, 7];
  for (let i = 0; i < 150; i++) {
    const late = lateMs[i % lateMs.length]!;
    clock.advance(late);
    write(20);
    clock.advance(20 - late);
  }
  clock.advance(20);
  const packets = capture.take();
  t.same(
    packets.map(({ rtp }) => rtp / 960),
    packets.map((_, i) => 50 + i),
  );
  t.same(
    packets.filter(({ marker }) => marker),
    [],
    'nothing begins anew',
  );
  const heard = await decode(packets.slice(0, 150));
  t.ok(Math.abs(toneAmplitude(heard.subarray(4800), 400, 48_000) - 10_000) < 500);
});

await t.test('who writes on when told that all was sent is told each time as soon as the first time', async (t) => {
  const { clock, capture, write, events } = await setUp();
  write(100);
  for (let pieces = 1; pieces < 20;) {
    clock.advance(1);
    if (events.length < pieces) continue;
    write(100);
    pieces++;
  }
  const starts = capture.take().filter(({ marker }) => marker);
  const apart = starts.slice(1).map(({ rtp }, i) => (rtp - starts[i]!.rtp) / 48);
  t.equal(apart.length, 18);
  const most = Math.max(...apart);
  // A period that is left out, and what beats may move by.
  t.ok(most <= 128, `${most} ms, of which 100 are sound`);
});

await t.test('other formats come out as Opus with every period whole', async (t) => {
  for (const format of [
    { sampleRate: 44_100, numberOfChannels: 2 },
    { sampleRate: 16_000, numberOfChannels: 1 },
    { sampleRate: 32_000, numberOfChannels: 1 },
  ]) {
    const { clock, capture, write, level } = await setUp(format);
    write(1000);
    clock.advance(1000);
    const packets = capture.take();
    t.same(
      packets.map(({ rtp }) => rtp),
      packets.map((_, i) => i * 960),
    );
    t.ok(
      Math.abs(toneAmplitude((await decode(packets)).subarray(4800), 400, 48_000) - 10_000) < 700,
      `${format.sampleRate} Hz`,
    );
    t.equal(level('audioConsumedUs'), 1_000_000);
  }
});

await t.test('clear() drops what waits, and who waited for it to leave is told', async (t) => {
  const { clock, capture, write, sender, events, level } = await setUp();
  write(1000);
  clock.advance(100);
  let settled = false;
  const drained = sender.drained().then(() => {
    settled = true;
  });
  await Promise.resolve();
  t.equal(settled, false);
  t.equal(sender.heldUs, 900_000);
  sender.clear();
  await drained;
  t.equal(sender.heldUs, 0);
  t.equal(level('audioConsumedUs'), 1_000_000, 'cleared has left the queue');
  t.equal(level('audioPlayedUs'), 100_000, 'and was not played');
  const before = capture.take();
  clock.advance(200);
  const after = capture.take();
  t.same(times(after), [120, 140], 'silence at once, so that nobody makes up more of what was dropped');
  const rest = (await decode([...before, ...after])).subarray(-1200);
  t.ok(toneAmplitude(rest, 400, 48_000) < 100, 'but for the last ms of the first, where the codec ends its sound');
  t.same(events, ['drained 120']);
  write(20);
  clock.advance(40);
  t.equal(capture.take()[0]?.rtp, 15 * 960);
  t.equal(level('audioPlayedUs'), 120_000, 'what was dropped is not among what was played');
  await sender.drained();
});

await t.test('sound that clear() cuts off is over with the packet that was sent last', async (t) => {
  const { clock, capture, write, sender } = await setUp();
  write(1000);
  clock.advance(200);
  const before = capture.take();
  sender.clear();
  clock.advance(400);
  const after = capture.take();
  const heard = await decode([...before, ...after]);
  t.ok(toneAmplitude(heard.subarray(4800, before.length * 960), 400, 48_000) > 9000);
  const rest = heard.subarray(before.length * 960);
  t.ok(isSilent(rest.subarray(5 * 48)), `${rest.findLastIndex((sample) => Math.abs(sample) >= 20) / 48} ms of it`);
  write(1000);
  clock.advance(200);
  const again = await decode(capture.take());
  t.ok(toneAmplitude(again.subarray(4800), 400, 48_000) > 9000, 'what follows is heard');
});

await t.test('Opus packets are sent as they are, each after the time of those before it', async (t) => {
  const { clock, capture, sender, level } = await setUp();
  for (const [number, ms] of [60, 20, 10, 10, 5, 40].entries()) sender.write(encoded(number, ms * 1000));
  clock.advance(160);
  const packets = capture.take();
  t.same(
    packets.map(({ payload }) => payload[0]),
    [0, 1, 2, 3, 4, 5],
  );
  t.ok(packets.every(({ payload }) => payload.length === 60));
  t.same(
    packets.map(({ rtp }) => rtp / 48),
    [0, 60, 80, 90, 100, 105],
  );
  t.same(times(packets), [20, 80, 100, 100, 120, 120]);
  t.equal(level('audioConsumedUs'), 145_000);
  clock.advance(40);
  t.equal(capture.take().length, 0);
});

await t.test('raw audio and Opus packets in turn keep one time line', async (t) => {
  const { clock, capture, sender, write } = await setUp();
  write(30);
  sender.write(encoded(9, 20_000));
  write(20);
  clock.advance(120);
  const packets = capture.take();
  t.same(
    packets.map(({ rtp }) => rtp / 960),
    [0, 1, 2, 3],
  );
  t.equal(packets[2]?.payload[1], 9, 'the partial period before it was padded');
});

await t.test('with DTX what is silent is not sent, and its time passes', async (t) => {
  const { clock, capture, write } = await setUp(STEREO, { dtx: true });
  write(200);
  clock.advance(5000);
  const packets = capture.take();
  t.ok(packets.length < 150, `${packets.length} packets in 5 s`);
  t.same(
    packets.map(({ rtp }) => rtp / 48),
    packets.map(({ atMs }) => atMs - 20),
  );
  const pauses = packets.filter((packet, i) => i > 0 && packet.rtp - packets[i - 1]!.rtp > 960);
  t.ok(pauses.length > 0 && pauses.every(({ marker }) => marker), 'each beginning is marked');
});

await t.test('the time line of the sound is that of the sample which leaves', async (t) => {
  const { clock, sender } = await setUp();
  t.equal(sender.timelineUs(), undefined);
  sender.write(audioData(new Int16Array(1920 * 5), 48_000, 2, 7_000_000));
  clock.advance(20);
  t.equal(sender.timelineUs(), 20_000 - 7_000_000);
  clock.advance(60);
  t.equal(sender.timelineUs(), 20_000 - 7_000_000);
  clock.advance(60);
  t.equal(sender.timelineUs(), undefined, 'none while nothing is sent');
});

await t.test('closing settles who waits', async (t) => {
  const { sender, write, level } = await setUp();
  write(500);
  const drained = sender.drained();
  sender.close();
  await drained;
  t.equal(level('audioConsumedUs'), 500_000);
});

await t.test(
  'packets carry copies of those before them while the receiver reports loss, and a little longer',
  async (t) => {
    const { clock, capture, stream, sender } = await setUp({ sampleRate: 48_000, numberOfChannels: 1 });
    const voice = speech(48_000, 48_000 * 2);
    /** The part of the packets of the last of so many seconds that carry a copy. */
    const copies = (seconds: number): number => {
      for (let i = 0; i < seconds; i++) {
        for (let at = 0; at < 48_000; at += 960) {
          sender.write(audioData(voice.slice(at, at + 960), 48_000, 1, clock.nowUs()));
          clock.advance(20);
        }
      }
      return (
        capture
          .take()
          .slice(-50)
          .filter(({ payload }) => hasOpusFec(payload)).length / 50
      );
    };
    const report = (fractionLost: number): void => {
      const rest = { cumulativeLost: 0, highestSequence: 0, jitter: 0, lastSr: 0, delaySinceLastSr: 0 };
      stream.receiveReportBlock({ ssrc: 77, fractionLost: Math.round(fractionLost * 256), ...rest });
    };
    t.equal(copies(2), 0, 'none while nothing is lost');
    report(0.05);
    t.ok(copies(3) > 0.5, 'loss');
    report(0);
    t.ok(copies(3) > 0.5, 'it may come again');
    t.equal(copies(12), 0, 'it does not');
    sender.close();
  },
);
