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
