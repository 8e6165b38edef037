import { once } from 'node:events';
import type { Test } from 'tap';
import { audioData, type AudioData } from '../../src/media/audio-data.js';
import type { ErrorCode } from '../../src/media/errors.js';
import { concatSamples } from '../../src/media/pcm.js';
import type { Heard, StreamingRecogniser } from '../../src/speech/recogniser.js';
import { COMMANDS, SPOKEN_RATE, spoken } from './spoken.js';
import { more, resources, underway } from './resources.js';

/** An engine that understands the commands of `spoken.ts`, and what is around it. */
export interface StreamingSttSetup {
  create(): StreamingRecogniser;
  /** What is open on the other side, as sockets of a local server. */
  open?(): number;
  /** Engines whose service fails, by what is wrong with it. */
  readonly failing: Readonly<Record<string, { create(): StreamingRecogniser; code: ErrorCode; retryable: boolean }>>;
  /** Never answers. */
  hanging(): StreamingRecogniser;
  /** It does not know where words end. */
  readonly estimatesEnds?: boolean;
}

const SILENCE = new Int16Array(SPOKEN_RATE / 2);

/** Everything that is asked of engines that understand speech while it comes. */
export async function streamingSttSuite(t: Test, setup: StreamingSttSetup): Promise<void> {
  const before = resources();
  const engine = setup.create();

  await t.test('hears nothing where nothing is said', async (t) => {
    t.same(await hear(engine, []), []);
    t.same(await hear(engine, chunksOf(new Int16Array(3 * SPOKEN_RATE), 0)), []);
  });

  await t.test('understands what is said, each text once, with words in their place', async (t) => {
    for (const command of ['goodbye', ...COMMANDS]) {
      const sound = await spoken(command);
      const finals = (await hear(engine, chunksOf(sound, 7_000_000))).filter(({ isFinal }) => isFinal);
      t.equal(finals.map(({ text }) => text).join(' '), command);
      const words = finals.flatMap((heard) => heard.words ?? []);
      t.equal(words.map(({ text }) => text).join(' '), command);
      const endUs = 7_000_000 + (sound.length * 1_000_000) / SPOKEN_RATE;
      t.ok(
        words.every(({ start, end }, i) => start >= (words[i - 1]?.end ?? 7_000_000) && end > start && end <= endUs),
      );
      t.ok(words.every(({ isEstimated }) => isEstimated === setup.estimatesEnds));
      t.ok(finals.every(({ startUs, endUs: ends }) => startUs >= 7_000_000 && ends <= endUs));
    }
  });

  await t.test('tells what it understands so far before it is final', async (t) => {
    const heard = await hear(engine, chunksOf(await spoken('turn on the light'), 0));
    const final = heard.findIndex(({ isFinal }) => isFinal);
    t.ok(final > 0, heard.map(({ text }) => text).join(' / '));
    t.equal(heard.at(-1)?.isFinal, true);
  });

  await t.test('makes final what was said when nobody speaks any more', async (t) => {
    const abort = new AbortController();
    const told = new EventTarget();
    const listening = await engine.listen({
      sampleRate: SPOKEN_RATE,
      signal: abort.signal,
      onHeard: ({ isFinal, text }) => isFinal && told.dispatchEvent(new CustomEvent('final', { detail: text })),
      onFailed: (error) => t.fail(error.message),
    });
    for (const command of ['open the door', 'good night']) {
      const final = once(told, 'final');
      for (const chunk of chunksOf(await spoken(command), 0)) t.ok(listening.write(chunk));
      listening.finish();
      t.equal(((await final) as CustomEvent[])[0]?.detail, command);
    }
    await listening.end();
  });

  await t.test('understands several speakers at once, and each for itself', async (t) => {
    const heard = await Promise.all(
      COMMANDS.map(async (command) => textOf(await hear(engine, chunksOf(await spoken(command), 0)))),
    );
    t.same(heard, COMMANDS);
  });

  await t.test('understands a long speech to its end, over a pause in which no sound came', async (t) => {
    const commands = Array.from({ length: 10 }, (_, i) => COMMANDS[i % COMMANDS.length]!);
    const sounds = await Promise.all(commands.map((command) => spoken(command)));
    const speech = concatSamples(sounds.flatMap((sound) => [sound, SILENCE]));
    const heard = await hear(engine, [...chunksOf(speech, 0), ...chunksOf(await spoken('goodbye'), 500_000_000)]);
    t.equal(textOf(heard), [...commands, 'goodbye'].join(' '));
    t.ok(heard.at(-1)!.startUs >= 500_000_000, 'on the clock of the sound');
    t.ok(
      heard
        .slice(0, -1)
        .filter(({ isFinal }) => isFinal)
        .every(({ endUs }) => endUs < 100_000_000),
    );
  });

  await t.test('can be cancelled at any moment', async (t) => {
    const reason = new Error('not wanted any more');
    await t.rejects(hear(engine, [], AbortSignal.abort(reason)), reason, 'before it begins');

    const silent = new AbortController();
    const hanging = setup.hanging();
    const idle = resources();
    const unanswered = hear(hanging, [], silent.signal);
    const givenUp = t.rejects(unanswered, reason, 'before it is there');
    await underway(idle);
    silent.abort(reason);
    await givenUp;
    await hanging.close?.();

    const middle = new AbortController();
    let told = 0;
    const listening = await engine.listen({
      sampleRate: SPOKEN_RATE,
      signal: middle.signal,
      onHeard: () => {
        told++;
        middle.abort(reason);
      },
      onFailed: (error) => t.fail(error.message),
    });
    const sound = chunksOf(await spoken('turn on the light'), 0);
    for (const chunk of [...sound, ...sound]) listening.write(chunk);
    listening.finish();
    await once(middle.signal, 'abort');
    t.equal(listening.write(sound[0]!), false, 'takes nothing any more');
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    t.equal(told, 1, 'and tells nothing');
  });

  for (const [what, { create, code, retryable }] of Object.entries(setup.failing)) {
    await t.test(`tells what is wrong with ${what}`, async (t) => {
      const sound = chunksOf(await spoken('turn on the light'), 0);
      const failing = create();
      await t.rejects(hear(failing, sound), { code, retryable });
      await failing.close?.();
    });
  }

  await t.test('leaves nothing behind', async (t) => {
    await engine.close?.();
    // What was closed is gone when its last events are.
    const isLeft = (): boolean => more(resources(), before).length > 0 || (setup.open?.() ?? 0) > 0;
    for (let turn = 0; turn < 200 && isLeft(); turn++) await new Promise((resolve) => setImmediate(resolve));
    t.same(more(resources(), before), []);
    t.equal(setup.open?.() ?? 0, 0);
  });
}

