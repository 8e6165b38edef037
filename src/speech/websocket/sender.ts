import { Writable } from 'node:stream';
import type { AudioData } from '../../media/audio-data.js';
import type { ClockTimer } from '../../media/clock.js';
import type { NodeContext } from '../../media/node.js';
import type { TextData } from '../../media/text.js';
import { type Line, MAX_MESSAGE_BYTES } from './line.js';

/** What a message of sound holds, and how often one is sent. */
const FRAME_MS = 20;
/** What is less than a frame is sent with silence behind it when nothing has followed for so long, in ms. */
const PAUSE_MS = 40;

export interface SenderOptions {
  readonly context: NodeContext;
  readonly line: Line;
  /** Hz. */
  readonly sampleRate: number;
  /** Sound that may wait for a slow peer, in ms. */
  readonly maxLagMs: number;
}

/** Sound to a peer, 20 ms a message and no faster than it lasts. What nobody is there to hear is let go, in its time. */
export class SoundSender extends Writable {
  readonly #options: SenderOptions;
  readonly #frameSize: number;
  /** The frame that is being filled; sent ones belong to the socket. */
  #frame: Int16Array;
  #filled = 0;
  /** When the next frame may go. */
  #dueUs = 0;
  #timer: ClockTimer | undefined;

  constructor(options: SenderOptions) {
    super({ objectMode: true, highWaterMark: 1 });
    this.#options = options;
    this.#frameSize = (options.sampleRate * FRAME_MS) / 1000;
    this.#frame = new Int16Array(this.#frameSize);
  }

  override _write(audio: AudioData, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#timer?.cancel();
    this.#take(audio.data, 0, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#timer?.cancel();
    this.#sendRest();
    // The last frame is heard to its end.
    const { clock } = this.#options.context;
    this.#timer = clock.after(Math.max(0, this.#dueUs - clock.nowUs()) / 1000, done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#timer?.cancel();
    done(error);
  }

  #take(data: Int16Array, from: number, done: () => void): void {
    const { clock } = this.#options.context;
    for (let at = from; at < data.length;) {
      const waitUs = this.#dueUs - clock.nowUs();
      if (waitUs > 0 && this.#filled + data.length - at >= this.#frameSize) {
        const rest = at;
        this.#timer = clock.after(waitUs / 1000, () => {
          this.#take(data, rest, done);
        });
        return;
      }
      const count = Math.min(this.#frameSize - this.#filled, data.length - at);
      this.#frame.set(data.subarray(at, at + count), this.#filled);
      this.#filled += count;
      at += count;
      if (this.#filled === this.#frameSize) this.#send();
    }
    if (this.#filled > 0) this.#timer = clock.after(PAUSE_MS, this.#sendRest);
    done();
  }

  readonly #sendRest = (): void => {
    if (this.#filled === 0) return;
    this.#frame.fill(0, this.#filled);
    this.#send();
  };

  #send(): void {
    const { context, line, maxLagMs, sampleRate } = this.#options;
    const nowUs = context.clock.nowUs();
    // Who was late does not send faster after that.
    this.#dueUs = (nowUs - this.#dueUs > FRAME_MS * 1000 ? nowUs : this.#dueUs) + FRAME_MS * 1000;
    this.#filled = 0;
    const frame = this.#frame;
    if (!line.isOpen) context.dropped('nobody is connected');
    else if (line.waiting > (maxLagMs * sampleRate * 2) / 1000) context.dropped('peer too slow');
    else {
      line.send(new Uint8Array(frame.buffer));
      this.#frame = new Int16Array(this.#frameSize);
    }
  }
}

/** Texts to a peer, as they are. */
export function textSender({ context, line }: SenderOptions): Writable {
  return new Writable({
    objectMode: true,
    highWaterMark: 1,
    write({ text }: TextData, _encoding, done) {
      if (!line.isOpen) context.dropped('nobody is connected');
      else if (line.waiting > MAX_MESSAGE_BYTES) context.dropped('peer too slow');
      else line.send(text);
      done();
    },
  });
}
