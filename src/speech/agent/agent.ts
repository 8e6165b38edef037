import type { AudioData } from '../../media/audio-data.js';
import type { CaptionsData } from '../../media/captions.js';
import type { Clock, ClockTimer } from '../../media/clock.js';
import type { ConversationTurn, VoiceLatency } from '../../media/conversation-turn.js';
import type { NodeLog } from '../../media/node.js';
import type { AudioPiecesFormat } from '../audio-pieces.js';
import type { EndOfTurnModel, OpenTurn } from '../dialogue/end-of-turn.js';
import { OwnEcho } from '../dialogue/own-echo.js';
import { isOwnWords } from '../dialogue/own-words.js';
import { TurnTaker, type HeardWords, type TurnDecision, type TurnTakingOptions } from '../dialogue/turn-taker.js';
import type { Tool } from '../language-model.js';
import { Answer, type Engines } from './answer.js';
import { Audience } from './audience.js';
import { ConversationRecord, type UserTurn } from './conversation-record.js';
import { Mouth } from './mouth.js';
import { Saying } from './saying.js';

/** What an agent does now. */
export type AgentState = 'listening' | 'thinking' | 'speaking';

export interface AgentOptions {
  readonly engines: Engines;
  readonly tools: readonly Tool[];
  readonly instructions: string;
  readonly maxMessages: number;
  readonly turnTaking: Omit<TurnTakingOptions, 'isJudged' | 'own'>;
  readonly endOfTurn?: EndOfTurnModel;
  readonly format: AudioPiecesFormat;
  readonly aheadMs: number;
  readonly clock: Clock;
  readonly log: NodeLog;
  readonly onState: (state: AgentState) => void;
  readonly onTurn: (turn: ConversationTurn) => void;
  readonly onCaptions: (captions: CaptionsData) => void;
  /** An answer was heard: how long it took. */
  readonly onAnswered: (latency: VoiceLatency) => void;
  /** Something was lost; `reason` is a few fixed words. */
  readonly onFailed: (reason: string) => void;
}

/**
 * Takes part in a conversation: listens to participants, answers with its engines, stops when somebody speaks, and keeps in mind what
 * was heard of it. Its sound is `mouth.audio`. It has no timer while nobody says anything.
 */
export class Agent {
  readonly mouth: Mouth;
  readonly #options: AgentOptions;
  readonly #record: ConversationRecord;
  readonly #taker: TurnTaker;
  readonly #echo = new OwnEcho();
  readonly #audience = new Audience();
  #saying: Saying | undefined;
  #answers = 0;
  /** Settles when what was said last has been put into the conversation. */
  #settled: Promise<void> = Promise.resolve();
  #timer: ClockTimer | undefined;
  #closed = false;
  #idle: (() => void)[] = [];

