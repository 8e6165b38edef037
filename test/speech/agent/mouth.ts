import t from 'tap';
import { audioData, type AudioData } from '../../../src/media/audio-data.js';
import { VirtualClock } from '../../../src/media/clock.js';
import { Mouth, type MouthOptions } from '../../../src/speech/agent/mouth.js';
import { settle } from '../../nodes/node-lab.js';

const RATE = 48_000;

t.test('a publisher that breaks while it is cut off ends nothing but its own sound', async (t) => {
  const clock = new VirtualClock();
  const mouth = quietMouth(clock);
  let played = 0;
  mouth.audio.on('data', () => undefined);
  mouth.audio.playedBy({ playedUs: () => played, cut: () => Promise.reject(new Error('the media thread broke')) });
  mouth.begin();
  for (let i = 0; i < 50; i++) mouth.say(audioData(new Int16Array(RATE / 50), RATE, 1, 0));
  await settle();
  played = 130_000;
  t.equal(await mouth.pause(), 130_000, 'what had left by then was heard');
  mouth.audio.playedBy(undefined);
  await mouth.resume();
  clock.advance(100);
  t.equal(await mouth.drop(), 440_000, 'and it goes on from there, by the clock: 100 ms, and 200 in whole chunks');
  mouth.close();
});

t.test('what is said after something that was heard to its end counts from its own beginning', async (t) => {
  const clock = new VirtualClock();
  const heard: number[] = [];
  let said = 0;
  const mouth = quietMouth(clock, { onHeard: (untilUs) => heard.push(untilUs), onSaid: () => said++ });
  // As a publisher counts: on and on, until it is cut.
  let played = 0;
  mouth.audio.on('data', () => undefined);
  mouth.audio.playedBy({ playedUs: () => played, cut: () => Promise.resolve(played) });
  const say = (): void => {
    mouth.begin();
    for (let i = 0; i < 50; i++) mouth.say(audioData(new Int16Array(RATE / 50), RATE, 1, 0));
    mouth.end();
  };
  say();
  for (; said === 0; played += 10_000) clock.advance(10);
  played = 1_000_000;
  heard.length = 0;
  say();
  await settle();
  clock.advance(50);
  t.same(heard, [], 'nothing of it has left yet');
  played = 1_130_000;
  clock.advance(10);
  t.same(heard, [130_000]);
  t.equal(await mouth.drop(), 130_000);
  mouth.close();
});

t.test('it goes on with the sample after the last that left, wherever in a piece it was cut off', async (t) => {
  for (const [rate, channels] of [
    [48_000, 1],
    [16_000, 2],
    [44_100, 1],
  ] as const) {
    const clock = new VirtualClock();
    const mouth = quietMouth(clock);
    const line = new Line(mouth, rate, channels);
    const numbers = Int16Array.from({ length: rate * channels }, (_, i) => (i % 30_000) + 1);
    const piece = (rate / 50) * channels;
    mouth.begin();
    for (let i = 0; i < numbers.length; i += piece)
      mouth.say(audioData(numbers.subarray(i, i + piece), rate, channels, 0));
    mouth.end();
    for (let step = 0; !mouth.isSilent; step++) {
      await settle();
      line.play(1 + ((step * 997) % 1500));
      clock.advance(10);
      if (step % 3 !== 0) continue;
      const heard = ((await mouth.pause()) * rate) / 1_000_000;
      const off = Math.abs(heard - line.left.length / channels);
      if (off > 0.1) t.fail(`after step ${step} at ${rate} Hz, ${heard} samples are said to have left: ${off} off`);
      await mouth.resume();
    }
    const wrong = numbers.findIndex((number, i) => number !== line.left[i]);
    t.equal(wrong, -1, `at ${rate} Hz with ${channels} channels each sample leaves once`);
    t.equal(line.left.length, numbers.length);
    mouth.close();
  }
});

/** A mouth that tells of nothing but what is asked for. */
function quietMouth(clock: VirtualClock, asked: Partial<MouthOptions> = {}): Mouth {
  const quiet = (): void => undefined;
  return new Mouth({ clock, aheadMs: 200, onGiven: quiet, onHeard: quiet, onSaid: quiet, ...asked });
}

/** A publisher that plays as many samples as it is told to, and tells so in whole µs. */
class Line {
  /** What has left. */
  readonly left: number[] = [];
  #waiting: number[] = [];
  #played = 0;
  readonly #channels: number;

  constructor(mouth: Mouth, rate: number, channels: number) {
    this.#channels = channels;
    const playedUs = (): number => Math.round((this.#played * 1_000_000) / rate);
    mouth.audio.on('data', ({ data }: AudioData) => this.#waiting.push(...data));
    mouth.audio.playedBy({
      playedUs,
      cut: () => {
        const us = playedUs();
        this.#waiting = [];
        this.#played = 0;
        return Promise.resolve(us);
      },
    });
  }

  play(frames: number): void {
    const some = this.#waiting.splice(0, frames * this.#channels);
    this.left.push(...some);
    this.#played += some.length / this.#channels;
  }
}
