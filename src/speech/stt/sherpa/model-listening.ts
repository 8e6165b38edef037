import { audioDurationUs, type AudioData } from '../../../media/audio-data.js';
import type { SluiceError } from '../../../media/errors.js';
import type { TranscriptWord } from '../../../media/transcript.js';
import type { ListenOptions, Listening } from '../../recogniser.js';
import { SentSound } from '../../sent-sound.js';
import type { LineListener, SharedModel, SpeakerLine } from './model-host.js';
import type { Said } from './port.js';
import { within } from './within.js';

/** Sound goes to the model in pieces of that, in ms: it takes more at a time anyway. */
const PIECE_MS = 100;
/** Sound that waits for the model, in ms; more is not taken. */
const MAX_WAITING_MS = 30_000;
/** What was said is over where no sound came for so long, in µs: somebody was muted. */
const PAUSE_US = 500_000;
/** A word lasts at most so long after its last part began, in seconds: models tell of beginnings only. */
const LAST_PART_S = 0.25;

/** One speaker, heard by a streaming model. */
export class ModelListening implements Listening, LineListener {
  readonly #options: ListenOptions;
  #line: SpeakerLine | undefined;
  readonly #piece: Int16Array;
  #filled = 0;
  /** What lies where in the sound since each `finish` that is not answered, and since the last one. */
  readonly #sounds: SentSound[];
  /** Samples of each message that is not answered. */
  readonly #waiting: number[] = [];
  #waitingFrames = 0;
  #isEmpty = true;
  /** Where the sound ends that was written last, in µs of the media clock. */
  #endUs = Infinity;
  #isOver = false;
  #ending: { resolve: () => void; reject: (error: Error) => void } | undefined;

  constructor(options: ListenOptions) {
    this.#options = options;
    this.#piece = new Int16Array((options.sampleRate * PIECE_MS) / 1000);
    this.#sounds = [new SentSound(options.sampleRate, 0)];
    options.signal.addEventListener('abort', this.#abort, { once: true });
  }

  /** Settles when the model is there. Errors: those of the model, SLUICE_SPEECH_FAILED where it takes too long. */
  async open(model: SharedModel, timeoutMs: number): Promise<void> {
    const opening = model.open(this).then((line) => {
      if (this.#isOver) line.close();
      else this.#line = line;
    });
    try {
      await within(opening, timeoutMs, this.#options.signal);
    } catch (error) {
      this.#isOver = true;
      this.#options.signal.removeEventListener('abort', this.#abort);
      throw error;
    }
  }

  write(chunk: AudioData): boolean {
    const { sampleRate } = this.#options;
    if (this.#isOver || this.#waitingFrames > (MAX_WAITING_MS * sampleRate) / 1000) return false;
    if (chunk.timestamp - this.#endUs > PAUSE_US) this.finish();
    this.#endUs = chunk.timestamp + audioDurationUs(chunk);
    this.#sounds.at(-1)?.add(chunk);
    for (let at = 0; at < chunk.data.length;) {
      const part = chunk.data.subarray(at, at + this.#piece.length - this.#filled);
      this.#piece.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === this.#piece.length) this.#send();
    }
    return true;
  }

  finish(): void {
    if (this.#filled > 0) this.#send();
    if (this.#isOver || this.#isEmpty) return;
    this.#isEmpty = true;
    this.#sounds.push(new SentSound(this.#options.sampleRate, 0));
    this.#waiting.push(0);
    this.#line?.finish();
  }

  end(): Promise<void> {
    if (this.#isOver) return Promise.resolve();
    this.finish();
    return new Promise((resolve, reject) => {
      this.#ending = { resolve, reject };
      this.#endIfAnswered();
    });
  }

  heard(isFinal: boolean, said: Said | undefined): void {
    this.#waitingFrames -= this.#waiting.shift() ?? 0;
    const sound = this.#sounds[0];
    const text = said?.text.replaceAll(/\s+/g, ' ').trim() ?? '';
    if (isFinal) this.#sounds.shift();
    if (said && sound && text !== '') {
      const words = wordsIn(said, sound);
      const startUs = words[0]?.start ?? sound.timeUs(0, 'begins');
      const endUs = words.at(-1)?.end ?? sound.timeUs(Infinity, 'ends');
      this.#options.onHeard({ text, isFinal, startUs, endUs, ...(words.length > 0 && { words }) });
    }
    this.#endIfAnswered();
  }

  lost(error: SluiceError): void {
    this.#end(error);
  }

  #send(): void {
    this.#line?.sound(this.#piece.slice(0, this.#filled), this.#options.sampleRate);
    this.#waiting.push(this.#filled);
    this.#waitingFrames += this.#filled;
    this.#filled = 0;
    this.#isEmpty = false;
  }

  #endIfAnswered(): void {
    if (this.#ending && this.#waiting.length === 0) this.#end();
  }

  readonly #abort = (): void => {
    this.#end(this.#options.signal.reason as Error);
  };

  /** It is over: all was told where there is no error. */
  #end(error?: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { signal, onFailed } = this.#options;
    signal.removeEventListener('abort', this.#abort);
    this.#line?.close();
    if (this.#ending && error) this.#ending.reject(error);
    else if (this.#ending) this.#ending.resolve();
    else if (error && !signal.aborted) onFailed(error);
  }
}

/** The words that parts make up, on the media clock. */
function wordsIn({ tokens, timestamps }: Said, sound: SentSound): TranscriptWord[] {
  const words: { text: string; startS: number; lastS: number }[] = [];
  const hasSpaces = tokens.some((token) => token.startsWith(' '));
  for (const [i, token] of tokens.entries()) {
    const atS = timestamps[i];
    if (atS === undefined) return [];
    const word = words.at(-1);
    if (word && hasSpaces && !token.startsWith(' ')) {
      word.text += token;
      word.lastS = atS;
    } else words.push({ text: token.trim(), startS: atS, lastS: atS });
  }
  return words.map(({ text, startS, lastS }, i) => ({
    text,
    start: sound.timeUs(startS, 'begins'),
    end: sound.timeUs(Math.min(lastS + LAST_PART_S, words[i + 1]?.startS ?? Infinity), 'ends'),
    isEstimated: true,
  }));
}
