import { Readable, Writable } from 'node:stream';
import type { AudioData } from '../media/audio-data.js';
import type { NodeContext, NodePorts } from '../media/node.js';
import type { Transcript } from '../media/transcript.js';
import type { VoiceActivity } from '../media/voice-activity.js';
import type { Recognition, Recogniser } from './recogniser.js';
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
 * cannot be understood is counted, and the next one is tried.
 */
export class Transcriber implements NodePorts {
  readonly #options: TranscriberOptions;
  readonly #abort = new AbortController();
  readonly #collector: UtteranceCollector;
  readonly #waiting: Waiting[] = [];
  readonly #output: Readable;
  #busy: Promise<void> | undefined;
  #audio: Writable | undefined;
  #activity: Writable | undefined;

  constructor(options: TranscriberOptions) {
    const { leadMs, maxMs, context } = options;
    this.#options = options;
    this.#collector = new UtteranceCollector({
      leadMs,
      maxMs,
      onUtterance: (utterance) => {
        this.#take(utterance);
      },
    });
    this.#output = new Readable({
      objectMode: true,
      read: () => undefined,
      destroy: (error, done) => {
        this.#abort.abort(error ?? new Error('the node has ended'));
        Promise.resolve(this.#busy)
          .then(() => options.recogniser.close?.())
          .then(
            () => {
              done(error);
            },
            (closing: unknown) => {
              done(error ?? (closing as Error));
            },
          );
      },
    });
    const end = (): void => {
      this.#abort.abort(context.signal.reason);
    };
    context.signal.addEventListener('abort', end, { once: true });
    this.#output.once('close', () => {
      context.signal.removeEventListener('abort', end);
    });
  }

  input(port: string): Writable {
    if (port === 'activity') {
      this.#collector.segment();
      this.#activity = this.#intake((value: VoiceActivity) => {
        this.#collector.activity(value);
      });
      return this.#activity;
    }
    this.#audio = this.#intake((value: AudioData) => {
      this.#collector.audio(value);
    });
    return this.#audio;
  }

  output(): Readable {
    return this.#output;
  }

  #intake(take: (value: never) => void): Writable {
    return new Writable({
      objectMode: true,
      write: (value, _encoding, done) => {
        take(value as never);
        done();
      },
      final: (done) => {
        done();
        setImmediate(() => {
          this.#endIfOver();
        });
      },
    });
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
      this.#endIfOver();
    });
  }

  async #work(): Promise<void> {
    const { recogniser, context } = this.#options;
    const { signal } = this.#abort;
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      try {
        signal.throwIfAborted();
        const recognition = await recogniser.recognise(next.utterance, signal);
        context.measured('final transcript', (context.clock.nowUs() - next.sinceUs) / 1000);
        if (recognition.text !== '' && !this.#output.destroyed)
          this.#output.push(transcriptOf(next.utterance, recognition, context));
      } catch (error) {
        if (isAborted(signal)) return;
        context.dropped('not understood');
        context.log.warn({ err: error }, 'an utterance was not understood');
      }
    }
  }

  #endIfOver(): void {
    const { readableEnded, destroyed } = this.#output;
    if (this.#audio?.writableFinished !== true || this.#activity?.writableFinished === false) return;
    if (readableEnded || destroyed) return;
    this.#collector.end();
    if (!this.#busy) this.#output.push(null);
  }
}

function transcriptOf(
  { startUs, endUs, passed = [] }: Utterance,
  { text, words }: Recognition,
  { branch, clock }: NodeContext,
): Transcript {
  return {
    kind: 'transcript',
    text,
    isFinal: true,
    start: startUs,
    end: endUs,
    ...(branch && { participant: branch.name, streamId: branch.streamId }),
    ...(words && { words }),
    passed: [...passed, { stage: 'transcribed', atUs: clock.nowUs() }],
  };
}

/** It may become so while one waits. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