  constructor(options: AgentOptions) {
    this.#options = options;
    const { clock, turnTaking, endOfTurn, aheadMs } = options;
    this.#record = new ConversationRecord({
      instructions: options.instructions,
      maxMessages: options.maxMessages,
      onTurn: options.onTurn,
    });
    this.#taker = new TurnTaker(
      {
        ...turnTaking,
        isJudged: endOfTurn !== undefined,
        own: { isVoice: (participant) => this.#echo.isEcho(participant), isWords: (text) => this.#isOwn(text) },
      },
      (decision) => {
        this.#decided(decision);
      },
    );
    this.mouth = new Mouth({
      clock,
      aheadMs,
      onGiven: (chunk, atUs) => {
        this.#echo.played(chunk, atUs);
        this.#audible();
      },
      onHeard: (untilUs) => {
        this.#saying?.heard(untilUs, this.#nowUs);
      },
      onSaid: () => {
        this.#said();
      },
    });
  }

  /** A participant is there; what they say is told by their id. */
  joined(participant: string, name: string): void {
    this.#audience.joined(participant, name);
  }

  /** What they said last is in the conversation all the same; it is answered, or goes on being so, where others are there to hear that. */
  left(participant: string): void {
    this.#audience.left(participant);
    this.#echo.left(participant);
    if (!this.#audience.isThere) this.#fallSilent();
    if (!this.#taker.left(participant, this.#nowUs)) this.#audience.forget(participant);
    this.#schedule();
  }

  /** Their sound, so that the agent's own voice in it is known. */
  hear(participant: string, chunk: AudioData): void {
    this.#echo.heard(participant, chunk, this.#nowUs);
  }

  /** They have begun to speak, or have stopped, at `atUs` of the clock. */
  activity(participant: string, isSpeaking: boolean, atUs: number): void {
    if (!isSpeaking) this.#audience.stopped(participant, this.#nowUs);
    this.#taker.activity(participant, isSpeaking, atUs, this.#nowUs);
    this.#schedule();
  }

  transcript(participant: string, words: HeardWords): void {
    if (words.isFinal) this.#audience.transcribed(participant, this.#nowUs);
    this.#taker.transcript(participant, words, this.#nowUs);
    this.#schedule();
  }

  /** Says a text by itself, when nothing else is said. */
  say(text: string): void {
    if (!this.#saying) this.#begin(undefined, (answer) => answer.runText(text));
  }

  /** Settles when nothing is said, nor to be answered. */
  async idle(): Promise<void> {
    let settled: Promise<void> | undefined;
    while (settled !== this.#settled) {
      while (!this.#closed && (this.#saying !== undefined || this.#taker.dueUs !== undefined))
        await new Promise<void>((resolve) => this.#idle.push(resolve));
      // What was interrupted makes room for a turn.
      await (settled = this.#settled);
    }
  }

  /** Stops at once. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.cancel();
    this.#saying?.answer.abort();
    this.mouth.close();
    this.#tellIdle();
    const { llm, tts, fallbackTts } = this.#options.engines;
    for (const engine of new Set([llm, tts, fallbackTts])) await engine.close?.();
  }

  get #nowUs(): number {
    return this.#options.clock.nowUs();
  }

  #decided(decision: TurnDecision): void {
    switch (decision.type) {
      case 'turn':
        this.#turn(this.#audience.turn(decision, this.#nowUs));
        break;
      case 'reopen':
        this.#record.takeBack(decision.participant);
        this.#callOff();
        if (this.#record.unanswered) this.#answer();
        break;
      case 'pause':
        void this.mouth.pause();
        break;
      case 'resume':
        void this.mouth.resume();
        break;
      case 'interrupt':
        this.#interrupt();
        break;
      case 'backchannel':
        this.#options.log.debug({ text: decision.text }, 'somebody shows that they listen');
        break;
      case 'judge':
        void this.#judge(decision.turn);
        break;
    }
  }

  /** Somebody has said what they wanted to say. */
  #turn(turn: UserTurn): void {
    this.#record.said(turn);
    this.#audience.forget(turn.participant);
    if (this.#audience.isThere) this.#answer();
    else this.#record.settle();
  }

  /** Answers the conversation as it is now. */
  #answer(): void {
    this.#callOff();
    this.#begin(this.#record.unanswered, (answer) => answer.run());
  }

  /** Drops an answer of which nothing can be heard yet. */
  #callOff(): void {
    const saying = this.#saying;
    if (!saying) return;
    saying.answer.abort();
    this.#saying = undefined;
    this.#settle(() => this.mouth.drop());
    this.#options.onState('listening');
  }

  #begin(to: UserTurn | undefined, run: (answer: Answer) => Promise<void>): void {
    const { engines, tools, format, clock, log, onFailed, onState, onCaptions, onAnswered } = this.#options;
    const { mouth } = this;
    const answer = new Answer({
      engines,
      messages: this.#record.messages,
      tools,
      mouth,
      format,
      clock,
      log,
      onFailed,
    });
    this.#saying = new Saying({ answer, to, number: ++this.#answers, onCaptions, onAnswered });
    onState('thinking');
    void this.#settled.then(async () => {
      if (!answer.isAborted && !this.#closed) await run(answer);
    });
  }

  /** Its first sound is about to be heard. */
  #audible(): void {
    const saying = this.#saying;
    if (!saying || saying.isAudible) return;
    saying.begun(this.#nowUs);
    this.#record.settle();
    this.#options.onState('speaking');
    this.#taker.agentSpeaks(true, this.#nowUs);
    this.#schedule();
  }

  /** All that was to be said has been heard. */
  #said(): void {
    const saying = this.#saying;
    if (!saying) return;
    this.#saying = undefined;
    this.#commit(saying, Infinity, false);
    this.#options.onState('listening');
    this.#taker.agentSpeaks(false, this.#nowUs);
    this.#schedule();
    this.#tellIdle();
  }

  #interrupt(): void {
    const saying = this.#saying;
    if (!saying) return;
    this.#saying = undefined;
    saying.answer.abort();
    this.#options.onState('listening');
    this.#settle(async () => {
      this.#commit(saying, await this.mouth.drop(), true);
      this.#taker.agentSpeaks(false, this.#nowUs);
      this.#schedule();
    });
  }

  /** Nobody is there to hear anything. */
  #fallSilent(): void {
    if (this.#saying?.isAudible === true) this.#interrupt();
    else {
      this.#callOff();
      this.#record.settle();
    }
  }

  /** Puts what was heard into the conversation. */
  #commit(saying: Saying, untilUs: number, isInterrupted: boolean): void {
    const { isExact } = this.mouth;
    this.#record.answered(saying.over({ untilUs, isInterrupted, isExact }, this.#nowUs), saying.answer.calls);
  }

  async #judge(turn: OpenTurn): Promise<void> {
    let likelihood: number | undefined;
    try {
      likelihood = await this.#options.endOfTurn?.likelihood(turn);
    } catch (error) {
      this.#options.onFailed('not judged');
      this.#options.log.warn({ err: error }, 'nobody knows whether a turn is over');
    }
    if (this.#closed) return;
    this.#taker.judged(turn, likelihood, this.#nowUs);
    this.#schedule();
  }

  #settle(task: () => Promise<unknown>): void {
    this.#settled = this.#settled.then(task).then(() => {
      this.#tellIdle();
    });
  }

  #isOwn(text: string): boolean {
    const saying = this.#saying;
    return isOwnWords(text, `${this.#record.lastText} ${saying ? saying.answer.heardUntil(Infinity).text : ''}`);
  }

  /** Comes back when somebody has been silent long enough, say. */
  #schedule(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const dueUs = this.#taker.dueUs;
    if (this.#closed) return;
    if (dueUs === undefined) this.#tellIdle();
    // Not before its time, to the last digit.
    else
      this.#timer = this.#options.clock.after((Math.max(0, Math.ceil(dueUs - this.#nowUs)) + 1) / 1000, this.#onTime);
  }

  readonly #onTime = (): void => {
    this.#taker.tick(this.#nowUs);
    this.#schedule();
  };

  #tellIdle(): void {
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
