import type { Readable, Writable } from 'node:stream';
import type { AudioData } from '../media/audio-data.js';
import type { ClockTimer } from '../media/clock.js';
import { SluiceError } from '../media/errors.js';
import type { NodeContext, NodePorts } from '../media/node.js';
import type { VoiceActivity } from '../media/voice-activity.js';
import type { Heard, Listening, StreamingRecogniser } from './recogniser.js';
import { SpeechIntake } from './speech-intake.js';
import { TranscriptOutput } from './transcript-output.js';

export interface ListenerOptions {
  readonly recogniser: StreamingRecogniser;
  readonly context: NodeContext;
  /** Hz. */
  readonly sampleRate: number;
  /** What is said for longer becomes final in parts, in ms; as the engine has it when left out. */
  readonly maxMs?: number;
}

/** Sound that waits for an engine which is not there yet, in ms; of more the oldest is let go. */
const MAX_WAITING_MS = 10_000;
/** An engine that broke is tried again after that, in ms, and after twice as long each time, up to the most. */
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;

/**
 * The streams of a speech-to-text node whose engine hears sound while it comes: sound and voice activity in, transcripts out, first
 * such that may change. Never holds its sources back; what the engine does not take is counted. An engine that breaks is tried again
 * as long as that may help; otherwise the node fails.
 */
export class Listener implements NodePorts {
  readonly #options: ListenerOptions;
  readonly #intake: SpeechIntake;
  readonly #output: TranscriptOutput;
  /** Sound for an engine that is not there yet, and where in it nobody spoke any more. */
  #waiting: (AudioData | 'over')[] = [];
  #waitingMs = 0;
  #listening: Listening | undefined;
  #beginning: Promise<void> | undefined;
  #pause: ClockTimer | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #isEnding = false;
  /** Sound since what was said last was over, in ms. */
  #openMs = 0;
  /** The last end of speech, and when it was told of, on the clock of the graph; until its text came. */
  #spoken: { readonly end: VoiceActivity; readonly sinceUs: number } | undefined;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#intake = new SpeechIntake({
      onAudio: (chunk) => {
        this.#hear(chunk);
      },
      onActivity: (value) => {
        this.#noticed(value);
      },
      onEnd: () => {
        this.#isEnding = true;
        void this.#end();
      },
    });
    this.#output = new TranscriptOutput(options.context, async () => {
      this.#pause?.cancel();
      await this.#beginning;
      await options.recogniser.close?.();
    });
  }

  input(port: string): Writable {
    return this.#intake.input(port);
  }

  output(): Readable {
    return this.#output.stream;
  }

  #hear(chunk: AudioData): void {
    if (!this.#listening) {
      this.#wait(chunk);
      if (!this.#pause) this.#begin();
    } else this.#give(this.#listening, chunk);
  }

  #give(listening: Listening, chunk: AudioData): void {
    const { context, maxMs = Infinity } = this.#options;
    if (!listening.write(chunk)) {
      context.dropped('not heard');
      return;
    }
    this.#openMs += durationMs(chunk);
    if (this.#openMs < maxMs) return;
    this.#openMs = 0;
    listening.finish();
  }

  #wait(chunk: AudioData): void {
    this.#waiting.push(chunk);
    this.#waitingMs += durationMs(chunk);
    while (this.#waitingMs > MAX_WAITING_MS) {
      const oldest = this.#waiting.shift();
      if (oldest === 'over' || oldest === undefined) continue;
      this.#waitingMs -= durationMs(oldest);
      this.#options.context.dropped('not heard');
    }
  }

  #noticed(value: VoiceActivity): void {
    this.#openMs = 0;
    if (value.isSpeaking) return;
    this.#spoken = { end: value, sinceUs: this.#options.context.clock.nowUs() };
    if (this.#listening) this.#listening.finish();
    else if (this.#waiting.length > 0) this.#waiting.push('over');
  }

  #begin(): void {
    this.#beginning ??= this.#listen().finally(() => {
      this.#beginning = undefined;
    });
  }

  async #listen(): Promise<void> {
    const { recogniser, sampleRate } = this.#options;
    const { signal } = this.#output;
    const state: { broken?: Error } = {};
    try {
      const listening = await recogniser.listen({
        sampleRate,
        signal,
        onHeard: (heard) => {
          this.#tell(heard);
        },
        onFailed: (error) => {
          state.broken = error;
          if (this.#listening) this.#fail(error);
        },
      });
      if (state.broken) throw state.broken;
      this.#listening = listening;
      const waiting = this.#waiting;
      this.#waiting = [];
      this.#waitingMs = 0;
      for (const one of waiting) {
        if (one === 'over') listening.finish();
        else this.#give(listening, one);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #tell(heard: Heard): void {
    this.#pauseMs = FIRST_PAUSE_MS;
    const { context } = this.#options;
    const spoken = this.#spoken;
    if (!heard.isFinal || !spoken || spoken.end.timestamp <= heard.startUs) {
      this.#output.tell(heard, []);
      return;
    }
    this.#spoken = undefined;
    context.measured('final transcript', (context.clock.nowUs() - spoken.sinceUs) / 1000);
    this.#output.tell(heard, spoken.end.passed ?? []);
  }

  #fail(error: unknown): void {
    this.#listening = undefined;
    if (this.#output.signal.aborted) return;
    const { context } = this.#options;
    if (!(error instanceof SluiceError) || error.retryable !== true) {
      this.#output.stream.destroy(error as Error);
      return;
    }
    context.dropped('not understood');
    context.log.warn({ err: error }, 'an engine of speech broke, and is tried again');
    if (this.#isEnding) return;
    this.#pause = context.clock.after(this.#pauseMs, () => {
      this.#pause = undefined;
      if (this.#waiting.length > 0) this.#begin();
    });
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
  }

  /** No more sound comes: what was said is told, and then it is over. */
  async #end(): Promise<void> {
    if (this.#pause) {
      this.#pause.cancel();
      if (this.#waiting.length > 0) this.#begin();
    }
    await this.#beginning;
    const listening = this.#listening;
    try {
      await listening?.end();
    } catch (error) {
      this.#fail(error);
    }
    this.#output.end();
  }
}

function durationMs({ numberOfFrames, sampleRate }: AudioData): number {
  return (numberOfFrames * 1000) / sampleRate;
}
