import { pipeline } from 'node:stream/promises';
import type { CaptionsData } from '../../../src/media/captions.js';
import { VirtualClock } from '../../../src/media/clock.js';
import type { ConversationTurn, VoiceLatency } from '../../../src/media/conversation-turn.js';
import type { StreamValue } from '../../../src/media/media-value.js';
import { openSession } from '../../../src/session/open-session.js';
import { Agent, type AgentOptions } from '../../../src/speech/agent/agent.js';
import { BACKCHANNELS } from '../../../src/speech/dialogue/interruptions.js';
import type { AnswerRequest, LanguageModel } from '../../../src/speech/language-model.js';
import type { SpeechListener, Synthesiser } from '../../../src/speech/synthesiser.js';
import { roomDriver } from '../../../src/unit-test/room/room-driver.js';
import { Room } from '../../../src/unit-test/room/room.js';
import { VirtualTime } from '../../../src/unit-test/virtual-time.js';

export const RATE = 16_000;
/** Samples are numbered up to here, and then anew: none of them is silence. */
export const NUMBERS = 30_000;

/** Where a word lies in the sound of an answer, in samples. */
export interface SaidWord {
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

export interface VoiceScript {
  /** How long a word takes, in ms. */
  readonly wordMs: (word: string) => number;
  /** It says where the words lie. */
  readonly tellsWords: boolean;
  /** Called before each piece of sound; it may fail. */
  readonly before?: (piece: number) => void;
}

/** A voice whose samples are numbered through an answer, so that what was heard can be read from them. */
export class NumberedVoice implements Synthesiser {
  /** The words of each text. */
  readonly said: SaidWord[][] = [];
  /** Texts that are being said now. */
  open = 0;
  readonly #script: VoiceScript;

  constructor(script: VoiceScript) {
    this.#script = script;
  }

  async say(text: AsyncIterable<string>, listener: SpeechListener, signal: AbortSignal): Promise<void> {
    const { wordMs, tellsWords, before } = this.#script;
    const words: SaidWord[] = [];
    this.said.push(words);
    let [rest, characters, at, pieces] = ['', 0, 0, 0];
    const sentence = async (whole: string): Promise<void> => {
      for (const [word] of whole.matchAll(/\S+/g)) {
        signal.throwIfAborted();
        before?.(pieces++);
        const frames = Math.round((wordMs(word) * RATE) / 1000);
        words.push({ text: word, from: at, to: at + frames });
        const us = (frame: number): number => (frame * 1_000_000) / RATE;
        if (tellsWords) listener.onWords?.([{ text: word, startUs: us(at), endUs: us(at + frames) }]);
        const samples = Int16Array.from({ length: frames }, (_, i) => ((at + i) % NUMBERS) + 1);
        at += frames;
        await listener.onAudio(samples, { sampleRate: RATE, numberOfChannels: 1 });
      }
      characters += whole.length;
      listener.onText?.(characters);
    };
    this.open++;
    try {
      for await (const piece of text) {
        signal.throwIfAborted();
        rest += piece;
        for (let end = rest.indexOf('. '); end >= 0; end = rest.indexOf('. ')) {
          const whole = rest.slice(0, end + 2);
          rest = rest.slice(end + 2);
          await sentence(whole);
        }
      }
      await sentence(rest);
      signal.throwIfAborted();
    } finally {
      this.open--;
    }
  }
}

/** Answers with the texts it was given, one after the other, word by word. */
export class ScriptedMind implements LanguageModel {
  readonly asked: AnswerRequest[] = [];
  readonly #clock: VirtualClock;
  readonly #answers: readonly string[];
  readonly #wordMs: number;

  constructor(clock: VirtualClock, answers: readonly string[], wordMs = 0) {
    this.#clock = clock;
    this.#answers = answers;
    this.#wordMs = wordMs;
  }

