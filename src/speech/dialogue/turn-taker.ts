import type { EndpointingOptions } from './endpointing.js';
import { Interruptions, type InterruptionOptions } from './interruptions.js';
import type { OpenTurn } from './end-of-turn.js';
import { isOpen, newSpeaker, textOf, type Speaker } from './speaker.js';

export interface TurnTakingOptions {
  readonly endpointing: EndpointingOptions;
  readonly interruption: InterruptionOptions;
  /** How long the words of what was said are waited for after that, in ms; then it is taken for a noise. */
  readonly transcriptMs: number;
  /** Turns are judged (`judge`, `judged`): until then, and where they are not over, only the longest silence ends them. */
  readonly isJudged: boolean;
  /** Tells the agent's own voice and words, come back from a loudspeaker, from those of others; asked while the agent speaks. */
  readonly own?: {
    isVoice(participant: string): boolean;
    isWords(text: string): boolean;
  };
}

export type TurnDecision =
  /** Somebody has said what they wanted to say. */
  | {
      readonly type: 'turn';
      readonly participant: string;
      readonly text: string;
      readonly startUs: number;
      readonly endUs: number;
      /** So much had to pass after it, in µs, if its words came by then: silence, and what others or the agent had to say to their end. */
      readonly silenceUs: number;
    }
  /** It goes on after all, before it was answered: the same words come again, with others, in the next turn. */
  | { readonly type: 'reopen'; readonly participant: string }
  /** The agent is to be silent, and to keep what it was about to say. */
  | { readonly type: 'pause'; readonly participant: string }
  /** It was nothing: the agent goes on where it was. */
  | { readonly type: 'resume' }
  /** The agent is to drop what it was about to say; no turn ends until it has. Comes without a `pause` before it where words tell at once. */
  | { readonly type: 'interrupt'; readonly participant: string }
  /** Somebody has shown that they listen. */
  | { readonly type: 'backchannel'; readonly participant: string; readonly text: string }
  /** To be answered by `judged`. */
  | { readonly type: 'judge'; readonly turn: OpenTurn };

/** What was heard of somebody. Times in µs on the clock of the graph. */
export interface HeardWords {
  /** Empty where nothing was understood. */
  readonly text: string;
  readonly isFinal: boolean;
  /** Where the sound ends that it was heard in. */
  readonly endUs: number;
}

/** Who makes noise without a word keeps nobody else from their turn for longer, in µs. */
const WORDLESS_US = 10_000_000;
/** A voice that was an echo is judged again after that, in µs. */
const ECHO_US = 100_000;

/**
 * Decides whose turn it is: when somebody has said what they wanted to say, and when the agent is to be silent because somebody
 * speaks. One has the floor at a time; what others say meanwhile is their turn after it. Pure: it is told of everything with the time
 * in µs on the clock of the graph, wants `tick` at `dueUs`, and calls `decide`.
 */
export class TurnTaker {
  readonly #options: TurnTakingOptions;
  readonly #decide: (decision: TurnDecision) => void;
  readonly #interruptions: Interruptions;
  readonly #speakers = new Map<string, Speaker>();
  /** Who says something, or has something said: the first has the floor. */
  readonly #floor = new Set<string>();
  #agentSpeaks = false;
  #agentFromUs = 0;
  /** It was interrupted, and what was heard of it is not known yet: what is answered next comes after that. */
  #agentStops = false;
  /** Until then others, or the agent, had something to say before who has the floor now. */
  #freeUs = 0;
  /** Who made the agent pause; undefined while it does not. */
  #pausedBy: string | undefined;

  constructor(options: TurnTakingOptions, decide: (decision: TurnDecision) => void) {
    this.#options = options;
    this.#decide = decide;
    this.#interruptions = new Interruptions(options.interruption);
  }

  /** Somebody has begun to speak, or has stopped, at `atUs`, which is earlier than now. */
  activity(participant: string, isSpeaking: boolean, atUs: number, nowUs: number): void {
    const speaker = this.#speaker(participant);
    if (isSpeaking === speaker.isSpeaking) return;
    speaker.isSpeaking = isSpeaking;
    if (isSpeaking) this.#begins(participant, speaker, atUs);
    else {
      speaker.silentFromUs = atUs;
      this.#judge(participant, speaker);
    }
    this.tick(nowUs);
  }

