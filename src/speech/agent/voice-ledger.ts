import type { VoiceLatency } from '../../media/conversation-turn.js';

/** When an answer came how far, in µs on one clock. */
export interface VoiceTimes {
  /** The last sound of who is answered came in. */
  readonly heardUs: number;
  /** It was known that it was the last one. */
  readonly detectedUs: number;
  /** Its words came. */
  readonly transcribedUs: number;
  /** So much had to pass after it, in µs: silence, and what others or the agent had to say to their end. */
  readonly silenceUs: number;
  /** It was decided that it is to be answered. */
  readonly decidedUs: number;
  /** The language model gave its first text. */
  readonly thoughtUs: number;
  /** The first sound of the answer came from the engine. */
  readonly synthesisedUs: number;
  /** What the engine begins with, in µs of silence. */
  readonly leadUs: number;
  /** The first sound that is none of silence has left. */
  readonly leftUs: number;
}

/** The stages of an answer, which add up to the time between the two voices. Pure. */
export function voiceLatency(times: VoiceTimes): VoiceLatency {
  const { heardUs, detectedUs, transcribedUs, silenceUs, decidedUs, thoughtUs, synthesisedUs, leadUs, leftUs } = times;
  // What was not told of this turn, as where only its words came, takes no time.
  const knownUs = Math.min(decidedUs, Math.max(heardUs, detectedUs));
  const wordsUs = Math.min(decidedUs, Math.max(knownUs, transcribedUs));
  const stages = {
    detection: ms(heardUs, knownUs),
    transcription: ms(knownUs, wordsUs),
    endpointing: ms(wordsUs, decidedUs),
    thinking: ms(decidedUs, thoughtUs),
    synthesis: ms(thoughtUs, synthesisedUs),
    playout: ms(synthesisedUs, leftUs),
  };
  // Words that come while the silence passes cost nothing.
  const neededUs = Math.max(silenceUs, Math.min(transcribedUs, decidedUs) - heardUs);
  const frameworkUs = decidedUs - heardUs - neededUs + (leftUs - synthesisedUs - leadUs);
  return { voiceToVoiceMs: ms(heardUs, leftUs), stages, frameworkMs: ms(0, frameworkUs) };
}

/** In ms, of whole µs, so that what follows one another adds up exactly. */
function ms(fromUs: number, toUs: number): number {
  return (Math.round(toUs) - Math.round(fromUs)) / 1000;
}
