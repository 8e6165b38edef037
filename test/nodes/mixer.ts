import type { Readable, Writable } from 'node:stream';
import * as fc from 'fast-check';
import t from 'tap';
import { audioData, type AudioData } from '../../src/media/audio-data.js';
import { VirtualClock } from '../../src/media/clock.js';
import { parseOptions, type NodePorts } from '../../src/media/node.js';
import { mixer } from '../../src/nodes/mixer.js';
import { collect, concat, levelAt, settle, testContext, writeAll, type TestContext } from './node-lab.js';

const FRAMES = 160;
const chunk = (value: number, frames = FRAMES): AudioData => audioData(new Int16Array(frames).fill(value), 8000, 1, 0);
const make = async (options: object, context: TestContext = testContext()): Promise<Required<NodePorts>> =>
  (await mixer.create(parseOptions(mixer, { sampleRate: 8000, ...options }), context)) as Required<NodePorts>;

await t.test('mixer: adds up all inputs until the last has ended', async (t) => {
  const ports = await make({ live: false });
  const inputs = [ports.input('in'), ports.input('in')];
  const output = collect<AudioData>(ports.output('out'));
  const writes = [writeAll(inputs[0], [chunk(100), chunk(200), chunk(300)]), writeAll(inputs[1], [chunk(5)])];
  ports.seal('in');
  const mixed = await output;
  await Promise.all(writes);
  t.same(
    mixed.map((value) => [value.timestamp, value.data[0], value.data[FRAMES - 1]]),
    [
      [0, 105, 105],
      [20_000, 200, 200],
      [40_000, 300, 300],
    ],
  );
  t.match(mixed[0], { sampleRate: 8000, numberOfChannels: 1, numberOfFrames: FRAMES });
});

await t.test('mixer: what is too loud is turned down for as long as it is, and nothing else is changed', async (t) => {
  const ports = await make({ live: false });
  const loud = [20_000, 20_000, 20_000].map((value) =>
    writeAll(ports.input('in'), [chunk(1000), chunk(value), chunk(-value), chunk(1000)]),
  );
  ports.seal('in');
  const values = await collect<AudioData>(ports.output('out'));
  await Promise.all(loud);
  const levels = values.map(({ data }) => data[data.length - 1] ?? 0);
  t.strictSame(levels.slice(0, 3), [3000, 32_767, -32_767]);
  t.ok(levels[3]! > 1500 && levels[3]! < 3000, `${levels[3]} of 3000 right after it`);
});

await t.test('mixer: chunks of any length come out as the same samples', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 20 }), async (lengths) => {
      const ports = await make({ live: false, queueMs: 40 });
      let next = 0;
      const input = lengths.map((frames) =>
        audioData(
          Int16Array.from({ length: frames }, () => next++),
          8000,
          1,
          0,
        ),
      );
      const written = writeAll(ports.input('in'), input);
      ports.seal('in');
      const output = await collect<AudioData>(ports.output('out'));
      await written;
      const samples = output.flatMap((value) => [...value.data]);
      return (
        samples.length === Math.ceil(next / FRAMES) * FRAMES &&
        samples.every((sample, index) => sample === (index < next ? index : 0))
      );
    }),
    { numRuns: 40 },
  );
  t.pass('for any lengths');
});

await t.test('mixer: live, 20 ms every 20 ms', async (t) => {
  const clock = new VirtualClock();
  const context = testContext({ clock });
  const ports = await make({ latencyMs: 0 }, context);
  const got: (number | undefined)[] = [];
  const output: Readable = ports.output('out');
  output.on('data', (value: AudioData) => got.push(value.data[0]));
  const tick = async (): Promise<void> => {
    await settle(3);
    clock.advance(20);
    await settle(3);
  };
  await tick();
  t.same(got, [0, 0], 'silence while nobody gives anything');
  const early = ports.input('in');
  early.write(chunk(10));
  early.write(chunk(11));
  await tick();
  const late = ports.input('in');
  late.write(chunk(100));
  await tick();
  await tick();
  t.same(got, [0, 0, 10, 111, 0], 'who joins is heard at the next tick, who is late is silent');
  ports.seal('in');
  early.destroy();
  late.write(chunk(7));
  late.end();
  await tick();
  await tick();
  t.same(got.slice(5), [7], 'what was written before the end is heard');
  t.ok(output.readableEnded, 'then it ends');
});

/** Lets the clock go on, as far as everything that is due has happened after each step. */
async function advance(clock: VirtualClock, ms: number, stepMs = 5): Promise<void> {
  for (let passed = 0; passed < ms; passed += stepMs) {
    clock.advance(stepMs);
    await settle(2);
  }
}

