import { join } from 'node:path';
import t from 'tap';
import { audioData } from '../../../src/media/audio-data.js';
import { wordsEndOfTurn } from '../../../src/speech/dialogue/end-of-turn.js';
import { OwnEcho } from '../../../src/speech/dialogue/own-echo.js';
import { isOwnWords } from '../../../src/speech/dialogue/own-words.js';
import { readAudio } from '../../nodes/media-lab.js';
import { PACKAGE_ROOT } from '../../support/package-root.js';

const RATE = 48_000;
const FRAMES = RATE / 50;

/** How many of the moments, 100 ms apart and from the second second on, what `heard` gives is taken for an echo of `played`. */
function echoes(played: Int16Array, heard: Int16Array): { readonly echoes: number; readonly moments: number } {
  const own = new OwnEcho();
  let [found, moments] = [0, 0];
  for (let at = 0; at + FRAMES <= Math.min(played.length, heard.length); at += FRAMES) {
    const atUs = 5_000_000 + Math.round((at / RATE) * 1_000_000);
    own.played(audioData(played.subarray(at, at + FRAMES), RATE, 1, atUs), atUs);
    own.heard('ann', audioData(heard.subarray(at, at + FRAMES), RATE, 1, atUs), atUs);
    if (at < RATE || (at / FRAMES) % 5 !== 0) continue;
    moments++;
    if (own.isEcho('ann')) found++;
  }
  return { echoes: found, moments };
}

/** Out of a loudspeaker and into a microphone: later, quieter, duller, with a wall behind and some noise. */
function room(sound: Int16Array, delayMs: number, gain: number): Int16Array {
  const out = new Int16Array(sound.length);
  let [low, seed] = [0, 1];
  const late = (ms: number, at: number): number => sound[at - Math.round((RATE * ms) / 1000)] ?? 0;
  for (let i = 0; i < out.length; i++) {
    seed = (seed * 16_807) % 2_147_483_647;
    low += 0.4 * (late(delayMs, i) + 0.25 * late(delayMs + 35, i) - low);
    out[i] = gain * low + (seed / 2_147_483_647 - 0.5) * 40;
  }
  return out;
}

t.test("the agent's voice out of a loudspeaker is known again, and other voices are not taken for it", async (t) => {
  const { samples } = await readAudio(join(PACKAGE_ROOT, 'pipelines', 'media', 'speech.ogg'));
  const half = Math.floor(samples.length / 2);
  const [agent, other] = [samples.subarray(0, half), samples.subarray(half)];
  for (const delayMs of [80, 250, 600]) {
    for (const gain of [1, 0.3, 0.1]) {
      const { echoes: found, moments } = echoes(agent, room(agent, delayMs, gain));
      t.ok(found >= 0.9 * moments, `${delayMs} ms later, ${gain} as loud: ${found} of ${moments}`);
    }
  }
  const apart = echoes(agent, other);
  t.ok(apart.echoes <= 0.1 * apart.moments, `another voice: ${apart.echoes} of ${apart.moments}`);
  const echo = room(agent, 250, 0.3);
  const both = echoes(
    agent,
    echo.map((sample, i) => sample + 0.8 * other[i]!),
  );
  t.ok(both.echoes <= 0.1 * both.moments, `another voice over an echo: ${both.echoes} of ${both.moments}`);
  t.equal(echoes(agent, new Int16Array(half)).echoes, 0, 'silence is no echo');
});

t.test('words that come back are known as such, though some were misheard', async (t) => {
  const said = 'The light in the kitchen is on. Shall I turn it off?';
  t.ok(isOwnWords('the light in the kitten is on', said));
  t.ok(isOwnWords('shall I turn it off', said));
  t.notOk(isOwnWords('turn off the light please', said), 'the same words in another order are an order');
  t.notOk(isOwnWords('off', said), 'one word may be an answer');
  t.notOk(isOwnWords('', said));
});

t.test('a sentence that goes on is not taken for a turn', async (t) => {
  t.ok((await wordsEndOfTurn.likelihood({ participant: 'ann', text: 'I would like to go to' })) < 0.5);
  t.ok((await wordsEndOfTurn.likelihood({ participant: 'ann', text: 'Well, …' })) < 0.5);
  t.ok((await wordsEndOfTurn.likelihood({ participant: 'ann', text: 'Open the door.' })) > 0.5);
});
