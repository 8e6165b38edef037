import { Duplex, Readable } from 'node:stream';
import type { AudioData } from '../media/audio-data.js';
import type { CaptionsData } from '../media/captions.js';
import type { NodeContext } from '../media/node.js';
import type { TextData } from '../media/text.js';
import type { Transcript } from '../media/transcript.js';
import { AudioPieces, type AudioPiecesFormat } from './audio-pieces.js';
import { SaidCaptions } from './said-captions.js';
import type { Synthesiser } from './synthesiser.js';
import { TextPieces } from './text-pieces.js';

export interface SpeakerOptions {
  /** Belongs to the speaker, who closes it. */
  readonly synthesiser: Synthesiser;
  readonly context: NodeContext;
  readonly format: AudioPiecesFormat;
  /** Silence after each text. */
  readonly pauseMs: number;
}

/** Text that waits to be said; of more, who writes it has to wait. In characters. */
const MAX_WAITING = 4000;
/** Captions that wait to be read; more are let go. */
const MAX_CAPTIONS = 64;

interface Text {
  readonly pieces: TextPieces;
  readonly captions: SaidCaptions;
}

/**
 * Texts and transcripts in, sound out, no faster than it is taken. A text that is not final is said together with those that follow, up
 * to one that is; of transcripts only final ones are said. A text that cannot be said is counted and logged, and the next one is tried.
 */
export class Speaker extends Duplex {
  readonly #options: SpeakerOptions;
  readonly #abort = new AbortController();
  readonly #pieces: AudioPieces;
  /** The text that is still written. */
  #open: Text | undefined;
  /** Texts that were not said yet. */
  #textsLeft = 0;
  #charactersLeft = 0;
  /** Settles when all texts so far have been said. */
  #saying: Promise<void> = Promise.resolve();
  /** Called when there is room for more text. */
  #taken: (() => void) | undefined;
  /** Called when the reader wants more. */
  #wanted: (() => void) | undefined;
  #words: Readable | undefined;

  constructor(options: SpeakerOptions) {
    super({ objectMode: true, readableHighWaterMark: 8, writableHighWaterMark: 1 });
    this.#options = options;
    this.#pieces = new AudioPieces(options.format);
  }

  /** Captions of what is said, each sentence when its sound comes out. */
  get words(): Readable {
    this.#words ??= new Readable({ objectMode: true, highWaterMark: MAX_CAPTIONS, read: () => undefined });
    return this.#words;
  }

  override _write(value: TextData | Transcript, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const { text, isFinal } = value;
    const isSaid =
      value.kind === 'text' ? this.#open !== undefined || text.trim() !== '' : isFinal && text.trim() !== '';
    if (!isSaid) {
      done();
      return;
    }
    const open = (this.#open ??= this.#begin());
    this.#charactersLeft += text.length;
    open.captions.written(text);
    open.pieces.write(text);
    if (isFinal) this.#complete();
    if (this.#charactersLeft <= MAX_WAITING) done();
    else this.#taken = done;
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#complete();
    void this.#saying.then(() => {
      this.#words?.push(null);
      this.push(null);
      done();
    });
  }

  override _read(): void {
    const wanted = this.#wanted;
    this.#wanted = undefined;
    wanted?.();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#abort.abort(error ?? new Error('the node has ended'));
    if (this.#textsLeft > 0) this.#options.context.dropped('not said', this.#textsLeft);
    this.#open?.pieces.abandon();
    this._read();
    void this.#saying
      .then(() => this.#options.synthesiser.close?.())
      .catch(() => undefined)
      .then(() => {
        this.#pieces.close();
        // Captions that wait are read after the end.
        if (!this.readableEnded) this.#words?.destroy();
        done(error);
      });
  }

  #begin(): Text {
    const pieces = new TextPieces((characters) => {
      this.#charactersLeft -= characters;
      if (this.#charactersLeft > MAX_WAITING) return;
      const taken = this.#taken;
      this.#taken = undefined;
      taken?.();
    });
    const text = { pieces, captions: new SaidCaptions() };
    this.#textsLeft++;
    this.#saying = this.#saying.then(() => this.#say(text));
    return text;
  }

  #complete(): void {
    this.#open?.captions.ended();
    this.#open?.pieces.end();
    this.#open = undefined;
  }

  /** Never rejects. */
  async #say({ pieces, captions }: Text): Promise<void> {
    if (this.destroyed) return;
    const { synthesiser, context, pauseMs } = this.#options;
    const begunUs = context.clock.nowUs();
    let isHeard = false;
    try {
      await synthesiser.say(
        pieces,
        {
          onAudio: async (samples, format) => {
            if (!isHeard) context.measured('first audio', (context.clock.nowUs() - begunUs) / 1000);
            isHeard = true;
            this.#tell(captions.heard());
            await this.#give(await this.#pieces.push(samples, format));
          },
          onText: (characters) => {
            captions.said(characters);
          },
        },
        this.#abort.signal,
      );
      captions.said(Infinity);
      this.#tell(captions.heard());
    } catch (error) {
      if (this.#isOver()) return;
      context.dropped('not said');
      context.log.warn({ err: error }, 'a text was not said');
    } finally {
      pieces.abandon();
    }
    this.#textsLeft--;
    await this.#give(this.#pieces.end(pauseMs));
  }

  /** It may become so while one waits. */
  #isOver(): boolean {
    return this.destroyed;
  }

  #tell(captions: readonly CaptionsData[]): void {
    const words = this.#words;
    if (!words || words.destroyed) return;
    for (const one of captions) {
      if (words.readableLength < MAX_CAPTIONS) words.push(one);
      else this.#options.context.dropped('captions not taken');
    }
  }

  /** Hands chunks on, as fast as they are taken. */
  async #give(chunks: readonly AudioData[]): Promise<void> {
    for (const chunk of chunks) {
      if (this.#isOver()) return;
      if (this.push(chunk)) continue;
      await new Promise<void>((resolve) => {
        this.#wanted = resolve;
      });
    }
  }
}
