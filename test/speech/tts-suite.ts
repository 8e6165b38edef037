import type { Test } from 'tap';
import type { ErrorCode } from '../../src/media/errors.js';
import { concatSamples, levelDbfs } from '../../src/media/pcm.js';
import type { SpeechFormat, SpeechListener, SpokenWord, Synthesiser } from '../../src/speech/synthesiser.js';
import { understand } from './understand.js';
import { more, resources, underway } from './resources.js';

/** An engine, and what is around it. */
export interface TtsSetup {
  /** An English voice. */
  create(): Synthesiser;
  /** Requests or sockets that are open on the other side. */
  open?(): number;
  /** Lets the other side go of what it keeps for later requests. */
  rest?(): void;
  /** Engines whose service or program fails, by what is wrong with it. */
  readonly failing: Readonly<
    Record<string, { create(): Synthesiser; code: ErrorCode; retryable: boolean | undefined }>
  >;
  /** Takes a request and never answers. */
  hanging(): Synthesiser;
}

/** What pocketsphinx is asked to tell apart. */
export const COMMANDS = ['turn on the light', 'open the door', 'what time is it'];
const never = new AbortController().signal;

/** What a text sounds like. */
export interface Said {
  readonly samples: Int16Array;
  readonly format: SpeechFormat | undefined;
  readonly words: readonly SpokenWord[];
  /** What `onText` told. */
  readonly marks: readonly number[];
}

