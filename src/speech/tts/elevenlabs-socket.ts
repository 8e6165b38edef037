import { type RawData, WebSocket } from 'ws';
import { z } from 'zod';
import { SluiceError } from '../../media/errors.js';
import { AlignedWords } from '../aligned-words.js';
import type { EngineContext } from '../engine.js';
import { PcmReader } from '../pcm-reader.js';
import { ServiceFailure, breakage, complaintIn, lateness } from '../service-failure.js';
import { closeSocket, dialService } from '../service-socket.js';
import { serviceUrl } from '../service-url.js';
import type { SpeechListener } from '../synthesiser.js';
import { untilAborted } from '../until-aborted.js';
import { silentVoice } from '../voice-failure.js';
import { wordsOf } from '../words.js';

/** Messages that wait to be handed over; then the service is held back. */
const MAX_WAITING = 4;
/** How long the service keeps a socket over which no text comes, in seconds; the longest that it allows. */
const INACTIVITY_S = 180;

const Times = z.object({
  chars: z.array(z.string()),
  charStartTimesMs: z.array(z.number()),
  charDurationsMs: z.array(z.number()).optional(),
  charsDurationsMs: z.array(z.number()).optional(),
});
const Message = z.object({
  audio: z.base64().nullish(),
  isFinal: z.boolean().nullish(),
  alignment: Times.nullish(),
  error: z.string().nullish(),
  message: z.string().nullish(),
});

/** Codes of errors after which the same may work later. */
const LATER = /rate_limit|concurrent|busy|too_many|timeout|internal|unavailable/;

/** What is asked for. */
export interface ElevenlabsRequest {
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly voice: string;
  readonly model: string;
  readonly language?: string | undefined;
  readonly stability?: number | undefined;
  readonly similarity?: number | undefined;
  readonly speed?: number | undefined;
  /** Hz. */
  readonly pcmSampleRate: number;
  /** How long the service may give nothing that it owes, in ms. */
  readonly timeoutMs: number;
}

