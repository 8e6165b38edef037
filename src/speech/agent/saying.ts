import { captionsText, type CaptionsData } from '../../media/captions.js';
import type { ConversationTurn, VoiceLatency } from '../../media/conversation-turn.js';
import type { Answer } from './answer.js';
import type { UserTurn } from './conversation-record.js';
import { voiceLatency } from './voice-ledger.js';

export interface SayingOptions {
  readonly answer: Answer;
  /** What it answers; undefined where it is said by itself. */
  readonly to: UserTurn | undefined;
  /** Of no other one of the same agent. */
  readonly number: number;
  readonly onCaptions: (captions: CaptionsData) => void;
  /** It is heard: how long it took. */
  readonly onAnswered: (latency: VoiceLatency) => void;
}

/** How much was heard of what was said in the end. */
export interface Heard {
  /** In µs of its sound. */
  readonly untilUs: number;
  readonly isInterrupted: boolean;
  /** To the sample; otherwise it is by the clock. */
  readonly isExact: boolean;
}

/** What an agent says now: tells how much of it was heard while it is, and what became of it. Times in µs of the clock. */
export class Saying {
  readonly answer: Answer;
  readonly #options: SayingOptions;
  /** When its first sound was given; undefined while nothing can be heard of it. */
  #fromUs: number | undefined;
  /** In µs of its sound. */
  #heardUs = 0;
  #latency: VoiceLatency | undefined;
  #shown = '';

  constructor(options: SayingOptions) {
    this.answer = options.answer;
    this.#options = options;
  }

  /** Whether something can be heard of it. */
  get isAudible(): boolean {
    return this.#fromUs !== undefined;
  }

  /** Its first sound is about to be heard. */
  begun(nowUs: number): void {
    this.#fromUs = nowUs;
  }

  /** Its sound has been heard up to `untilUs`, in µs of it. */
  heard(untilUs: number, nowUs: number): void {
    const { voicedUs } = this.answer;
    if (!this.#latency && voicedUs !== undefined && untilUs > voicedUs) {
      // Sound leaves in packets, and has left when its packet has: a sample in the middle of one is heard so much later.
      this.#measure(voicedUs, nowUs + Math.max(0, voicedUs - this.#heardUs));
    }
    this.#heardUs = untilUs;
    this.#show(this.answer.heardUntil(untilUs).text, false);
  }

  /** It is over: as a turn of the conversation, whose text is what was heard of it. */
  over({ untilUs, isInterrupted, isExact }: Heard, nowUs: number): Omit<ConversationTurn, 'kind' | 'role'> {
    const { text, isEstimated } = this.answer.heardUntil(untilUs);
    this.#show(text, true);
    return {
      text,
      start: Math.round(this.#fromUs ?? nowUs),
      end: Math.round(nowUs),
      ...(isInterrupted && { isInterrupted, isEstimated: isEstimated || !isExact }),
      ...(this.#latency && { latency: this.#latency }),
    };
  }

  #measure(leadUs: number, leftUs: number): void {
    const { to, answer, onAnswered } = this.#options;
    if (!to) return;
    this.#latency = voiceLatency({
      heardUs: to.endUs,
      detectedUs: to.detectedUs,
      transcribedUs: to.transcribedUs,
      silenceUs: to.silenceUs,
      decidedUs: to.decidedUs,
      thoughtUs: answer.thoughtUs ?? to.decidedUs,
      synthesisedUs: answer.synthesisedUs ?? to.decidedUs,
      leadUs,
      leftUs,
    });
    onAnswered(this.#latency);
  }

  #show(text: string, isFinal: boolean): void {
    if (text === '' || (text === this.#shown && !isFinal)) return;
    this.#shown = text;
    this.#options.onCaptions({
      kind: 'captions',
      text: captionsText(text),
      isFinal,
      segmentId: `agent-${this.#options.number}`,
    });
  }
}
