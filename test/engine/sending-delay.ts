import t, { type Test } from 'tap';
import { SendBeat } from '../../src/engine/audio/send-beat.js';
import { VirtualClock } from '../../src/media/clock.js';
import { toneAmplitude } from '../codecs/tones.js';
import { noise } from './audio-simulation.js';
import { decode, setUp } from './audio-sender-lab.js';
import { CountingClock } from './counting-clock.js';
import type { SentPacket } from './capture.js';

const MONO = { sampleRate: 48_000, numberOfChannels: 1 } as const;
const START_MS = 200;

/** How somebody writes. */
interface Writer {
  readonly chunkMs?: number;
  /** By the chunk's number, in ms: how much later it comes than a perfect clock would have it, which is `dueMs` from the first one on. */
  readonly lateMs?: (chunk: number, dueMs: number) => number;
  /** How much faster the writer's clock is. */
  readonly ppm?: number;
  /** Chunks that are written before the first is due. */
  readonly lead?: number;
  /** How far the first is from a beat. */
  readonly phaseMs?: number;
  readonly seconds?: number;
}

interface Played {
  readonly packets: readonly SentPacket[];
  /** Of each packet: how long its last sample had waited, in ms. */
  readonly waitsMs: readonly number[];
}

/** A tone that is written so. */
async function play(writer: Writer): Promise<Played> {
  const { chunkMs = 20, lateMs, ppm = 0, lead = 0, phaseMs = 13, seconds = 60 } = writer;
  const { clock, capture, write, sender } = await setUp(MONO);
  const written: number[] = [];
  for (let chunk = 0; chunk < (seconds * 1000) / chunkMs; chunk++) {
    const dueMs = (Math.max(0, chunk - lead) * chunkMs) / (1 + ppm / 1e6);
    const atMs = Math.max(written.at(-1) ?? 0, START_MS + phaseMs + dueMs + (lateMs?.(chunk, dueMs) ?? 0));
    clock.advance(atMs - clock.nowUs() / 1000);
    write(chunkMs);
    written.push(atMs);
  }
  clock.advance(1000);
  const packets = capture.take().filter(({ level }) => level < 127);
  sender.close();
  const waitsMs = packets.map(({ atMs }, i) => atMs - written[Math.ceil(((i + 1) * 20) / chunkMs) - 1]!);
  return { packets, waitsMs };
}

interface Figures {
  readonly mean: number;
  readonly p99: number;
  readonly least: number;
}

/** Of the waits between two moments, in seconds of the tone. */
function figures(t: Test, what: string, { waitsMs }: Played, from = 2, to = Infinity): Figures {
  const waits = waitsMs.slice(from * 50, to * 50).sort((a, b) => a - b);
  const mean = waits.reduce((sum, ms) => sum + ms, 0) / waits.length;
  const p99 = waits[Math.floor(waits.length * 0.99)]!;
  t.comment(`${what}: mean ${mean.toFixed(1)}, p99 ${p99.toFixed(1)} ms`);
  return { mean, p99, least: waits[0]! };
}

/** Nothing of the tone is left out, padded or lost, and time stamps go on without a gap. */
async function isUnbroken(t: Test, what: string, { packets }: Played): Promise<void> {
  t.same(gapsMs(packets), [], `${what}: no period is left out`);
  t.same(await quietMs(packets), [], `${what}: 10 ms anywhere carry the tone in full`);
}

/** How long nothing was sent, by the time stamps, each time. */
function gapsMs(packets: readonly SentPacket[]): number[] {
  return packets
    .slice(1)
    .map(({ rtp }, i) => (rtp - packets[i]!.rtp) / 48 - 20)
    .filter((gapMs) => gapMs > 0);
}

async function quietMs(packets: readonly SentPacket[]): Promise<number[]> {
  const heard = await decode(packets);
  const quiet: number[] = [];
  for (let at = 4800; at + 480 <= heard.length - 4800; at += 480) {
    if (toneAmplitude(heard.subarray(at, at + 480), 400, 48_000) < 9000) quiet.push(at / 48);
  }
  return quiet;
}

/** Numbers between -range and range. */
const jitter =
  (range: number, seed: number) =>
  (chunk: number): number =>
    (noise(seed, chunk) * 2 - 1) * range;

/** A writer that stands still for 100 ms every so often, and makes up for it. */
const stalls =
  (everyMs: number) =>
  (_chunk: number, dueMs: number): number =>
    dueMs >= everyMs / 2 && (dueMs + everyMs / 2) % everyMs < 100 ? 100 - ((dueMs + everyMs / 2) % everyMs) : 0;

await t.test('what a steady writer writes leaves a few ms after it, whatever its phase and its chunks', async (t) => {
  for (const chunkMs of [10, 20, 30, 100]) {
    for (const phaseMs of [0.3, 13]) {
      const what = `chunks of ${chunkMs} ms, ${phaseMs} ms from a beat`;
      const played = await play({ chunkMs, phaseMs, seconds: 9 });
      const { p99, least } = figures(t, what, played);
      t.ok(least > 0 && least < 5, `${what}: no beat waits for longer than the packets' distance asks`);
      if (chunkMs <= 20) t.ok(p99 < 8, `${what}: ${p99} ms`);
      await isUnbroken(t, what, played);
    }
  }
});

