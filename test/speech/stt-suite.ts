import type { Test } from 'tap';
import type { ErrorCode } from '../../src/media/errors.js';
import { concatSamples } from '../../src/media/pcm.js';
import type { Recognition, Recogniser } from '../../src/speech/recogniser.js';
import { more, resources, underway } from './resources.js';
import { COMMANDS, SPOKEN_RATE, spoken, utterance } from './spoken.js';

/** An engine that understands the commands of `spoken.ts`, and what is around it. */
export interface SttSetup {
  create(): Recogniser;
  /** Whether it tells when each word was said. */
  readonly tellsWords?: boolean;
  /** What is open on the other side, as sockets of a local server. */
  open?(): Promise<number> | number;
  /** Lets go of what is kept open for later. */
  rest?(): void;
  /** Engines whose service or program fails, by what is wrong with it. */
  readonly failing: Readonly<Record<string, { create(): Recogniser; code: ErrorCode; retryable: boolean | undefined }>>;
  /** Takes an utterance and never answers. */
  hanging(): Recogniser;
}

const never = new AbortController().signal;

/** Everything that is asked of engines that understand utterances. */
export async function sttSuite(t: Test, setup: SttSetup): Promise<void> {
  const before = resources();
  const engine = setup.create();
  const recognise = async (samples: Int16Array, startUs = 0): Promise<Recognition> =>
    await engine.recognise(utterance(samples, startUs), never);

  await t.test('hears nothing where nothing is said', async (t) => {
    for (const samples of [new Int16Array(0), new Int16Array(1), new Int16Array(SPOKEN_RATE)]) {
      t.equal((await recognise(samples)).text, '', `${samples.length} samples`);
    }
  });

  await t.test('understands a word', async (t) => {
    t.equal((await recognise(await spoken('goodbye'))).text, 'goodbye');
  });

  await t.test('understands every command, wherever its sound lies in memory', async (t) => {
    for (const command of COMMANDS) {
      const sound = await spoken(command);
      const within = concatSamples([Int16Array.from({ length: 4001 }, (_, i) => i * 7919), sound]);
      t.equal((await recognise(within.subarray(4001))).text, command);
    }
  });

  await t.test('understands several at once, and each for itself', async (t) => {
    const sounds = await Promise.all(COMMANDS.map((command) => spoken(command)));
    t.same(await Promise.all(sounds.map(async (sound) => (await recognise(sound)).text)), COMMANDS);
  });

  await t.test('understands a very long utterance to its end', async (t) => {
    const commands = Array.from({ length: 40 }, (_, i) => COMMANDS[i % COMMANDS.length]!);
    const pause = new Int16Array(SPOKEN_RATE);
    const sounds = await Promise.all(COMMANDS.map((command) => spoken(command)));
    const long = concatSamples(commands.flatMap((_, i) => [sounds[i % sounds.length]!, pause]));
    t.equal((await recognise(long)).text, commands.join(' '), `${(long.length / SPOKEN_RATE).toFixed(0)} s`);
  });

  await t.test('tells when words were said, where it knows', async (t) => {
    const startUs = 5_000_000;
    const sound = await spoken('turn on the light');
    const { words = [], text } = await recognise(sound, startUs);
    t.equal(words.length > 0, setup.tellsWords === true);
    if (words.length === 0) return;
    t.equal(words.map((word) => word.text).join(' '), text);
    const endUs = utterance(sound, startUs).endUs;
    t.ok(words.every(({ start, end }, i) => start >= (words[i - 1]?.end ?? startUs) && end > start && end <= endUs));
  });

  await t.test('can be cancelled at any moment', async (t) => {
    const reason = new Error('not wanted any more');
    const sound = await spoken('open the door');
    await t.rejects(engine.recognise(utterance(sound), AbortSignal.abort(reason)), reason, 'before it begins');

    const hanging = setup.hanging();
    const silent = new AbortController();
    const idle = resources();
    const unanswered = hanging.recognise(utterance(sound), silent.signal);
    const givenUp = t.rejects(unanswered, reason, 'before the first byte');
    await underway(idle);
    silent.abort(reason);
    await givenUp;
    await hanging.close?.();

    const long = concatSamples(Array.from({ length: 20 }, () => sound));
    const middle = new AbortController();
    const cancelled = engine.recognise(utterance(long), middle.signal);
    setImmediate(() => {
      middle.abort(reason);
    });
    await t.rejects(cancelled, reason, 'in the middle');
    t.equal((await recognise(sound)).text, 'open the door', 'and goes on');
  });

  for (const [what, { create, code, retryable }] of Object.entries(setup.failing)) {
    await t.test(`tells what is wrong with ${what}`, async (t) => {
      const failing = create();
      const failed = failing.recognise(utterance(await spoken('good night')), never);
      await t.rejects(failed, { code, retryable });
      await failing.close?.();
    });
  }

  await t.test('leaves nothing behind', async (t) => {
    await engine.close?.();
    setup.rest?.();
    // What was closed is gone when its last events are.
    for (let turn = 0; turn < 50 && more(resources(), before).length > 0; turn++)
      await new Promise((resolve) => setImmediate(resolve));
    t.same(more(resources(), before), []);
    t.equal(await (setup.open?.() ?? 0), 0);
  });
}