await t.test('mixer: what comes late by no more than its latency leaves no gap', async (t) => {
  const clock = new VirtualClock();
  const ports = await make({ latencyMs: 40 }, testContext({ clock }));
  const got: number[] = [];
  ports.output('out').on('data', (value: AudioData) => got.push(value.data[0] ?? NaN));
  const input = ports.input('in', { flow: 'push' });
  let lastMs = 0;
  for (let index = 0; index < 50; index++) {
    // Some come on time, some up to 35 ms late.
    lastMs = Math.max(lastMs, index * 20 + ((index * 17) % 8) * 5);
    clock.after(lastMs, () => input.write(chunk(100 + index)));
  }
  await advance(clock, 1200);
  const first = got.indexOf(100);
  t.ok(first === 2 || first === 3, `heard ${first * 20} ms after it began`);
  t.same(
    got.slice(first, first + 50),
    Array.from({ length: 50 }, (_, index) => 100 + index),
  );
});

await t.test('mixer: what comes too late is dropped and counted, and nobody waits for it', async (t) => {
  const clock = new VirtualClock();
  const context = testContext({ clock });
  const ports = await make({ latencyMs: 40 }, context);
  const got: number[] = [];
  ports.output('out').on('data', (value: AudioData) => got.push(value.data[0] ?? NaN));
  await settle();
  const [steady, stalled] = [ports.input('in', { flow: 'push' }), ports.input('in', { flow: 'push' })];
  for (let index = 0; index < 100; index++) {
    clock.after(index * 20, () => steady.write(chunk(1000)));
    // What should have come within 300 ms comes at the end of them.
    clock.after(index >= 30 && index < 45 ? 900 : index * 20, () => stalled.write(chunk(index)));
  }
  await advance(clock, 1960);
  t.equal(got.length, 99, 'a mix every 20 ms');
  t.ok(
    got.slice(3).every((value) => value >= 1000),
    'of what comes in time nothing is missing',
  );
  const late = got.map((value) => value - 1000);
  t.equal(late[20], 18, 'heard 40 ms later at first');
  t.equal(late[95], 93, 'and at the end again');
  const heard = new Set(late);
  const lost = Array.from({ length: 90 }, (_, index) => index).filter((index) => !heard.has(index));
  t.equal(context.drops.get('input too late'), lost.length, `${lost.join()} are lost, all counted`);
  t.ok(lost.every((index) => index >= 30 && index < 45));
});

await t.test('mixer: an input that begins again is heard as late as at first', async (t) => {
  const clock = new VirtualClock();
  const ports = await make({ latencyMs: 60 }, testContext({ clock }));
  const got: number[] = [];
  ports.output('out').on('data', (value: AudioData) => got.push(value.data[0] ?? NaN));
  const input = ports.input('in', { flow: 'push' });
  for (const start of [0, 1000])
    for (let i = 0; i < 5; i++) clock.after(start + i * 20, () => input.write(chunk(start + i + 1)));
  await advance(clock, 1300);
  t.same(got.slice(2, 9), [0, 1, 2, 3, 4, 5, 0]);
  t.same(got.slice(52, 59), [0, 1001, 1002, 1003, 1004, 1005, 0]);
});

/** Those who talk in a conference, each with a tone of their own, and what they hear. */
class Conference {
  readonly heard = new Map<string, AudioData[]>();
  readonly outputs = new Map<string, Readable>();
  readonly drops: ReadonlyMap<string, number>;
  readonly #clock: VirtualClock;
  readonly #ports: Required<NodePorts>;
  readonly #talking = new Map<string, { readonly input: Writable; readonly frequency: number }>();
  #ticks = 0;

  private constructor(clock: VirtualClock, ports: Required<NodePorts>, drops: ReadonlyMap<string, number>) {
    this.#clock = clock;
    this.#ports = ports;
    this.drops = drops;
  }

  static async open(): Promise<Conference> {
    const clock = new VirtualClock();
    const context = testContext({ clock });
    return new Conference(clock, await make({ latencyMs: 0 }, context), context.drops);
  }

  join(name: string, frequency: number, listens = true): void {
    const input = this.#ports.input('in', { branch: name, flow: 'push' });
    this.#talking.set(name, { input, frequency });
    this.heard.set(name, []);
    const output = this.#ports.output('others', name);
    this.outputs.set(name, output);
    if (listens) output.on('data', (value: AudioData) => this.heard.get(name)?.push(value));
  }

  leave(name: string): void {
    this.#talking.get(name)?.input.end();
    this.#talking.delete(name);
  }