await t.test('packets keep their distance to a millisecond where a writer is steady', async (t) => {
  const { packets } = await play({ phaseMs: 1, seconds: 10 });
  const distances = packets.slice(25).map(({ atMs }, i) => atMs - packets[24 + i]!.atMs);
  t.ok(
    distances.every((ms) => ms >= 18 && ms <= 21),
    `${Math.min(...distances)} to ${Math.max(...distances)} ms`,
  );
});

await t.test('a jittery writer makes no gap, and waits no longer than its jitter asks', async (t) => {
  for (const rangeMs of [2, 8]) {
    for (const seed of [1, 2, 3]) {
      const what = `±${rangeMs} ms, seed ${seed}`;
      const played = await play({ lateMs: jitter(rangeMs, seed), phaseMs: 6 * seed });
      const { mean, p99 } = figures(t, what, played);
      t.ok(mean < rangeMs + 5 && p99 < 2 * rangeMs + 5, what);
      await isUnbroken(t, what, played);
    }
  }
});

await t.test('chunks that come twenty at a time, or unevenly, make no gap', async (t) => {
  for (const [what, writer] of [
    ['400 ms at a time', { chunkMs: 20, lateMs: (chunk: number) => (19 - (chunk % 20)) * 20 }],
    ['two at a time, ±3 ms', { chunkMs: 10, lateMs: (c: number) => (1 - (c % 2)) * 10 + jitter(3, 4)(c >> 1) }],
    ['30 ms, ±5 ms', { chunkMs: 30, lateMs: jitter(5, 5) }],
  ] as const) {
    const played = await play({ ...writer, seconds: 24 });
    figures(t, what, played);
    await isUnbroken(t, what, played);
  }
});

await t.test('a writer whose clock is 200 ppm fast or slow is followed without a gap', async (t) => {
  for (const ppm of [200, -200]) {
    const played = await play({ ppm, lateMs: jitter(1, 7), seconds: 90 });
    const { p99 } = figures(t, `${ppm} ppm`, played);
    t.ok(p99 < 8, `${p99} ms: nothing piles up`);
    await isUnbroken(t, `${ppm} ppm`, played);
  }
});

await t.test(
  'a stall of 100 ms makes one gap, the next ones none; 30 s after the last nothing is left of it',
  async (t) => {
    const often = await play({ lateMs: stalls(10_000) });
    t.equal(gapsMs(often.packets).length, 1, 'of six stalls');
    t.ok(gapsMs(often.packets)[0]! <= 100, `${gapsMs(often.packets).join()} ms`);
    t.same(await quietMs(often.packets), [], 'all of the tone is sent');
    const { least } = figures(t, 'a stall every 10 s', often, 10);
    t.ok(least > 0, 'there is always enough');
    const once = await play({ lateMs: (chunk, dueMs) => (dueMs < 10_000 ? stalls(10_000)(chunk, dueMs) : 0) });
    t.ok(figures(t, 'after one stall', once, 8, 30).mean > 60, 'it may come again');
    t.ok(figures(t, 'half a minute later', once, 50).p99 < 8, 'it does not');
    t.same(await quietMs(once.packets), []);
  },
);

await t.test('a stall at the beginning is forgotten within a few seconds', async (t) => {
  const lateMs = (_chunk: number, dueMs: number): number => (dueMs >= 1000 && dueMs < 1100 ? 1100 - dueMs : 0);
  const played = await play({ lateMs, seconds: 12 });
  t.equal(gapsMs(played.packets).length, 1);
  t.ok(figures(t, 'five seconds after it', played, 6).p99 < 8);
  t.same(await quietMs(played.packets), []);
});

await t.test('those who write ahead keep what they have ahead', async (t) => {
  const played = await play({ lead: 10, lateMs: jitter(8, 1), seconds: 20 });
  const { least } = figures(t, '200 ms ahead', played);
  t.ok(least > 160, `${least} ms`);
  t.ok(isEven(played.packets.slice(100)));
  await isUnbroken(t, '200 ms ahead', played);
});

await t.test(
  'turns that are written at once, with silence between them, have the same way to those who listen',
  async (t) => {
    const { clock, capture, write, sender } = await setUp(MONO);
    clock.advance(1000);
    for (let turn = 0; turn < 40; turn++) {
      write(600);
      clock.advance(300);
      sender.clear();
      // So that each comes at another place between two beats.
      clock.advance(700 + noise(5, turn) * 20);
    }
    const waysMs = capture.take().map(({ atMs, rtp }) => atMs - rtp / 48);
    const [least, most] = [Math.min(...waysMs), Math.max(...waysMs)];
    t.ok(most - least <= 1, `from ${least} to ${most} ms`);
  },
);

