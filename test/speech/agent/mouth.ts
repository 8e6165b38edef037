import t from 'tap';
import { audioData } from '../../../src/media/audio-data.js';
import { VirtualClock } from '../../../src/media/clock.js';
import { Mouth } from '../../../src/speech/agent/mouth.js';
import { settle } from '../../nodes/node-lab.js';

const RATE = 48_000;

t.test('a publisher that breaks while it is cut off ends nothing but its own sound', async (t) => {
  const clock = new VirtualClock();
  const mouth = new Mouth({
    clock,
    aheadMs: 200,
    onGiven: () => undefined,
    onHeard: () => undefined,
    onSaid: () => undefined,
  });
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
  const mouth = new Mouth({
    clock,
    aheadMs: 200,
    onGiven: () => undefined,
    onHeard: (untilUs) => heard.push(untilUs),
    onSaid: () => said++,
  });
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