/** Everything that an engine tells of some sound. Rejects with what went wrong. */
export async function hear(
  engine: StreamingRecogniser,
  chunks: readonly AudioData[],
  signal: AbortSignal = new AbortController().signal,
): Promise<Heard[]> {
  const heard: Heard[] = [];
  let fail: (error: Error) => void = () => undefined;
  const failed = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });
  failed.catch(() => undefined);
  const listening = await engine.listen({
    sampleRate: SPOKEN_RATE,
    signal,
    onHeard: (one) => void heard.push(one),
    onFailed: fail,
  });
  for (const chunk of chunks) listening.write(chunk);
  await Promise.race([listening.end(), failed]);
  return heard;
}

/** What became final, in one text. */
export function textOf(heard: readonly Heard[]): string {
  return heard
    .filter(({ isFinal }) => isFinal)
    .map(({ text }) => text)
    .join(' ');
}

/** Sound in chunks of 20 ms from a time on the media clock, in µs. */
export function chunksOf(samples: Int16Array, fromUs: number): AudioData[] {
  const frames = SPOKEN_RATE / 50;
  return Array.from({ length: Math.ceil(samples.length / frames) }, (_, i) =>
    audioData(samples.subarray(i * frames, (i + 1) * frames), SPOKEN_RATE, 1, fromUs + i * 20_000),
  );
}