await t.test(
  'a writer whose writing makes beats later is no later for its listeners when it has been silent',
  async (t) => {
    const { clock, capture, write } = await setUp(MONO);
    clock.advance(1000);
    const ways: number[][] = [];
    for (let turn = 0; turn < 40; turn++) {
      capture.take();
      // As a microphone that is switched on, at another place between two beats each time.
      clock.advance(noise(5, turn) * 20);
      for (let chunk = 0; chunk < 25; chunk++) {
        write(20);
        clock.advance(20);
      }
      ways.push(capture.take().map(({ atMs, rtp }) => atMs - rtp / 48));
      clock.advance(1000);
    }
    const leastMs = ways.map((way) => Math.min(...way));
    const spreadMs = Math.max(...leastMs) - Math.min(...leastMs);
    t.ok(spreadMs <= 9, `the fastest packets of all turns are ${spreadMs} ms apart`);
  },
);

await t.test('those who write as fast as there is room are not played faster for it', async (t) => {
  for (const roomMs of [20, 60, 500]) {
    const { clock, capture, sender, write, awaitRoom } = await setUp(MONO);
    const fill = (): void => {
      while (sender.heldUs < roomMs * 1000) write(20);
      awaitRoom(() => clock.after(2, fill));
    };
    fill();
    clock.advance(20_000);
    t.equal(capture.sent.length, 1000, `${roomMs} ms`);
    t.ok(isEven(capture.sent));
    sender.close();
  }
});

/** A clock on which time passes while nobody runs. */
class SlippingClock extends VirtualClock {
  #slippedUs = 0;

  override nowUs(): number {
    return super.nowUs() + this.#slippedUs;
  }

  slip(ms: number): void {
    this.#slippedUs += ms * 1000;
  }
}

await t.test('where the whole machine stood still, writers get as long as ever', async (t) => {
  const clock = new SlippingClock();
  const { capture, write, sender } = await setUp(MONO, { clock });
  clock.advance(START_MS);
  for (let chunk = 0; chunk < 500; chunk++) {
    clock.advance(20);
    write(20);
    if (chunk % 100 !== 99) continue;
    clock.slip(60);
    // This thread has three beats to make up for before the writer has its turn.
    clock.advance(8);
    for (let missed = 0; missed < 3; missed++) write(20);
    clock.advance(12);
    write(20);
  }
  clock.advance(20);
  const packets = capture.take().filter(({ level }) => level < 127);
  t.equal(packets.length, 520);
  t.same(gapsMs(packets), []);
  sender.close();
});

await t.test('thirty writers have one beat: the thread is woken as often as for one', async (t) => {
  const clock = new CountingClock();
  const beat = new SendBeat(clock, (error) => t.fail(String(error)));
  const all = await Promise.all(Array.from({ length: 30 }, () => setUp(MONO, { clock, beat })));
  for (const [number, { write }] of all.entries()) {
    const startMs = START_MS + noise(9, number) * 20;
    const late = jitter(2, number);
    for (let chunk = 0; chunk < 400; chunk++) {
      VirtualClock.prototype.after.call(clock, startMs + chunk * 20 + late(chunk), () => {
        write(20);
      });
    }
  }
  clock.advance(3000);
  for (const { capture } of all) capture.take();
  clock.fired = 0;
  clock.advance(5000);
  t.comment(`woken ${clock.fired / 5} times a second`);
  t.ok(clock.fired <= 253, `${clock.fired} times in 5 s`);
  for (const { capture, sender } of all) {
    t.ok(capture.sent.length >= 249);
    t.same(gapsMs(capture.sent), []);
    sender.close();
  }
});

await t.test(
  'a writer that is slower than time is followed where it is alone, and slows down nobody else',
  async (t) => {
    const slowly = (chunk: number): number => chunk;
    const alone = await play({ lateMs: slowly, seconds: 20 });
    figures(t, '21 ms for each 20, alone', alone);
    await isUnbroken(t, 'alone', alone);
    const clock = new VirtualClock();
    const beat = new SendBeat(clock, (error) => t.fail(String(error)));
    const [slow, steady] = [await setUp(MONO, { clock, beat }), await setUp(MONO, { clock, beat })];
    for (let chunk = 0; chunk < 3000; chunk++) {
      clock.after(START_MS + chunk * 21, () => slow.write(20));
      clock.after(START_MS + chunk * 20, () => steady.write(20));
    }
    clock.advance(60_000);
    const heldMs = steady.sender.heldUs / 1000;
    t.comment(`beside it ${heldMs} ms wait`);
    t.ok(heldMs <= 60);
    const loud = (packets: readonly SentPacket[]): SentPacket[] => packets.filter(({ level }) => level < 127);
    t.same(gapsMs(loud(steady.capture.sent)), []);
    t.ok(slow.sender.heldUs <= 20_000);
    t.same(await quietMs(loud(slow.capture.sent)), [], 'it has gaps, and loses nothing');
  },
);

function isEven(packets: readonly SentPacket[]): boolean {
  return packets.slice(1).every(({ atMs }, i) => Math.abs(atMs - packets[i]!.atMs - 20) < 1e-6);
}
