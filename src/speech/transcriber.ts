import type { Readable, Writable } from 'node:stream';
import type { NodeContext, NodePorts } from '../media/node.js';
import type { TranscriptWord } from '../media/transcript.js';
import { estimatedWords } from './estimated-words.js';
import type { Recogniser } from './recogniser.js';
import { SpeechIntake } from './speech-intake.js';
import { TranscriptOutput } from './transcript-output.js';
import { type Utterance, UtteranceCollector } from './utterances.js';

export interface TranscriberOptions {
  readonly recogniser: Recogniser;
  readonly context: NodeContext;
  readonly leadMs: number;
  readonly maxMs: number;
}

/** An utterance that waits for the engine. */
interface Waiting {
  readonly utterance: Utterance;
  /** When all of it was there, on the clock of the graph. */
  readonly sinceUs: number;
}

/** So many wait; of more the oldest is let go. */
const MAX_WAITING = 8;

/**
 * The streams of a speech-to-text node: sound and voice activity in, transcripts out. Never holds its sources back; an utterance that
 * cannot be understood is counted, and the next one is tried. When words were said is estimated where the engine does not say.
 */
export class Transcriber implements NodePorts {
  readonly #options: TranscriberOptions;
  readonly #collector: UtteranceCollector;
  readonly #intake: SpeechIntake;
  readonly #output: TranscriptOutput;
  readonly #waiting: Waiting[] = [];
  #busy: Promise<void> | undefined;
  #isEnding = false;

  constructor(options: TranscriberOptions) {
    const { leadMs, maxMs, context, recogniser } = options;
    this.#options = options;
    this.#collector = new UtteranceCollector({
      leadMs,
      maxMs,
      onUtterance: (utterance) => {
        this.#take(utterance);
      },
    });
    this.#intake = new SpeechIntake({
      onAudio: (chunk) => {
        this.#collector.audio(chunk);
      },
      onActivity: (value) => {
        this.#collector.activity(value);
      },
      onEnd: () => {
        this.#isEnding = true;
        this.#collector.end();
        if (!this.#busy) this.#output.end();
      },
    });
    this.#output = new TranscriptOutput(context, async () => {
      await this.#busy;
      await recogniser.close?.();
    });
  }

  input(port: string): Writable {
    if (port === 'activity') this.#collector.segment();
    return this.#intake.input(port);
  }

  output(): Readable {
    return this.#output.stream;
  }

  /** Words of an engine that does not say when they were said: in the voice, without what goes with it before and after. */
  #estimated(text: string, { startUs, endUs }: Utterance): TranscriptWord[] {
    const leadUs = Math.min(this.#options.leadMs * 1000, (endUs - startUs) / 3);
    return estimatedWords(text, startUs + leadUs, endUs - leadUs);
  }

  #take(utterance: Utterance): void {
    const { context } = this.#options;
    this.#waiting.push({ utterance, sinceUs: context.clock.nowUs() });
    if (this.#waiting.length > MAX_WAITING) {
      this.#waiting.shift();
      context.dropped('the engine is too slow');
    }
    this.#busy ??= this.#work().finally(() => {
      this.#busy = undefined;
      if (this.#isEnding) this.#output.end();
    });
  }

  async #work(): Promise<void> {
    const { recogniser, context } = this.#options;
    const { signal } = this.#output;
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      try {
        signal.throwIfAborted();
        const { utterance, sinceUs } = next;
        const recognition = await recogniser.recognise(utterance, signal);
        context.measured('final transcript', (context.clock.nowUs() - sinceUs) / 1000);
        const { startUs, endUs, passed = [] } = utterance;
        const { text, words = this.#estimated(text, utterance) } = recognition;
        if (text !== '') this.#output.tell({ text, words, isFinal: true, startUs, endUs }, passed);
      } catch (error) {
        if (isAborted(signal)) return;
        context.dropped('not understood');
        context.log.warn({ err: error }, 'an utterance was not understood');
      }
    }
  }
}

/** It may become so while one waits. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
