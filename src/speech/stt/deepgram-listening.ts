import { type RawData, WebSocket } from 'ws';
import { z } from 'zod';
import type { AudioData } from '../../media/audio-data.js';
import { SluiceError } from '../../media/errors.js';
import type { Heard, ListenOptions, Listening } from '../recogniser.js';
import { SentSound } from '../sent-sound.js';
import { MAX_RETRIES, breakage, complaintIn, lateness, retrying } from '../service-failure.js';
import { closeSocket, dialService } from '../service-socket.js';

const Message = z.object({ type: z.string() });
const Results = z.object({
  /** Seconds of the sound that was sent over the connection. */
  start: z.number(),
  duration: z.number(),
  is_final: z.boolean().nullish(),
  channel: z.object({
    alternatives: z.array(
      z.object({
        transcript: z.string(),
        words: z
          .array(
            z.object({ word: z.string(), punctuated_word: z.string().nullish(), start: z.number(), end: z.number() }),
          )
          .nullish(),
      }),
    ),
  }),
});

/** The service closes what was silent for 10 s; it is told after so long that somebody is there, in ms. */
const KEEP_ALIVE_MS = 4000;
/** Sound that the network does not take is not piled up further than this, in bytes: ten seconds at 48 kHz. */
const MAX_UNSENT_BYTES = 960_000;
/** It closes with that where the sound cannot be read, which no second try would change. */
const UNREADABLE = /DATA-0000/;

export interface DeepgramRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly secret?: string | undefined;
  readonly keepMs: number;
  readonly timeoutMs: number;
}

/**
 * One speaker, over one socket at a time (developers.deepgram.com, live audio). When that breaks, what is not final yet is sent again
 * over a new one; after three that gave nothing it is over.
 */
export class DeepgramListening implements Listening {
  readonly #request: DeepgramRequest;
  readonly #options: ListenOptions;
  readonly #sound: SentSound;
  #socket: WebSocket | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** When it last gave a sign of life, on the clock of the process, in ms. */
  #aliveMs = 0;
  #isQuiet = true;
  /** Connections since the last that gave something. */
  #fruitless = 0;
  /** What still has to be said to the service, when there is a connection. */
  #isFinishing = false;
  #isOver = false;
  #ending: { resolve: () => void; reject: (error: Error) => void } | undefined;

  constructor(request: DeepgramRequest, options: ListenOptions) {
    this.#request = request;
    this.#options = options;
    this.#sound = new SentSound(options.sampleRate, request.keepMs);
  }

