import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { copyFile, mkdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import t from 'tap';
import { parseOptions } from '../../../src/media/node.js';
import { concatSamples } from '../../../src/media/pcm.js';
import type { Transcript } from '../../../src/media/transcript.js';
import type { Listener } from '../../../src/speech/listener.js';
import type { StreamingRecogniser } from '../../../src/speech/recogniser.js';
import { sherpaStt } from '../../../src/speech/stt/sherpa.js';
import { sttSherpa } from '../../../src/nodes/stt-sherpa.js';
import { testContext } from '../../nodes/node-lab.js';
import { PACKAGE_ROOT } from '../../support/package-root.js';
import { requireSystem } from '../../support/require.js';
import { SPOKEN_RATE, spoken } from '../spoken.js';
import { chunksOf, hear, streamingSttSuite, textOf } from '../streaming-stt-suite.js';
import { hasSherpa } from './sherpa-installed.js';

/** A streaming model that knows the commands of `spoken.ts` as espeak-ng says them, and nothing else. */
const MODEL = join(PACKAGE_ROOT, 'test', 'speech', 'models', 'streaming-commands');

function engine(model: string, options: object = {}): StreamingRecogniser {
  const recogniser = sherpaStt.create(sherpaStt.options.parse({ model, ...options }), testContext());
  if (!('listen' in recogniser)) throw new Error('it is an offline model');
  return recogniser;
}

/** The node, and what it tells. */
class NodeLab {
  readonly context = testContext();
  readonly #node: Listener;
  readonly #audio: Writable;
  readonly #activity: Writable;
  readonly #told: AsyncIterator<Transcript>;

  constructor(options: object) {
    this.#node = sttSherpa.create(parseOptions(sttSherpa, { model: MODEL, ...options }), this.context) as Listener;
    this.#audio = this.#node.input('audio');
    this.#activity = this.#node.input('activity');
    this.#told = this.#node.output()[Symbol.asyncIterator]() as AsyncIterator<Transcript>;
  }

  /** Somebody is heard from a time on the media clock on, in µs. */
  hear(samples: Int16Array, fromUs: number): void {
    for (const chunk of chunksOf(samples, fromUs)) this.#audio.write(chunk);
  }

  /** Nobody speaks any more. */
  silent(timestamp: number): void {
    this.#activity.write({ kind: 'voice-activity', isSpeaking: false, timestamp });
  }

  async next(): Promise<Transcript> {
    const told = await this.#told.next();
    if (told.done === true) throw new Error('it told nothing');
    return told.value;
  }

  async nextFinal(): Promise<Transcript> {
    for (;;) {
      const told = await this.next();
      if (told.isFinal) return told;
    }
  }

  /** What it tells to its end. */
  async end(): Promise<readonly Transcript[]> {
    this.#audio.end();
    this.#activity.end();
    const rest: Transcript[] = [];
    for (let told = await this.#told.next(); told.done !== true; told = await this.#told.next()) rest.push(told.value);
    return rest;
  }
}

if (!hasSherpa()) {
  t.test('says what it lacks', async (t) => {
    const ears = engine(MODEL);
    await t.rejects(hear(ears, []), { code: 'SLUICE_DRIVER_UNAVAILABLE', mend: /npm install/, retryable: false });
    await ears.close?.();
  });
  t.pass('a streaming model', { skip: 'npm install --no-save sherpa-onnx-node' });
} else {
  t.test('a streaming model', async (t) => {
    if (requireSystem(t, 'espeak-ng') === undefined) return;
    const folder = t.testdir();
    const [garbage, half] = await Promise.all([garbageModel(folder), halfModel(folder)]);
    const kind = 'streaming-zipformer-ctc';
    await streamingSttSuite(t, {
      create: () => engine(MODEL),
      hanging: () => stopped(engine(MODEL, { threads: 2 })),
      estimatesEnds: true,
      failing: {
        'a model that hangs': {
          create: () => stopped(engine(MODEL, { timeoutMs: 300 })),
          code: 'SLUICE_SPEECH_FAILED',
          retryable: true,
        },
        'a model that ends its process': {
          create: () => engine(garbage),
          code: 'SLUICE_SPEECH_FAILED',
          retryable: false,
        },
        'half a model': { create: () => engine(half), code: 'SLUICE_SPEECH_FAILED', retryable: false },
        'a folder without a model': {
          create: () => engine(folder, { kind }),
          code: 'SLUICE_CONFIG_INVALID',
          retryable: false,
        },
        'a folder that is not there': {
          create: () => engine('/nowhere', { kind }),
          code: 'SLUICE_FILE_NOT_FOUND',
          retryable: false,
        },
      },
    });
  });

  t.test('all speakers share one process, which ends with the last', async (t) => {
    if (requireSystem(t, 'espeak-ng') === undefined) return;
    const before = children();
    const [ann, bob] = [engine(MODEL), engine(MODEL)];
    const heard = await Promise.all(
      [ann, bob].map(async (one) => hear(one, chunksOf(await spoken('open the door'), 0))),
    );
    t.same(heard.map(textOf), ['open the door', 'open the door']);
    const during = children().filter((pid) => !before.includes(pid));
    t.equal(during.length, 1);
    await ann.close?.();
    t.same(
      children().filter((pid) => !before.includes(pid)),
      during,
      'somebody still needs it',
    );
    await bob.close?.();
    t.same(
      children().filter((pid) => !before.includes(pid)),
      [],
    );
  });

  t.test('a process that dies is told of, and another one takes its place', async (t) => {
    if (requireSystem(t, 'espeak-ng') === undefined) return;
    const ears = engine(MODEL);
    const before = children();
    const failures = new EventTarget();
    const listening = await ears.listen({
      sampleRate: SPOKEN_RATE,
      signal: new AbortController().signal,
      onHeard: () => undefined,
      onFailed: (error) => failures.dispatchEvent(new CustomEvent('failed', { detail: error })),
    });
    const failed = once(failures, 'failed') as Promise<[CustomEvent]>;
    for (const pid of children()) if (!before.includes(pid)) process.kill(pid, 'SIGKILL');
    t.match((await failed)[0].detail, { code: 'SLUICE_SPEECH_FAILED', message: /ended by SIGKILL/, retryable: true });
    t.equal(listening.write(chunksOf(new Int16Array(320), 0)[0]!), false);
    t.equal(textOf(await hear(ears, chunksOf(await spoken('good night'), 0))), 'good night');
    await ears.close?.();
  });

  t.test('a process that stands still in the middle is ended', async (t) => {
    if (requireSystem(t, 'espeak-ng') === undefined) return;
    const ears = engine(MODEL, { timeoutMs: 4000 });
    const before = children();
    await hear(ears, []);
    for (const pid of children()) if (!before.includes(pid)) process.kill(pid, 'SIGSTOP');
    await t.rejects(hear(ears, chunksOf(await spoken('good night'), 0)), {
      code: 'SLUICE_SPEECH_FAILED',
      message: /within 4000 ms/,
      retryable: true,
    });
    t.same(
      children().filter((pid) => !before.includes(pid)),
      [],
    );
    await ears.close?.();
  });

  t.test('the node writes along, and what is said becomes final when nobody speaks any more', async (t) => {
    if (requireSystem(t, 'espeak-ng') === undefined) return;
    const node = new NodeLab({});
    let fromUs = 3_000_000;
    for (const command of ['turn on the light', 'what time is it']) {
      const sound = await spoken(command);
      const endUs = fromUs + (sound.length * 1_000_000) / SPOKEN_RATE;
      node.hear(concatSamples([sound, new Int16Array(SPOKEN_RATE)]), fromUs);
      t.notOk((await node.next()).isFinal, 'while it is said');
      node.silent(endUs);
      const final = await node.nextFinal();
      t.equal(final.text, command);
      t.ok(final.start >= fromUs && final.end <= endUs, 'on the clock of the sound');
      fromUs = endUs + 1_000_000;
    }
    t.same([...node.context.measures.keys()], ['final transcript']);
    t.same(await node.end(), [], 'and nothing twice');
    t.same([...node.context.drops], []);
  });

  t.test('what was said before the model was there is told apart all the same', async (t) => {
    if (requireSystem(t, 'espeak-ng') === undefined) return;
    const node = new NodeLab({});
    const commands = ['turn on the light', 'what time is it'];
    let fromUs = 0;
    for (const sound of await Promise.all(commands.map((command) => spoken(command)))) {
      node.hear(sound, fromUs);
      fromUs += (sound.length * 1_000_000) / SPOKEN_RATE;
      node.silent(fromUs);
    }
    const finals = (await node.end()).filter(({ isFinal }) => isFinal);
    t.same(
      finals.map(({ text }) => text),
      commands,
    );
  });

  t.test('what is said without a pause becomes final in parts', async (t) => {
    if (requireSystem(t, 'espeak-ng') === undefined) return;
    const node = new NodeLab({ maxMs: 1950 });
    node.hear(concatSamples([await spoken('turn on the light'), await spoken('what time is it')]), 0);
    t.equal((await node.nextFinal()).text, 'turn on the light');
    t.equal((await node.end()).find(({ isFinal }) => isFinal)?.text, 'what time is it');
  });
}

/** The processes that this one has started and that run. */
function children(): number[] {
  const text = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8');
  return text.trim().split(' ').filter(Boolean).map(Number);
}

/** An engine whose process stands still from the beginning. */
function stopped(ears: StreamingRecogniser): StreamingRecogniser {
  return {
    listen: (options) => {
      const before = children();
      const listening = ears.listen(options);
      for (const pid of children()) if (!before.includes(pid)) process.kill(pid, 'SIGSTOP');
      return listening;
    },
    close: () => ears.close?.(),
  };
}

async function garbageModel(folder: string): Promise<string> {
  const path = await modelFolder(folder, 'garbage-streaming-zipformer');
  await writeFile(join(path, 'ctc.onnx'), 'no model');
  return path;
}

async function halfModel(folder: string): Promise<string> {
  const path = await modelFolder(folder, 'half-streaming-zipformer');
  await copyFile(join(MODEL, 'ctc.onnx'), join(path, 'ctc.onnx'));
  await truncate(join(path, 'ctc.onnx'), 10_000);
  return path;
}

async function modelFolder(folder: string, name: string): Promise<string> {
  const path = join(folder, name);
  await mkdir(path);
  await copyFile(join(MODEL, 'tokens.txt'), join(path, 'tokens.txt'));
  return path;
}