  /** So many periods of 20 ms; who is among `away` gives nothing, who is among `silent` gives silence. */
  async talk(periods: number, away: readonly string[] = [], silent: readonly string[] = []): Promise<void> {
    for (let period = 0; period < periods; period++) {
      for (const [name, { input, frequency }] of this.#talking) {
        if (!away.includes(name)) input.write(tone(silent.includes(name) ? 0 : frequency, this.#ticks));
      }
      this.#ticks++;
      await settle(2);
      this.#clock.advance(20);
      await settle(2);
    }
  }

  /** Levels in dBFS of these frequencies in what somebody has heard since it was asked last. */
  levels(name: string, frequencies: readonly number[]): number[] {
    const samples = concat(this.heard.get(name)?.splice(0).slice(2) ?? []);
    return frequencies.map((frequency) => Math.round(levelAt(samples, 8000, frequency) * 10) / 10);
  }
}

function tone(frequency: number, period: number): AudioData {
  const data = Int16Array.from({ length: FRAMES }, (_, i) =>
    Math.round(3277 * Math.sin((2 * Math.PI * frequency * (period * FRAMES + i)) / 8000)),
  );
  return audioData(data, 8000, 1, period * 20_000);
}

for (const count of [2, 3, 4, 5]) {
  await t.test(`mixer: of ${count} each hears all but themselves`, async (t) => {
    const conference = await Conference.open();
    const tones = Array.from({ length: count }, (_, i) => 400 + 300 * i);
    for (const frequency of tones) conference.join(`at ${frequency}`, frequency);
    await conference.talk(12);
    for (const own of tones) {
      const levels = conference.levels(`at ${own}`, tones);
      levels.forEach((level, i) => {
        if (tones[i] === own) t.ok(level < -60, `nothing of their own ${own} Hz: ${level} dBFS`);
        else t.ok(Math.abs(level + 20) < 0.2, `${tones[i]} Hz as loud as it was given: ${level} dBFS`);
      });
    }
  });
}

await t.test(
  'mixer: who comes is heard by those who are there, who goes is heard no more, and their mix ends',
  async (t) => {
    const conference = await Conference.open();
    conference.join('a', 400);
    conference.join('b', 700);
    await conference.talk(5);
    t.ok(conference.levels('a', [700])[0]! > -20.2);
    conference.join('c', 1000);
    await conference.talk(8);
    t.same(conference.levels('a', [700, 1000]), [-20, -20]);
    t.same(conference.levels('c', [400, 700]), [-20, -20], 'and hears them');
    conference.leave('b');
    await conference.talk(12);
    t.ok(conference.outputs.get('b')?.readableEnded, 'the mix of who has gone has ended');
    const [gone, stayed] = conference.levels('a', [700, 1000]);
    t.ok(gone! < -60 && stayed === -20, `${gone} dBFS of who has gone`);
  },
);

await t.test('mixer: those who give nothing, or silence, hear the very same mix', async (t) => {
  const conference = await Conference.open();
  for (const [i, name] of ['a', 'b', 'c', 'd'].entries()) conference.join(name, 400 + 300 * i);
  await conference.talk(5, ['b'], ['c']);
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => conference.heard.get(name) ?? []);
  t.ok(b && b.length >= 5 && b.every(({ data }, i) => data === c?.[i]?.data), 'made once');
  t.ok(
    b?.slice(1).every(({ data }, i) => data !== a?.[i + 1]?.data && data !== d?.[i + 1]?.data),
    'and not for those who talk',
  );
  t.same(conference.levels('b', [400, 1300]), [-20, -20]);
});

await t.test('mixer: a slow reader of one mix loses what it is too slow for, and the others nothing', async (t) => {
  const conference = await Conference.open();
  conference.join('a', 400);
  conference.join('slow', 700, false);
  await settle();
  conference.outputs.get('slow')?.read(0);
  await conference.talk(30);
  const heard = conference.heard.get('a')?.length ?? 0;
  t.ok(heard >= 30, `${heard} periods`);
  t.equal(conference.outputs.get('slow')?.readableLength, 8);
  t.same(
    Object.fromEntries(conference.drops),
    { 'reader too slow': heard - 9 },
    'but for those 8, and one before it began',
  );
});

await t.test('mixer: holds back who gives too much', async (t) => {
  const ports = await make({ live: false, queueMs: 40 });
  const input = ports.input('in');
  let taken = 0;
  for (let index = 0; index < 10; index++) input.write(chunk(index), () => taken++);
  await settle();
  t.equal(taken, 1, 'one is in, the second fills 40 ms and waits there');
  t.ok(input.writableNeedDrain);
  input.destroy();
});

await t.test('mixer: refuses another format', async (t) => {
  const ports = await make({ live: false });
  await t.rejects(writeAll(ports.input('in'), [audioData(new Int16Array(960), 48_000, 1, 0)]), {
    code: 'SLUICE_FORMAT_MISMATCH',
    mend: /resampler/,
  });
});
