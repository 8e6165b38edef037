import type { Readable } from 'node:stream';
import t from 'tap';
import { audioData, type AudioData } from '../../src/media/audio-data.js';
import { VirtualClock, type Clock, type ClockTimer } from '../../src/media/clock.js';
import { parseOptions, type NodePorts } from '../../src/media/node.js';
import { mixer } from '../../src/nodes/mixer.js';
import { tone } from '../../src/nodes/tone.js';
import { concat, levelAt, settle, testContext, type TestContext } from './node-lab.js';

const chunk = (value: number): AudioData => audioData(new Int16Array(160).fill(value), 8000, 1, 0);
const make = async (context: TestContext): Promise<Required<NodePorts>> =>
  (await mixer.create(parseOptions(mixer, { sampleRate: 8000 }), context)) as Required<NodePorts>;

await t.test('mixer: while the process stands still no sound is lost, and none is missing afterwards', async (t) => {
  const context = testContext();
  const ports = await make(context);
  const tones = [400, 1000];
  for (const frequency of tones) {
    const source = await tone.create(parseOptions(tone, { frequency, level: -20, sampleRate: 8000 }), context);
    (source as Readable).pipe(ports.input('in', { flow: 'push' }));
    t.teardown(() => (source as Readable).destroy());
  }
  const output = ports.output('out');
  const heard: AudioData[] = [];
  for await (const value of output as AsyncIterable<AudioData>) {
    heard.push(value);
    if (heard.length === 20 || heard.length === 50) standStill(heard.length === 20 ? 100 : 200);
    if (heard.length === 100) break;
  }
  const begin = heard.findIndex(({ data }) => data.some((sample) => sample !== 0));
  for (const frequency of tones) {
    const level = levelAt(concat(heard.slice(begin)), 8000, frequency);
    t.ok(Math.abs(level + 20) < 0.1, `${frequency} Hz in one unbroken phase: ${level.toFixed(2)} dBFS`);
  }
  t.equal(context.drops.get('input too late'), undefined, 'nothing was dropped');
});

function standStill(ms: number): void {
  for (const until = performance.now() + ms; performance.now() < until;);
}

/** A clock whose time can go on while nothing happens, as in a process that stands still. */
class StallingClock implements Clock {
  readonly #time = new VirtualClock();
  #stalledUs = 0;

  nowUs(): number {
    return this.#time.nowUs() + this.#stalledUs;
  }

  after(delayMs: number, task: () => void): ClockTimer {
    return this.#time.after(delayMs, task);
  }

  stall(ms: number): void {
    this.#stalledUs += ms * 1000;
  }

  /** Lets time go on by a millisecond, and everything happen that is due then. */
  async step(): Promise<void> {
    this.#time.advance(1);
    await settle(2);
  }
}

for (const [stallMs, stepMs] of [
  [60, 4],
  [150, 6],
  [400, 9],
] as const) {
  await t.test(`mixer: what came in ${stallMs} ms of a stall is heard, one chunk in ${stepMs} ms`, async (t) => {
    const clock = new StallingClock();
    const context = testContext({ clock });
    const ports = await make(context);
    const got: number[] = [];
    ports.output('out').on('data', (value: AudioData) => got.push(value.data[0] ?? NaN));
    await settle();
    const input = ports.input('in', { flow: 'push' });
    const startUs = clock.nowUs();
    let written = 0;
    for (let ms = 0; written < 100; ms++) {
      if (ms === 500) clock.stall(stallMs);
      const due = 1 + Math.floor((clock.nowUs() - startUs) / 20_000);
      if (due > written && (due === written + 1 || ms % stepMs === 0)) input.write(chunk(++written));
      await clock.step();
    }
    t.equal(context.drops.get('input too late'), undefined, 'nothing was dropped');
    const first = got.indexOf(1);
    t.same(
      got.slice(first, first + 90),
      Array.from({ length: 90 }, (_, i) => i + 1),
      'every chunk, without a gap',
    );
    t.equal(first, 2, 'as late as at first');
    const last = got.at(-1) ?? 0;
    t.ok(written - last >= 2 && written - last <= 3, `and as late at the end: ${last} of ${written}`);
  });
}
