import { Readable } from 'node:stream';
import { audioData } from '../../media/audio-data.js';
import { SluiceError } from '../../media/errors.js';
import type { NodeContext } from '../../media/node.js';
import type { TextData } from '../../media/text.js';
import { PcmReader } from '../pcm-reader.js';
import { contentTypeOf, rateOf } from './content-type.js';
import { CLOSED, type Line, type LineListener } from './line.js';
import { SoundOutput } from './sound-output.js';

/** Sound that comes so much later than the sound before it ended is placed after a gap, in µs. */
const GAP_US = 200_000;

/** Texts that wait for a reader; of more the new ones are let go. */
const MOST_TEXTS = 64;

export interface ReceiverOptions {
  readonly context: NodeContext;
  readonly line: Line;
  /** Hz. */
  readonly sampleRate: number;
  /** Sound that may wait for its reader, in ms. */
  readonly maxLagMs: number;
  /** The peer says what it sends, before it sends any. */
  readonly isAnnounced: boolean;
  /** The connection is the only one: its end is that of the streams, and told. */
  readonly once: boolean;
  readonly onEnd?: (error: SluiceError) => void;
}

/** What comes over a line, as sound and as texts. */
export class Receiver implements LineListener {
  /** What nobody asked for is let go. */
  #sound: SoundOutput | undefined;
  #texts: Readable | undefined;
  readonly #options: ReceiverOptions;
  #pcm = new PcmReader();
  #isAnnounced: boolean;
  /** When the first sound came, on the clock; and where the next belongs, counted from there. */
  #startUs: number | undefined;
  #nextUs = 0;
  /** How it ended, before somebody asked for an output. */
  #end: { readonly error?: SluiceError } | undefined;

  constructor(options: ReceiverOptions) {
    this.#options = options;
    this.#isAnnounced = !options.isAnnounced;
  }

  /** What comes, from now on: `audio` or `text`. */
  output(port: string): Readable {
    const stream =
      port === 'audio'
        ? (this.#sound = new SoundOutput(this.#options.maxLagMs))
        : (this.#texts = new Readable({ objectMode: true, highWaterMark: MOST_TEXTS, read: () => undefined }));
    if (this.#end) this.#endOutputs(this.#end.error);
    return stream;
  }

  message(bytes: Buffer, isBinary: boolean): void {
    try {
      if (!this.#isAnnounced) this.#announced(bytes, isBinary);
      else if (isBinary) this.#takeSound(bytes);
      else this.#takeText(bytes.toString('utf8'));
    } catch (error) {
      this.#refuse(error as SluiceError);
    }
  }

  closed(code: number): void {
    this.#pcm = new PcmReader();
    this.#isAnnounced = !this.#options.isAnnounced;
    if (!this.#options.once) return;
    const isAgreed = code === CLOSED.normally || code === CLOSED.leaving || code === CLOSED.noStatus;
    this.#finish(lost(code), isAgreed);
  }

  /** This side has closed the line: its outputs end. */
  end(): void {
    if (this.#end) return;
    this.#end = {};
    this.#endOutputs(undefined);
  }

  #finish(error: SluiceError, isAgreed: boolean): void {
    if (this.#end) return;
    this.#end = isAgreed ? {} : { error };
    this.#endOutputs(this.#end.error);
    this.#options.onEnd?.(error);
  }

  #endOutputs(error: Error | undefined): void {
    const [sound, texts] = [this.#sound, this.#texts];
    if (error) {
      sound?.destroy(error);
      texts?.destroy(error);
      return;
    }
    sound?.finish();
    if (texts && !texts.destroyed && !texts.readableEnded) texts.push(null);
  }

  #announced(bytes: Buffer, isBinary: boolean): void {
    const rate = isBinary ? undefined : rateOf(bytes.toString('utf8'));
    const expected = contentTypeOf(this.#options.sampleRate);
    if (rate !== this.#options.sampleRate) {
      throw new SluiceError('SLUICE_PROTOCOL', 'a peer sends what is not expected, or does not say what', {
        found: rate === undefined ? 'no content-type of audio/l16 in its first message' : contentTypeOf(rate),
        expected,
        mend: 'Set sampleRate to what the peer sends.',
      });
    }
    this.#isAnnounced = true;
  }

  #takeSound(bytes: Buffer): void {
    const { context, sampleRate } = this.#options;
    const samples = this.#pcm.push(bytes);
    if (samples.length === 0) return;
    const nowUs = context.clock.nowUs();
    this.#startUs ??= nowUs;
    if (nowUs - this.#startUs - this.#nextUs > GAP_US) this.#nextUs = nowUs - this.#startUs;
    const timestamp = this.#nextUs;
    this.#nextUs += (samples.length * 1_000_000) / sampleRate;
    const sound = this.#sound;
    if (!sound || sound.destroyed || this.#end) return;
    if (!sound.give(audioData(samples, sampleRate, 1, timestamp))) context.dropped('reader too slow');
  }

  #takeText(text: string): void {
    const texts = this.#texts;
    if (!texts || texts.destroyed || this.#end) return;
    if (texts.readableLength >= MOST_TEXTS) this.#options.context.dropped('reader too slow');
    else texts.push({ kind: 'text', text, isFinal: true } satisfies TextData);
  }

  #refuse(error: SluiceError): void {
    const { context, line, once } = this.#options;
    context.log.warn({ err: error }, 'a peer is turned away');
    if (once) this.#finish(error, false);
    void line.close(CLOSED.unsupported, 'expected audio/l16');
  }
}

function lost(code: number): SluiceError {
  return new SluiceError('SLUICE_PEER_LOST', `the connection to a peer is over (code ${code})`, {
    retryable: true,
    mend:
      code === 1009 ? 'Its messages are too long.' : 'See what the peer says of it; `onError: restart` connects again.',
  });
}