  /** Settles when it is connected. Errors as those of a StreamingRecogniser. */
  async open(): Promise<void> {
    const { signal } = this.#options;
    signal.addEventListener('abort', this.#abort, { once: true });
    try {
      await this.#connect();
    } catch (error) {
      this.#isOver = true;
      signal.removeEventListener('abort', this.#abort);
      throw error;
    }
  }

  write(chunk: AudioData): boolean {
    const socket = this.#socket;
    if (this.#isOver || (socket ? socket.bufferedAmount > MAX_UNSENT_BYTES : this.#sound.isFull)) return false;
    if (chunk.numberOfFrames === 0) return true;
    this.#sound.add(chunk);
    if (socket) this.#send(socket, bytesOf(chunk));
    return true;
  }

  finish(): void {
    if (this.#socket) this.#say(this.#socket, 'Finalize');
    else this.#isFinishing = true;
  }

  end(): Promise<void> {
    if (this.#isOver) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#ending = { resolve, reject };
      if (this.#socket) this.#close(this.#socket);
    });
  }

  readonly #abort = (): void => {
    this.#end(this.#options.signal.reason as Error);
  };

  async #connect(): Promise<void> {
    const { signal } = this.#options;
    const socket = await retrying(signal, () => dialService({ ...this.#request, signal }));
    if (this.#isOver) {
      await closeSocket(socket);
      signal.throwIfAborted();
    }
    this.#socket = socket;
    socket.on('message', (data, isBinary) => {
      this.#alive();
      if (!isBinary && socket === this.#socket) this.#take(data);
    });
    socket.on('pong', () => {
      // At the end the rest is owed.
      if (!this.#ending) this.#alive();
    });
    socket.on('close', (code, reason) => {
      if (socket === this.#socket) this.#closed(code, complaintIn(reason.toString(), this.#request.secret));
    });
    this.#alive();
    for (const chunk of this.#sound.again()) this.#send(socket, bytesOf(chunk));
    if (this.#isFinishing) this.#say(socket, 'Finalize');
    this.#isFinishing = false;
    this.#watch(socket, Math.min(KEEP_ALIVE_MS, this.#request.timeoutMs / 2));
    if (this.#ending) this.#close(socket);
    socket.resume();
  }

  #send(socket: WebSocket, bytes: Uint8Array): void {
    this.#isQuiet = false;
    socket.send(bytes);
  }

  #say(socket: WebSocket, type: 'Finalize' | 'KeepAlive' | 'CloseStream'): void {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type }));
  }

  #alive(): void {
    this.#aliveMs = performance.now();
  }

  /** Looks now and then whether the service is still there, and tells it that we are. */
  #watch(socket: WebSocket, everyMs: number): void {
    this.#timer = setTimeout(() => {
      const { url, timeoutMs } = this.#request;
      if (performance.now() - this.#aliveMs > timeoutMs) {
        this.#lost(lateness(url, timeoutMs));
        return;
      }
      if (this.#isQuiet && !this.#ending) this.#say(socket, 'KeepAlive');
      this.#isQuiet = true;
      socket.ping();
      this.#watch(socket, everyMs);
    }, everyMs);
  }

  /** Asks for the rest; the service then closes by itself. */
  #close(socket: WebSocket): void {
    this.#say(socket, 'CloseStream');
    this.#alive();
  }

  #take(data: RawData): void {
    let value: unknown;
    try {
      value = JSON.parse((data as Buffer).toString('utf8'));
    } catch {
      value = undefined;
    }
    const type = Message.safeParse(value).data?.type;
    if (type === 'Error') this.#lost(breakage(this.#request, complaintIn(JSON.stringify(value), this.#request.secret)));
    const results = type === 'Results' ? Results.safeParse(value).data : undefined;
    if (results) this.#tell(results);
    else if (type === undefined || type === 'Results') this.#end(unreadable());
    // The rest of what it can say is not asked for.
  }

  #tell({ start, duration, is_final, channel }: z.output<typeof Results>): void {
    this.#fruitless = 0;
    const isFinal = is_final === true;
    const [best] = channel.alternatives;
    const text = best?.transcript.trim() ?? '';
    if (best && text !== '')
      this.#options.onHeard(this.#heard(text, isFinal, start, start + duration, best.words ?? []));
    if (isFinal) this.#sound.settle(start + duration);
  }

  #heard(
    text: string,
    isFinal: boolean,
    start: number,
    end: number,
    told: readonly { word: string; punctuated_word?: string | null | undefined; start: number; end: number }[],
  ): Heard {
    const words = told.map(({ word, punctuated_word, start: begins, end: ends }) => ({
      text: punctuated_word ?? word,
      start: this.#sound.timeUs(begins, 'begins'),
      end: this.#sound.timeUs(ends, 'ends'),
    }));
    return {
      text,
      isFinal,
      startUs: words[0]?.start ?? this.#sound.timeUs(start, 'begins'),
      endUs: words.at(-1)?.end ?? this.#sound.timeUs(end, 'ends'),
      ...(words.length > 0 && { words }),
    };
  }

  #closed(code: number, reason: string): void {
    const isWhole = this.#ending !== undefined && code === 1000;
    if (isWhole) this.#end();
    else if (UNREADABLE.test(reason)) this.#end(unusable(reason));
    else this.#lost(breakage(this.#request, `closed with ${code} ${reason}`.trim()));
  }

  /** There is no connection any more; a new one is made, unless too many gave nothing. */
  #lost(error: SluiceError): void {
    if (this.#isOver) return;
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.terminate();
    if (this.#fruitless++ >= MAX_RETRIES) {
      this.#end(error);
      return;
    }
    this.#connect().catch((failure: unknown) => {
      this.#end(failure as Error);
    });
  }

  /** It is over: all was told where there is no error. */
  #end(error?: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { signal, onFailed } = this.#options;
    signal.removeEventListener('abort', this.#abort);
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = undefined;
    void (socket ? closeSocket(socket) : Promise.resolve()).then(() => {
      if (this.#ending && error) this.#ending.reject(error);
      else if (this.#ending) this.#ending.resolve();
      else if (error && !signal.aborted) onFailed(error);
    });
  }
}

function bytesOf({ data: { buffer, byteOffset, byteLength } }: AudioData): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function unreadable(): SluiceError {
  return new SluiceError('SLUICE_SPEECH_FAILED', 'a service sent what cannot be read', {
    expected: 'JSON with results',
    mend: 'See that baseUrl is that of Deepgram, or of a server that speaks its API.',
    retryable: false,
  });
}

function unusable(found: string): SluiceError {
  return new SluiceError('SLUICE_SERVICE_REFUSED', 'Deepgram cannot read the sound', {
    found,
    mend: 'See that baseUrl is that of Deepgram, or of a server that speaks its API.',
    retryable: false,
  });
}