  async answer(request: AnswerRequest, signal: AbortSignal): Promise<{ text: string; calls: [] }> {
    const text = this.#answers[this.asked.length % this.#answers.length] ?? '';
    this.asked.push(request);
    for (const [word] of text.matchAll(/\S+\s*/g)) {
      if (this.#wordMs > 0) await new Promise<void>((resolve) => this.#clock.after(this.#wordMs, resolve));
      signal.throwIfAborted();
      request.onText(word);
    }
    return { text, calls: [] };
  }
}

/** What it takes to interrupt the agent, where that matters. */
interface LabInterruption {
  readonly minDurationMs?: number;
  readonly minWords?: number;
}

/** An agent in a room on a virtual clock, and what leaves it. */
export class AgentLab {
  readonly clock = new VirtualClock();
  readonly time = new VirtualTime(this.clock);
  readonly turns: ConversationTurn[] = [];
  readonly captions: CaptionsData[] = [];
  readonly states: string[] = [];
  readonly failures: string[] = [];
  readonly latencies: VoiceLatency[] = [];
  /** Numbers of the samples that left, with where they were cut, and when, in µs. */
  readonly left: { readonly atUs: number; readonly numbers: Int16Array }[] = [];
  agent!: Agent;
  #end: () => Promise<void> = () => Promise.resolve();
  #changed: (() => void)[] = [];

  static async open(
    engines: (clock: VirtualClock) => AgentOptions['engines'],
    { minDurationMs = 500, minWords = 0, ...changes }: Partial<AgentOptions> & LabInterruption = {},
  ): Promise<AgentLab> {
    const lab = new AgentLab();
    const { clock } = lab;
    const room = new Room('demo', clock);
    const onSent = (_name: string, value: StreamValue): void => {
      if (value.kind === 'audio') lab.left.push({ atUs: value.timestamp, numbers: value.data });
    };
    const driver = roomDriver({ room, name: 'Agent', identity: 'agent', onSent });
    const session = await openSession(driver, { url: '', token: '' });
    const publisher = await session.publish({
      name: 'Agent',
      hasVideo: false,
      audioFormat: { sampleRate: RATE, numberOfChannels: 1 },
    });
    lab.agent = new Agent({
      engines: engines(clock),
      tools: [],
      instructions: '',
      maxMessages: 20,
      turnTaking: {
        endpointing: { mode: 'fixed', minSilenceMs: 500, maxSilenceMs: 3000 },
        interruption: { minDurationMs, minWords, backchannels: BACKCHANNELS, falseInterruptionMs: 2000 },
        transcriptMs: 2000,
      },
      format: { sampleRate: RATE, numberOfChannels: 1 },
      aheadMs: 200,
      clock,
      log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
      onState: (state) => lab.states.push(state),
      onTurn: (turn) => {
        lab.turns.push(turn);
        lab.#tell();
      },
      onCaptions: (captions) => lab.captions.push(captions),
      onAnswered: (latency) => lab.latencies.push(latency),
      onFailed: (reason) => lab.failures.push(reason),
      ...changes,
    });
    lab.agent.joined('ann', 'Ann');
    const played = pipeline(lab.agent.mouth.audio, publisher.audio);
    lab.#end = async () => {
      await lab.agent.close();
      await played;
      await session.disconnect();
    };
    return lab;
  }

  get nowUs(): number {
    return this.clock.nowUs();
  }

  /** Goes on for so long. */
  async pass(ms: number): Promise<void> {
    await this.time.until(new Promise<void>((resolve) => this.clock.after(ms, resolve)));
  }

  /** Somebody says something that takes so long; it is known 200 ms later, and understood 50 ms after that. */
  async says(text: string, ms = 800): Promise<void> {
    const fromUs = this.nowUs;
    await this.pass(60);
    this.agent.activity('ann', true, fromUs);
    await this.pass(ms - 60);
    const toUs = this.nowUs;
    await this.pass(200);
    this.agent.activity('ann', false, toUs);
    await this.pass(50);
    this.agent.transcript('ann', { text, isFinal: true, endUs: toUs });
  }

  /** Until so many turns were told of. */
  async turn(count: number): Promise<void> {
    const come = new Promise<void>((resolve) => {
      const look = (): void => {
        if (this.turns.length >= count) resolve();
        else this.#changed.push(look);
      };
      look();
    });
    await this.time.until(come);
  }

  /** All numbers that have left. */
  get numbers(): number[] {
    return this.left.flatMap(({ numbers }) => [...numbers]).filter((number) => number !== 0);
  }

  async close(): Promise<void> {
    await this.time.until(this.#end());
  }

  #tell(): void {
    for (const changed of this.#changed.splice(0)) changed();
  }
}

/** The numbers of the samples of an answer, in order. */
export function numbered(count: number): number[] {
  return Array.from({ length: count }, (_, i) => (i % NUMBERS) + 1);
}

const quiet = (): void => undefined;