  /** What somebody said, or says. An empty final text tells that nothing was understood. */
  transcript(participant: string, { text, isFinal, endUs }: HeardWords, nowUs: number): void {
    const speaker = this.#speaker(participant);
    if (isFinal) speaker.heardUntilUs = Math.max(speaker.heardUntilUs, endUs);
    if (this.#agentSpeaks && this.#options.own?.isWords(text) === true) speaker.partial = '';
    else if (this.#agentSpeaks && this.#interruptions.isBackchannel(text))
      this.#listens(participant, speaker, text, isFinal);
    else {
      speaker.partial = isFinal ? '' : text.trim();
      if (isFinal && text.trim() !== '') speaker.texts.push(text.trim());
      if (text.trim() !== '') this.#asks(participant, speaker, Math.min(speaker.voiceFromUs, endUs));
      if (this.#agentSpeaks && this.#interruptions.interrupts(textOf(speaker))) this.#interrupt(participant);
      this.#judge(participant, speaker);
    }
    this.tick(nowUs);
  }

  /** How likely the turn is over that was to be judged, 0 to 1; undefined where nobody knows. Of one that has gone on it is ignored. */
  judged(turn: OpenTurn, likelihood: number | undefined, nowUs: number): void {
    const speaker = this.#speakers.get(turn.participant);
    if (!speaker || textOf(speaker) !== turn.text) return;
    speaker.likelihood = likelihood ?? 1;
    this.tick(nowUs);
  }

  /** The agent has begun to be heard, or has said everything, or has dropped what it was about to say. While it pauses it speaks. */
  agentSpeaks(isSpeaking: boolean, nowUs: number): void {
    if (isSpeaking && !this.#agentSpeaks) this.#agentFromUs = nowUs;
    // One that was interrupted has nothing to say any more: how long it takes to stop is nobody's turn.
    if (!isSpeaking && !this.#agentStops) this.#freeUs = nowUs;
    this.#agentSpeaks = isSpeaking;
    this.#agentStops = false;
    if (isSpeaking) for (const speaker of this.#speakers.values()) speaker.answered = undefined;
    else this.#pausedBy = undefined;
    this.tick(nowUs);
  }

  /** Somebody has left. What they had said is their turn as soon as it can be: nothing more comes. False where they had said nothing. */
  left(participant: string, nowUs: number): boolean {
    const speaker = this.#speakers.get(participant);
    const hasSaid = speaker !== undefined && textOf(speaker) !== '';
    if (hasSaid) {
      if (speaker.isSpeaking) speaker.silentFromUs = nowUs;
      speaker.isSpeaking = false;
      speaker.hasLeft = true;
    } else {
      this.#speakers.delete(participant);
      this.#floor.delete(participant);
    }
    if (this.#pausedBy === participant) this.#resume();
    this.tick(nowUs);
    return hasSaid;
  }

  /** When `tick` is to be called next at the latest; undefined where nothing is waited for. */
  get dueUs(): number | undefined {
    let dueUs = Infinity;
    for (const [participant, speaker] of this.#speakers) {
      dueUs = Math.min(dueUs, this.#pauseDueUs(speaker), this.#resumeDueUs(participant, speaker));
      if (!this.#agentSpeaks && !this.#agentStops) dueUs = Math.min(dueUs, this.#floorDueUs(participant, speaker));
    }
    return dueUs === Infinity ? undefined : dueUs;
  }

  tick(nowUs: number): void {
    for (const [participant, speaker] of this.#speakers) {
      if (nowUs >= this.#pauseDueUs(speaker)) this.#pause(participant, speaker, nowUs);
      if (nowUs >= this.#resumeDueUs(participant, speaker)) this.#resume();
    }
    // Who has waited for the floor may have finished long ago.
    for (let ended = this.#endTurn(nowUs); ended; ended = this.#endTurn(nowUs));
  }

  #begins(participant: string, speaker: Speaker, atUs: number): void {
    const { maxSilenceMs } = this.#options.endpointing;
    const before = speaker.answered;
    const goesOn = before !== undefined && atUs - before.endUs <= maxSilenceMs * 1000;
    if (goesOn) {
      speaker.turnFromUs = before.fromUs;
      speaker.texts = before.texts;
    }
    if (speaker.turnFromUs !== undefined) speaker.endpointing.paused(Math.max(0, atUs - speaker.silentFromUs));
    speaker.answered = undefined;
    speaker.voiceFromUs = atUs;
    this.#asks(participant, speaker, atUs);
    if (goesOn) this.#decide({ type: 'reopen', participant });
  }

  #asks(participant: string, speaker: Speaker, fromUs: number): void {
    speaker.turnFromUs ??= fromUs;
    this.#floor.add(participant);
  }

  #listens(participant: string, speaker: Speaker, text: string, isFinal: boolean): void {
    speaker.partial = '';
    if (!isFinal) return;
    this.#decide({ type: 'backchannel', participant, text });
    if (this.#pausedBy === participant && !speaker.isSpeaking) this.#resume();
  }

  /** Ends a turn that is over; false where there is none. */
  #endTurn(nowUs: number): boolean {
    if (this.#agentSpeaks || this.#agentStops) return false;
    for (const participant of this.#floor) {
      const speaker = this.#speakers.get(participant);
      const dueUs = speaker ? this.#floorDueUs(participant, speaker) : Infinity;
      if (!speaker || nowUs < dueUs) continue;
      const { texts, turnFromUs = speaker.voiceFromUs, silentFromUs: endUs } = speaker;
      const text = textOf(speaker);
      const silenceUs = Math.max(this.#silenceUs(speaker), this.#freeUs - endUs);
      this.#freeUs = Math.max(this.#freeUs, dueUs);
      if (speaker.partial !== '') texts.push(speaker.partial);
      this.#floor.delete(participant);
      Object.assign(speaker, { texts: [], partial: '', turnFromUs: undefined, likelihood: undefined });
      if (speaker.hasLeft) this.#speakers.delete(participant);
      if (text === '') return true;
      speaker.answered = { fromUs: turnFromUs, texts, endUs };
      this.#decide({ type: 'turn', participant, text, startUs: turnFromUs, endUs, silenceUs });
      return true;
    }
    return false;
  }

  /** When somebody's turn is over and those before them have had theirs. */
  #floorDueUs(participant: string, speaker: Speaker): number {
    let dueUs = this.#turnDueUs(speaker);
    for (const other of this.#floor) {
      if (other === participant) return dueUs;
      const before = this.#speakers.get(other);
      if (before) dueUs = Math.max(dueUs, textOf(before) === '' ? before.voiceFromUs + WORDLESS_US : Infinity);
    }
    return Infinity;
  }

  /** When a turn is over, as far as is known now. */
  #turnDueUs(speaker: Speaker): number {
    if (speaker.isSpeaking) return Infinity;
    if (speaker.hasLeft) return speaker.silentFromUs;
    const silenceUs = this.#silenceUs(speaker);
    const longestUs = Math.max(speaker.endpointing.longestUs, this.#options.transcriptMs * 1000);
    return speaker.silentFromUs + (isOpen(speaker) ? longestUs : silenceUs);
  }

  /** The silence that ends a turn whose words have come. */
  #silenceUs({ endpointing, likelihood }: Speaker): number {
    if (!this.#options.isJudged) return endpointing.silenceUs(undefined);
    return likelihood === undefined ? endpointing.longestUs : endpointing.silenceUs(likelihood);
  }

  #pauseDueUs(speaker: Speaker): number {
    const isCandidate = this.#agentSpeaks && this.#pausedBy === undefined && speaker.isSpeaking;
    if (!isCandidate || !this.#interruptions.byVoice) return Infinity;
    const fromUs = Math.max(speaker.voiceFromUs, this.#agentFromUs);
    return Math.max(fromUs + this.#options.interruption.minDurationMs * 1000, speaker.echoUntilUs);
  }

  #resumeDueUs(participant: string, speaker: Speaker): number {
    if (this.#pausedBy !== participant || speaker.isSpeaking) return Infinity;
    return speaker.silentFromUs + this.#options.interruption.falseInterruptionMs * 1000;
  }

  #pause(participant: string, speaker: Speaker, nowUs: number): void {
    if (this.#options.own?.isVoice(participant) === true) {
      speaker.echoUntilUs = nowUs + ECHO_US;
      return;
    }
    this.#pausedBy = participant;
    this.#decide({ type: 'pause', participant });
  }

  #resume(): void {
    this.#pausedBy = undefined;
    this.#decide({ type: 'resume' });
  }

  #interrupt(participant: string): void {
    this.#agentSpeaks = false;
    this.#agentStops = true;
    this.#pausedBy = undefined;
    this.#decide({ type: 'interrupt', participant });
  }

  #judge(participant: string, speaker: Speaker): void {
    speaker.likelihood = undefined;
    if (!this.#options.isJudged || speaker.isSpeaking || isOpen(speaker)) return;
    this.#decide({ type: 'judge', turn: { participant, text: textOf(speaker) } });
  }

  #speaker(participant: string): Speaker {
    let speaker = this.#speakers.get(participant);
    if (!speaker) {
      speaker = newSpeaker(this.#options.endpointing);
      this.#speakers.set(participant, speaker);
    }
    return speaker;
  }
}
