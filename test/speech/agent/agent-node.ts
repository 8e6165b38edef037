import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import t, { type Test } from 'tap';
import { loadFfmpeg } from '../../../src/codecs/ffmpeg.js';
import { graph, runGraph } from '../../../src/index.js';
import { VirtualClock } from '../../../src/media/clock.js';
import type { ConversationTurn } from '../../../src/media/conversation-turn.js';
import { voiceAgent } from '../../../src/nodes/voice-agent.js';
import { utteranceWav } from '../../../src/speech/utterances.js';
import { VirtualTime } from '../../../src/unit-test/virtual-time.js';
import { testContext } from '../../nodes/node-lab.js';
import { utterance } from '../spoken.js';

const ENGINES = { llm: { type: 'rules', default: 'Well.' }, tts: { type: 'tts-exec' } };

/** The node on a virtual clock, whose voice is a sound of a file. */
class NodeLab {
  readonly clock = new VirtualClock();
  readonly context: ReturnType<typeof testContext>;
  readonly #time = new VirtualTime(this.clock);
  #activity!: Writable;
  #transcript!: Writable;
  #turns!: Readable;
  #audio!: Readable;

  private constructor(baseDir: string) {
    this.context = testContext({ clock: this.clock, baseDir });
  }

  /** Options beside the engines, and a module that lies beside the pipeline. */
  static async open(
    t: Test,
    { 'model.mjs': module, ...options }: { 'model.mjs'?: string; endOfTurn?: unknown },
  ): Promise<NodeLab> {
    // Where time is virtual, nobody waits for modules.
    await loadFfmpeg();
    const baseDir = t.testdir();
    const sound = join(baseDir, 'sound.wav');
    await writeFile(sound, utteranceWav(utterance(new Int16Array(16_000).fill(8000))));
    if (module !== undefined) await writeFile(join(baseDir, 'model.mjs'), module);
    const lab = new NodeLab(baseDir);
    const parsed = voiceAgent.options.parse({
      ...ENGINES,
      tts: { type: 'tts-exec', command: ['cat', sound] },
      endpointing: 'fixed',
      minSilenceMs: 500,
      maxSilenceMs: 3000,
      ...options,
    });
    const ports = await voiceAgent.create(parsed, lab.context);
    if (!('input' in ports)) throw new Error('no ports');
    lab.#activity = ports.input('activity');
    lab.#transcript = ports.input('transcript');
    lab.#turns = ports.output!('turns');
    lab.#audio = ports.output!('audio').resume();
    return lab;
  }

  /** How long it waits until it answers a text, in ms. */
  async silenceAfter(text: string): Promise<number> {
    const fromUs = this.clock.nowUs();
    this.#activity.write({ kind: 'voice-activity', isSpeaking: true, timestamp: fromUs });
    await this.#pass(1000);
    const toUs = this.clock.nowUs();
    this.#transcript.write({ kind: 'transcript', text, isFinal: true, start: fromUs, end: toUs });
    this.#activity.write({ kind: 'voice-activity', isSpeaking: false, timestamp: toUs });
    const told: (ConversationTurn & { readonly atUs: number })[] = [];
    const answered = new Promise<void>((resolve) => {
      this.#turns.on('data', (turn: ConversationTurn) => {
        told.push({ ...turn, atUs: this.clock.nowUs() });
        if (turn.role === 'agent') resolve();
      });
    });
    await this.#time.until(answered);
    this.#turns.removeAllListeners('data');
    const [said] = told;
    if (said?.text !== text) throw new Error(`"${said?.text}" was said`);
    return Math.floor((said.atUs - toUs) / 1000);
  }

  close(): void {
    this.#activity.end();
    this.#transcript.end();
    this.#audio.destroy();
  }

  async #pass(ms: number): Promise<void> {
    await this.#time.until(new Promise<void>((resolve) => this.clock.after(ms, resolve)));
  }
}

t.test('a model of the program judges whether a turn is over', async (t) => {
  const lab = await NodeLab.open(t, {
    endOfTurn: { module: 'model.mjs' },
    'model.mjs': `export const over = 'over';
      export const model = {
        likelihood: async ({ participant, text }) => {
          if (text.includes('nothing')) return 2;
          return participant === 'user' && text.endsWith(over) ? 0.9 : 0.1;
        },
      };`,
  });
  t.equal(await lab.silenceAfter('what time is it over'), 500);
  t.equal(await lab.silenceAfter('what time is it'), 3000);
  t.equal(await lab.silenceAfter('nothing over'), 500, 'where it does not know, the silence alone counts');
  t.same([...lab.context.drops], [['not judged', 1]]);
  lab.close();
});

t.test('without one the words tell, or the silence alone', async (t) => {
  const words = await NodeLab.open(t, {});
  t.equal(await words.silenceAfter('what time is it and'), 3000);
  words.close();
  const silence = await NodeLab.open(t, { endOfTurn: 'none' });
  t.equal(await silence.silenceAfter('what time is it and'), 500);
  silence.close();
});

t.test('a module that cannot be used is told of with its file, before anybody is listened to', async (t) => {
  const baseDir = t.testdir({
    'none.mjs': 'export const likelihood = 1;',
    'two.mjs': 'export const one = { likelihood: () => 1 }; export const two = { likelihood: () => 0 };',
    'broken.mjs': "throw new Error('not today');",
    'words.txt': '',
  });
  const told = async (module: string): Promise<unknown> => {
    const run = await runGraph(
      graph({
        nodes: {
          words: { type: 'text-lines', path: join(baseDir, 'words.txt') },
          voice: { type: 'tts-exec', from: 'words' },
          text: { type: 'stt-exec', from: 'voice', command: ['cat'] },
          agent: {
            type: 'voice-agent',
            from: 'text',
            llm: { type: 'rules' },
            tts: { type: 'tts-exec' },
            endOfTurn: { module: join(baseDir, module) },
          },
          sound: { type: 'null', from: 'agent.audio' },
        },
      }),
    ).catch((error: unknown) => ({ finished: Promise.reject(error as Error) }));
    return await run.finished.catch((error: unknown) => error);
  };
  const mend = /export const model = /;
  const file = (name: string): { file: string } => ({ file: join(baseDir, name) });
  t.match(await told('none.mjs'), {
    code: 'SLUICE_CONFIG_INVALID',
    message: /no end-of-turn model/,
    place: file('none.mjs'),
    mend,
  });
  t.match(await told('two.mjs'), {
    code: 'SLUICE_CONFIG_INVALID',
    message: /several end-of-turn models/,
    place: file('two.mjs'),
    mend,
  });
  t.match(await told('broken.mjs'), { code: 'SLUICE_CONFIG_SYNTAX', message: /not today/, place: file('broken.mjs') });
  t.match(await told('nowhere.mjs'), { code: 'SLUICE_FILE_NOT_FOUND', place: file('nowhere.mjs') });
});

t.test('doctor looks for the module', (t) => {
  const options = voiceAgent.options.parse({ ...ENGINES, endOfTurn: { module: 'turns/model.js' } });
  t.match(voiceAgent.needs!(options, '/pipelines'), [
    { kind: 'program', name: 'espeak-ng' },
    { kind: 'file', path: '/pipelines/turns/model.js' },
  ]);
  t.end();
});
