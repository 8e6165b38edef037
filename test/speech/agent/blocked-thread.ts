import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import { setTimeout as wait } from 'node:timers/promises';
import t from 'tap';
import { connect } from '../../../src/connect.js';
import type { AudioData } from '../../../src/media/audio-data.js';
import { VirtualClock, systemClock } from '../../../src/media/clock.js';
import type { ConversationTurn } from '../../../src/media/conversation-turn.js';
import { startServer, type EmbeddedServer } from '../../../src/server/index.js';
import type { Session } from '../../../src/session/session.js';
import type { Stream } from '../../../src/session/session-events.js';
import { Agent } from '../../../src/speech/agent/agent.js';
import type { Synthesiser } from '../../../src/speech/synthesiser.js';
import { sine, toneAmplitude } from '../../codecs/tones.js';
import { ScriptedMind } from './agent-lab.js';

const RATE = 48_000;
const WORD_MS = 100;
const WORDS = Array.from({ length: 24 }, (_, i) => `word${i}`);
/** What is looked at for a tone, in samples: 20 ms. */
const WINDOW = RATE / 50;
/** Edges of windows, and what a receiver makes up where nothing comes any more, in ms. */
const NEAR_MS = 60;
const BLOCKED_MS = 200;

const MOMENTS = ['before it hears of a voice', 'when it has decided to stop', 'while the voice lasts'] as const;

for (const moment of MOMENTS)
  t.test(`the thread stands still ${moment}, and the words that were heard are remembered`, async (t) => {
    const server = await startServer({ port: 0, logLevel: 'error' });
    const ear = new Ear(await join(server, 'Ann'));
    const { agent, session, turned } = await joinAgent(server, moment === 'while the voice lasts' ? 100 : 0);
    agent.say(`${WORDS.join(' ')}.`);
    await ear.heard(700);
    const fromUs = systemClock.nowUs();
    if (moment === 'before it hears of a voice') standStill();
    agent.activity('ann', true, fromUs);
    if (moment !== 'before it hears of a voice') {
      // A turn of the event loop, in which the media thread is told what was decided.
      await wait(20);
      standStill();
    }
    agent.transcript('ann', { text: 'stop it', isFinal: false, endUs: systemClock.nowUs() });
    const turn = await turned;
    t.match(turn, { role: 'agent', isInterrupted: true, isEstimated: false });
    const count = turn.text.split(' ').length;
    t.equal(turn.text, WORDS.slice(0, count).join(' '));
    await ear.silent(300);
    const { ms, words } = ear.tones();
    t.same(words, WORDS.slice(0, words.length), 'they are heard one after the other');
    t.ok(
      ms >= count * WORD_MS - NEAR_MS && ms <= (count + 1) * WORD_MS + NEAR_MS,
      `${count} words of ${WORD_MS} ms are remembered, and ${ms} ms were heard`,
    );
    await agent.close();
    await session.disconnect();
    await ear.session.disconnect();
    await server.close();
  });

async function join(server: EmbeddedServer, name: string): Promise<Session> {
  return await connect({ url: server.url, sessionId: 'blocked', name });
}

async function joinAgent(server: EmbeddedServer, minDurationMs: number) {
  const session = await join(server, 'Agent');
  const publisher = await session.publish({
    name: 'Agent',
    hasVideo: false,
    audioFormat: { sampleRate: RATE, numberOfChannels: 1 },
  });
  let tell = (_turn: ConversationTurn): void => undefined;
  const turned = new Promise<ConversationTurn>((resolve) => (tell = resolve));
  const agent = new Agent({
    engines: { llm: new ScriptedMind(new VirtualClock(), []), tts: TONES, fallbackTts: TONES, fallbackText: '' },
    tools: [],
    instructions: '',
    maxMessages: 20,
    turnTaking: {
      endpointing: { mode: 'fixed', minSilenceMs: 500, maxSilenceMs: 3000 },
      interruption: { minDurationMs, minWords: 0, backchannels: [], falseInterruptionMs: 60_000 },
      transcriptMs: 60_000,
    },
    format: { sampleRate: RATE, numberOfChannels: 1 },
    aheadMs: 200,
    clock: systemClock,
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    onState: quiet,
    onTurn: (turn) => {
      tell(turn);
    },
    onCaptions: quiet,
    onAnswered: quiet,
    onFailed: (reason) => t.fail(reason),
  });
  agent.joined('ann', 'Ann');
  void pipeline(agent.mouth.audio, publisher.audio).catch(quiet);
  return { agent, session, turned };
}

/** Says each word as a tone of its own, and tells where they lie. */
const TONES: Synthesiser = {
  async say(text, { onAudio, onText, onWords }, signal) {
    let characters = 0;
    for await (const piece of text) characters += piece.length;
    for (const [i, word] of WORDS.entries()) {
      signal.throwIfAborted();
      onWords?.([{ text: word, startUs: i * WORD_MS * 1000, endUs: (i + 1) * WORD_MS * 1000 }]);
      const frames = (RATE * WORD_MS) / 1000;
      await onAudio(sine([hzOf(i)], RATE, frames, 10_000, i * frames), { sampleRate: RATE, numberOfChannels: 1 });
    }
    onText?.(characters);
  },
};

function hzOf(word: number): number {
  return 400 + 150 * word;
}

/** Somebody who listens to the agent. */
class Ear {
  readonly session: Session;
  readonly #windows: number[] = [];
  #rest: number[] = [];
  #more: (() => void) | undefined;

  constructor(session: Session) {
    this.session = session;
    void this.#listen();
  }

  /** Until so much has been heard, in ms. */
  async heard(ms: number): Promise<void> {
    while (this.tones().ms < ms) await new Promise<void>((resolve) => (this.#more = resolve));
  }

  /** Until nothing has been heard for so long, in ms. */
  async silent(ms: number): Promise<void> {
    const count = (ms * RATE) / 1000 / WINDOW;
    while (this.#windows.slice(-count).some((word) => word >= 0))
      await new Promise<void>((resolve) => (this.#more = resolve));
  }

  /** How much of words was heard, and which. */
  tones(): { readonly ms: number; readonly words: string[] } {
    const heard = this.#windows.filter((word) => word >= 0);
    const words = heard.filter((word, i) => word !== heard[i - 1]).map((word) => WORDS[word]!);
    return { ms: (heard.length * WINDOW * 1000) / RATE, words };
  }

  async #listen(): Promise<void> {
    const [stream] = (await once(this.session, 'streamReceived')) as [Stream];
    const subscriber = await this.session.subscribe(stream, { subscribeToVideo: false });
    subscriber.audio.on('data', ({ data, numberOfChannels }: AudioData) => {
      for (let i = 0; i < data.length; i += numberOfChannels) this.#rest.push(data[i]!);
      while (this.#rest.length >= WINDOW) this.#windows.push(wordIn(Int16Array.from(this.#rest.splice(0, WINDOW))));
      this.#more?.();
    });
  }
}

/** Which word's tone it is; -1 for none. */
function wordIn(samples: Int16Array): number {
  const levels = WORDS.map((_, i) => toneAmplitude(samples, hzOf(i), RATE));
  const loudest = Math.max(...levels);
  return loudest > 3000 ? levels.indexOf(loudest) : -1;
}

function standStill(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BLOCKED_MS);
}

function quiet(): void {
  // Nobody asks for it.
}