/** Everything that is asked of engines that say texts. */
export async function ttsSuite(t: Test, setup: TtsSetup): Promise<void> {
  const before = resources();
  const engine = setup.create();

  await t.test('says nothing for empty texts', async (t) => {
    for (const text of ['', '  \n ', []]) t.equal((await say(engine, text)).samples.length, 0);
  });

  await t.test('says a word so that it can be understood', async (t) => {
    const { samples, format } = await say(engine, 'Goodbye');
    t.ok(levelDbfs(samples) > -40, 'it is heard');
    t.equal(await understand(samples, format!, ['goodbye', ...COMMANDS]), 'goodbye');
  });

  await t.test('says sentences in their order, however the text comes', async (t) => {
    const text = 'Turn on the light. What time is it? Open the door!';
    for (const pieces of [[text], Array.from(text), text.split(/(?= )/)]) {
      const { samples, format, marks } = await say(engine, pieces);
      t.equal(await understand(samples, format!, COMMANDS), 'turn on the light what time is it open the door');
      t.equal(marks.at(-1), text.length, 'all of the text is told as said');
      t.same(
        marks,
        [...marks].sort((a, b) => a - b),
      );
    }
  });

  await t.test('says a sentence while the text behind it is still to be written', async (t) => {
    let heard: (() => void) | undefined;
    const firstSound = new Promise<void>((resolve) => {
      heard = resolve;
    });
    async function* writing(): AsyncGenerator<string> {
      yield 'Turn on the light. And then';
      await firstSound;
      yield ' open the door.';
    }
    const { samples, format } = await collect(engine, writing(), { onAudio: () => heard?.() });
    t.match(await understand(samples, format!, ['and then', ...COMMANDS]), /turn on the light.*open the door/);
  });

  await t.test('says a very long text to its end', async (t) => {
    const times = 60;
    const { samples, format, marks } = await say(engine, 'Turn on the light, and open the door. '.repeat(times));
    const seconds = samples.length / format!.sampleRate / format!.numberOfChannels;
    t.ok(seconds > times, `${seconds.toFixed(0)} s`);
    t.ok((marks.at(-1) ?? 0) >= times * 38 - 1);
    const tail = samples.subarray(-3 * format!.sampleRate);
    t.match(await understand(tail, format!, COMMANDS), /open the door$/);
  });

  await t.test('tells words in their order, inside of the sound, where it knows them', async (t) => {
    const { samples, format, words } = await say(engine, 'Turn on the light. Open the door.');
    const endUs = (samples.length * 1e6) / format!.sampleRate;
    if (words.length === 0) return;
    t.same(
      words.map(({ text }) => text.toLowerCase().replaceAll(/\W/g, '')),
      'turn on the light open the door'.split(' '),
    );
    for (const [i, word] of words.entries()) {
      t.ok(word.startUs >= (words[i - 1]?.endUs ?? 0) && word.endUs > word.startUs && word.endUs <= endUs + 1000);
    }
  });

  await t.test('waits for its listener', async (t) => {
    let isWaiting = false;
    const { samples, format } = await collect(engine, textOf('Turn on the light. Open the door.'), {
      async onAudio() {
        t.notOk(isWaiting);
        isWaiting = true;
        for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
        isWaiting = false;
      },
    });
    t.equal(await understand(samples, format!, COMMANDS), 'turn on the light open the door');
  });

  await t.test('can be cancelled at any moment', async (t) => {
    const reason = new Error('spoken to');
    await t.rejects(collect(engine, textOf('Hello'), {}, AbortSignal.abort(reason)), reason, 'before it begins');

    const waiting = new AbortController();
    async function* hesitating(): AsyncGenerator<string> {
      yield 'Well';
      setImmediate(() => {
        waiting.abort(reason);
      });
      await new Promise(() => undefined);
    }
    await t.rejects(collect(engine, hesitating(), {}, waiting.signal), reason, 'while the text is waited for');

    const hanging = setup.hanging();
    const silent = new AbortController();
    const idle = resources();
    const unanswered = collect(hanging, textOf('Turn on the light.'), {}, silent.signal);
    const givenUp = t.rejects(unanswered, reason, 'before the first byte');
    await underway(idle);
    silent.abort(reason);
    await givenUp;
    await hanging.close?.();

    const middle = new AbortController();
    let told = 0;
    const long = 'Turn on the light, and open the door. '.repeat(30);
    await t.rejects(
      collect(engine, textOf(long), { onAudio: () => ((told += 1), middle.abort(reason)) }, middle.signal),
      reason,
      'in the middle of the sound',
    );
    t.equal(told, 1, 'nothing comes afterwards');

    const held = new AbortController();
    const onAudio = (): Promise<void> => {
      setImmediate(() => {
        held.abort(reason);
      });
      return new Promise((resolve) => {
        held.signal.addEventListener('abort', () => {
          resolve();
        });
      });
    };
    await t.rejects(
      collect(engine, textOf(long), { onAudio }, held.signal),
      reason,
      'while its listener makes it wait',
    );
  });

  await t.test('goes on after what was cancelled, what its listener threw, and a text that broke', async (t) => {
    const thrown = new Error('no room');
    const onAudio = (): never => {
      throw thrown;
    };
    await t.rejects(collect(engine, textOf('Open the door.'), { onAudio }), thrown);
    async function* breaking(): AsyncGenerator<string> {
      yield await Promise.resolve('Turn on the light. And');
      throw thrown;
    }
    await t.rejects(collect(engine, breaking()), thrown);
    const { samples, format } = await say(engine, 'Open the door.');
    t.equal(await understand(samples, format!, COMMANDS), 'open the door');
  });

  for (const [what, { create, code, retryable }] of Object.entries(setup.failing)) {
    await t.test(`tells what is wrong with ${what}`, async (t) => {
      const failing = create();
      await t.rejects(say(failing, 'Turn on the light. Open the door.'), { code, retryable });
      await failing.close?.();
    });
  }

  await t.test('leaves nothing behind', async (t) => {
    await engine.close?.();
    // What was closed is gone when its last events are.
    for (let turn = 0; turn < 200 && more(resources(), before).length > 0; turn++) {
      setup.rest?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    t.same(more(resources(), before), []);
    t.equal(setup.open?.() ?? 0, 0);
  });
}

/** Says a text that is there as a whole, or in pieces. */
export function say(engine: Synthesiser, text: string | readonly string[]): Promise<Said> {
  return collect(engine, textOf(text));
}

/** Says a text and gathers its sound. */
async function collect(
  engine: Synthesiser,
  text: AsyncIterable<string>,
  listener: Partial<SpeechListener> = {},
  signal: AbortSignal = never,
): Promise<Said> {
  const parts: Int16Array[] = [];
  const [words, marks]: [SpokenWord[], number[]] = [[], []];
  let format: SpeechFormat | undefined;
  await engine.say(
    text,
    {
      onAudio(samples, is) {
        format ??= is;
        parts.push(samples);
        return listener.onAudio?.(samples, is);
      },
      onWords: (some) => void words.push(...some),
      onText: (characters) => void marks.push(characters),
    },
    signal,
  );
  return { samples: concatSamples(parts), format, words, marks };
}

async function* textOf(text: string | readonly string[]): AsyncGenerator<string> {
  for (const piece of typeof text === 'string' ? [text] : text) yield await Promise.resolve(piece);
}
