import { systemClock } from '../src/media/clock.js';
import { connect } from 'sluice';
import { Agent } from '../src/speech/agent/agent.js';
import type { LanguageModel } from '../src/speech/language-model.js';
import type { Synthesiser } from '../src/speech/synthesiser.js';
import { SAMPLE_RATE, type JoinOptions } from './client.js';
import { toneFrames } from './signals.js';

/** Speaks in turns, and can be interrupted. */
export interface TurnSpeaker {
  /** Begins to speak, for at least so long. */
  speak(ms: number): void;
  /** Stops. */
  interrupt(): void;
}

const USER = 'user';
const LONGEST_MS = 5000;

/** An agent that answers at once, with a tone of that level, and stops as soon as it decides to: when somebody's voice is told. */
export async function joinToneAgent(way: JoinOptions, level: number): Promise<TurnSpeaker> {
  const session = await connect({ ...way });
  const publisher = await session.publish({
    hasVideo: false,
    audioFormat: { sampleRate: SAMPLE_RATE, numberOfChannels: 1 },
  });
  const tts = toneVoice(level);
  const agent = new Agent({
    engines: { llm: ANSWERING, tts, fallbackTts: tts, fallbackText: '' },
    tools: [],
    instructions: '',
    maxMessages: 10,
    turnTaking: {
      endpointing: { mode: 'fixed', minSilenceMs: 0, maxSilenceMs: 1000 },
      interruption: { minDurationMs: 0, minWords: 0, backchannels: [], falseInterruptionMs: 60_000 },
      transcriptMs: 1000,
    },
    format: { sampleRate: SAMPLE_RATE, numberOfChannels: 1 },
    aheadMs: 200,
    clock: systemClock,
    log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    onState: ignore,
    onTurn: ignore,
    onCaptions: ignore,
    onAnswered: ignore,
    onFailed: (reason) => {
      throw new Error(reason);
    },
  });
  agent.joined(USER, USER);
  agent.mouth.audio.pipe(publisher);
  return {
    speak: () => {
      const nowUs = systemClock.nowUs();
      agent.activity(USER, true, nowUs);
      agent.activity(USER, false, nowUs);
      agent.transcript(USER, { text: 'go on', isFinal: true, endUs: nowUs });
    },
    interrupt: () => {
      agent.activity(USER, true, systemClock.nowUs());
    },
  };
}

const ANSWERING: LanguageModel = {
  answer: ({ onText }) => {
    onText('la');
    return Promise.resolve({ text: 'la', calls: [] });
  },
};

function toneVoice(level: number): Synthesiser {
  const frames = toneFrames(440, level);
  return {
    async say(_text, listener, signal) {
      for (let atMs = 0; atMs < LONGEST_MS; atMs += 20) {
        signal.throwIfAborted();
        await listener.onAudio(frames[(atMs / 20) % frames.length]!, { sampleRate: SAMPLE_RATE, numberOfChannels: 1 });
      }
    },
  };
}

function ignore(): void {
  // Nobody asks for it.
}