/** One text over one socket. */
export class ElevenlabsSocket {
  readonly #options: ElevenlabsRequest;
  readonly #listener: SpeechListener;
  readonly #context: EngineContext;
  readonly #words = new AlignedWords();
  readonly #reader = new PcmReader();
  readonly #waiting: RawData[] = [];
  readonly #stop = new AbortController();
  /** Of the sound that was handed over. */
  #frames = 0;
  /** All of the text has been sent. */
  #isWhole = false;
  /** All of the sound has come. */
  #isFinal = false;
  /** It was closed, which counts when all that came before has been handed over. */
  #closing: SluiceError | undefined;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ElevenlabsRequest, listener: SpeechListener, context: EngineContext) {
    this.#options = options;
    this.#listener = listener;
    this.#context = context;
  }

  /** Errors: a ServiceFailure where nothing was heard yet, a SluiceError afterwards; the signal's reason, and what the text and the listener throw. */
  async say(text: AsyncIterable<string>, signal: AbortSignal): Promise<void> {
    const coming = untilAborted(text, this.#stop.signal);
    const end = (): void => {
      this.#giveUp(signal.reason as Error);
    };
    signal.addEventListener('abort', end, { once: true });
    let socket: WebSocket | undefined;
    try {
      // Without text there is nothing to connect for.
      let head = '';
      for (let next = await coming.next(); next.done !== true; next = await coming.next())
        if ((head += next.value).trim() !== '') break;
      if (head.trim() === '') return;
      socket = await this.#connect();
      this.#send(socket, { text: ' ', ...settingsOf(this.#options) });
      const sending = this.#write(socket, head, coming);
      await Promise.all([sending, this.#read(socket)]);
    } catch (error) {
      throw this.#failure ?? error;
    } finally {
      signal.removeEventListener('abort', end);
      clearTimeout(this.#timer);
      this.#stop.abort();
      if (socket) await closeSocket(socket);
    }
  }

  async #connect(): Promise<WebSocket> {
    const { baseUrl, voice, model, language, pcmSampleRate, apiKey, timeoutMs } = this.#options;
    const query = new URLSearchParams({
      model_id: model,
      output_format: `pcm_${pcmSampleRate}`,
      auto_mode: 'true',
      inactivity_timeout: String(INACTIVITY_S),
      ...(language !== undefined && { language_code: language }),
    });
    const socket = await dialService({
      url: serviceUrl(baseUrl, `/text-to-speech/${encodeURIComponent(voice)}/stream-input?${query.toString()}`),
      headers: { 'xi-api-key': apiKey },
      timeoutMs,
      signal: this.#stop.signal,
      secret: apiKey,
    });
    socket.on('message', (data) => {
      this.#waiting.push(data);
      if (this.#waiting.length >= MAX_WAITING) socket.pause();
      this.#wake?.();
    });
    socket.on('close', (code, reason) => {
      const why = `closed with ${code} ${complaintIn(reason.toString(), apiKey)}`.trim();
      this.#closing = breakage({ url: baseUrl, secret: apiKey }, why);
      this.#wake?.();
    });
    socket.resume();
    return socket;
  }

  /** Sends text as it comes. Errors: those of the text. */
  async #write(socket: WebSocket, head: string, rest: AsyncIterable<string>): Promise<void> {
    try {
      this.#sendText(socket, head);
      for await (const piece of rest) this.#sendText(socket, piece);
    } catch (error) {
      this.#giveUp(error as Error);
      throw error;
    }
    this.#isWhole = true;
    // What is still to be said is said now.
    this.#send(socket, { text: '' });
    this.#expect();
  }

  #sendText(socket: WebSocket, piece: string): void {
    this.#words.written(piece);
    if (piece !== '') this.#send(socket, { text: piece });
  }

  #send(socket: WebSocket, message: object): void {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
  }

  /** Hands over what comes, until all has. */
  async #read(socket: WebSocket): Promise<void> {
    const begunUs = this.#context.clock.nowUs();
    let isFirst = true;
    while (!this.#isFinal) {
      await this.#until(() => this.#waiting.length > 0);
      if (isFirst) this.#context.measured('first byte', (this.#context.clock.nowUs() - begunUs) / 1000);
      isFirst = false;
      const data = this.#waiting.shift();
      if (this.#waiting.length < MAX_WAITING) socket.resume();
      if (data) await this.#take(data);
    }
    const rest = this.#words.end();
    if (rest.length > 0) this.#listener.onWords?.(rest);
    if (this.#frames === 0 && wordsOf(this.#words.text).length > 0) this.#fail(silentVoice());
    if (this.#failure) throw this.#failure;
    this.#listener.onText?.(this.#words.text.length);
  }

  async #take(data: RawData): Promise<void> {
    const { audio, isFinal, alignment, error, message } = this.#parse(data);
    if (typeof error === 'string') {
      this.#fail(this.#refusal(error, message ?? ''));
      return;
    }
    const { pcmSampleRate: sampleRate } = this.#options;
    const fromUs = (this.#frames * 1e6) / sampleRate;
    const samples = typeof audio === 'string' ? this.#reader.push(Buffer.from(audio, 'base64')) : new Int16Array(0);
    if (alignment) {
      const words = this.#words.push(
        {
          characters: alignment.chars,
          startsMs: alignment.charStartTimesMs,
          durationsMs: alignment.charDurationsMs ?? alignment.charsDurationsMs ?? [],
        },
        fromUs,
      );
      if (words.length > 0) this.#listener.onWords?.(words);
    }
    if (samples.length > 0) {
      this.#frames += samples.length;
      clearTimeout(this.#timer);
      await this.#listener.onAudio(samples, { sampleRate, numberOfChannels: 1 });
    }
    if (this.#failure) throw this.#failure;
    if (alignment) this.#listener.onText?.(this.#words.characters);
    // Nothing is over of which the service does not have all.
    this.#isFinal = isFinal === true && this.#isWhole;
    if (this.#isWhole && !this.#isFinal) this.#expect();
  }

  #parse(data: RawData): z.output<typeof Message> {
    try {
      return Message.parse(JSON.parse((data as Buffer).toString('utf8')));
    } catch (cause) {
      throw new SluiceError('SLUICE_SPEECH_FAILED', 'a voice sent what cannot be read', {
        cause,
        expected: 'JSON with audio in base64',
        mend: 'See that baseUrl is that of ElevenLabs, or of a server that speaks its API.',
        retryable: false,
      });
    }
  }

  #refusal(code: string, message: string): ServiceFailure {
    const { apiKey } = this.#options;
    return new ServiceFailure(
      new SluiceError(
        'SLUICE_SERVICE_REFUSED',
        `ElevenLabs refused a text: ${complaintIn(`${message} (${code})`, apiKey)}`,
        {
          retryable: LATER.test(code),
          mend: 'Check the key, the voice, the model and the quota.',
        },
      ),
    );
  }

  /** From now on something is owed. */
  #expect(): void {
    const { baseUrl, timeoutMs } = this.#options;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#fail(lateness(baseUrl, timeoutMs));
    }, timeoutMs);
  }

  /** The service failed. Before anything was heard it may be tried again. */
  #fail(error: SluiceError | ServiceFailure): void {
    const inner = error instanceof ServiceFailure ? error.error : error;
    if (this.#frames > 0) this.#giveUp(inner);
    else this.#giveUp(error instanceof ServiceFailure ? error : new ServiceFailure(inner));
  }

  /** What came first counts. */
  #giveUp(error: Error): void {
    this.#failure ??= error;
    this.#stop.abort(this.#failure);
    this.#wake?.();
  }

  async #until(isSo: () => boolean): Promise<void> {
    while (!this.#failure && !isSo()) {
      if (this.#closing) {
        this.#fail(this.#closing);
        break;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#failure) throw this.#failure;
  }
}

function settingsOf({ stability, similarity, speed }: ElevenlabsRequest): object {
  return { voice_settings: { stability, similarity_boost: similarity, speed } };
}
