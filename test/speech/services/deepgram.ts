import { once } from 'node:events';
import { type IncomingMessage, createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { concatSamples, peak } from '../../../src/media/pcm.js';
import { utteranceWav } from '../../../src/speech/utterances.js';
import { utterance } from '../spoken.js';
import { sphinx } from '../sphinx.js';

const RATE = 16_000;
/** Silence that makes a text final, and sound between texts that are not. */
const ENDPOINT_FRAMES = 0.4 * RATE;
const INTERIM_FRAMES = 0.5 * RATE;
const LOUD = 600;

export interface DeepgramServer {
  /** A base URL where sockets are treated in a manner. */
  url(manner?: Manner): string;
  /** Queries and keys of the sockets that were asked for, in order. */
  readonly asked: { readonly query: URLSearchParams; readonly key: string | undefined }[];
  /** Types of the messages that came. */
  readonly messages: string[];
  /** Seconds of sound that came over each socket. */
  readonly seconds: number[];
  readonly open: number;
  close(): Promise<void>;
}

type Manner = keyof typeof MANNERS;

/** What is wrong with a service. */
interface Fault {
  /** Answers so instead of opening a socket. */
  readonly refuses?: { readonly status: string; readonly headers?: string; readonly body: string };
  /** Never answers. */
  readonly hangs?: boolean;
  /** Opens, and gives no sign of life. */
  readonly isMute?: boolean;
  /** Breaks when it has got that much sound, with a code or without. */
  readonly breaksAfterS?: number;
  readonly closesWith?: readonly [code: number, reason: string];
  /** Sends that as soon as sound comes. */
  readonly sends?: string;
  /** Of all sockets only the first few. */
  readonly times?: number;
}

const limited = {
  status: '429 Too Many Requests',
  headers: 'retry-after: 0.05\r\n',
  body: '{"err_code":"TOO_MANY_REQUESTS","err_msg":"Too many requests. Please try again later"}',
};
const MANNERS = {
  well: {},
  refusing: {
    refuses: { status: '401 Unauthorized', body: '{"err_code":"INVALID_AUTH","err_msg":"Invalid credentials."}' },
  },
  limited: { refuses: limited },
  'limited-once': { refuses: limited, times: 1 },
  broken: { refuses: { status: '500 Internal Server Error', body: '<html>oops</html>' } },
  hanging: { hangs: true },
  mute: { isMute: true },
  dying: { breaksAfterS: 0.5 },
  'dying-once': { breaksAfterS: 3.3, times: 1 },
  'dying-thrice': { breaksAfterS: 0.5, times: 3 },
  bored: { breaksAfterS: 0.5, closesWith: [1011, 'NET-0001'] },
  unreadable: { breaksAfterS: 0.5, closesWith: [1008, 'DATA-0000'] },
  html: { sends: '<html>Welcome</html>' },
  odd: { sends: '{"type":"Results","start":"soon"}' },
  failing: { sends: '{"type":"Error","description":"Something went wrong","variant":"internal"}' },
} satisfies Record<string, Fault>;

/** Speaks Deepgram's API for live sound with pocketsphinx's ears, on the loopback interface. */
export async function deepgramServer(grammar: string): Promise<DeepgramServer> {
  const asked: DeepgramServer['asked'] = [];
  const [messages, seconds]: [string[], number[]] = [[], []];
  const sockets = new WebSocketServer({ noServer: true, autoPong: false });
  const raw = new Set<Socket>();
  const server = createServer().on('connection', (socket: Socket) => {
    raw.add(socket);
    socket.once('close', () => raw.delete(socket));
  });
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    const [, manner = '', ...path] = (request.url ?? '').split('/');
    const { pathname, searchParams: query } = new URL(`http://x/${path.join('/')}`);
    socket.on('error', () => undefined);
    if (pathname !== '/v1/listen') return void socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n');
    asked.push({ query, key: request.headers.authorization });
    const index = seconds.push(0) - 1;
    const fault: Fault = MANNERS[manner as Manner];
    const how: Fault = index >= (fault.times ?? Infinity) ? {} : fault;
    if (how.hangs) return void socket.resume().once('end', () => socket.destroy());
    if (how.refuses) {
      const { status, headers = '', body } = how.refuses;
      socket.end(`HTTP/1.1 ${status}\r\n${headers}connection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (accepted) => {
      serve(
        accepted,
        how,
        grammar,
        (type) => messages.push(type),
        (heard) => (seconds[index]! += heard),
      );
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: (manner = 'well') => `ws://127.0.0.1:${port}/${manner}/v1`,
    asked,
    messages,
    seconds,
    get open() {
      return raw.size;
    },
    async close() {
      for (const socket of raw) socket.destroy();
      await once(server.close(), 'close');
      // Its handle is closed at the end of a turn of the event loop, and gone in the next one.
      await turn();
      await turn();
    },
  };
}

function serve(
  socket: WebSocket,
  fault: Fault,
  grammar: string,
  onMessage: (type: string) => void,
  onSound: (seconds: number) => void,
): void {
  if (fault.isMute) return;
  const ears = new Ears(grammar, (results) => {
    socket.send(JSON.stringify(results));
  });
  socket.on('ping', (data) => {
    socket.pong(data);
  });
  socket.on('close', () => {
    ears.close();
  });
  let frames = 0;
  socket.on('message', (data: RawData, isBinary) => {
    if (isBinary) {
      const bytes = Buffer.from(data as Buffer);
      const samples = new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
      frames += samples.length;
      onSound(samples.length / RATE);
      if (fault.sends !== undefined) socket.send(fault.sends);
      if (fault.breaksAfterS !== undefined && frames >= fault.breaksAfterS * RATE) {
        if (fault.closesWith) socket.close(...fault.closesWith);
        else socket.terminate();
      } else ears.hear(samples);
      return;
    }
    const { type } = JSON.parse((data as Buffer).toString()) as { type: string };
    onMessage(type);
    if (type === 'Finalize') ears.give({ isFinal: true, from_finalize: true });
    if (type !== 'CloseStream') return;
    ears.give({ isFinal: true });
    void ears.idle.then(() => {
      socket.send(JSON.stringify({ type: 'Metadata', channels: 1 }));
      socket.close(1000);
    });
  });
}

/** Gives results for the sound of one socket. */
class Ears {
  idle: Promise<void> = Promise.resolve();
  readonly #grammar: string;
  readonly #send: (results: object) => void;
  readonly #abort = new AbortController();
  #parts: Int16Array[] = [];
  /** In all, where what is not final begins, and since the last result that was not. */
  #frames = 0;
  #from = 0;
  #unheard = 0;
  #silent = 0;
  #isSpeech = false;

  constructor(grammar: string, send: (results: object) => void) {
    this.#grammar = grammar;
    this.#send = send;
  }

  hear(samples: Int16Array): void {
    this.#parts.push(samples);
    this.#frames += samples.length;
    this.#unheard += samples.length;
    const isLoud = peak(samples) > LOUD;
    this.#isSpeech ||= isLoud;
    this.#silent = isLoud ? 0 : this.#silent + samples.length;
    if (this.#isSpeech && this.#silent >= ENDPOINT_FRAMES) this.give({ isFinal: true, speech_final: true });
    else if (this.#isSpeech && this.#unheard >= INTERIM_FRAMES) this.give({ isFinal: false });
  }

  /** Everything since the last final result as one more. */
  give({ isFinal, ...more }: { isFinal: boolean; from_finalize?: boolean; speech_final?: boolean }): void {
    const [samples, start] = [concatSamples(this.#parts), this.#from / RATE];
    this.#unheard = 0;
    if (isFinal) {
      this.#from = this.#frames;
      this.#parts = [];
      this.#isSpeech = false;
    }
    this.idle = this.idle
      .then(() => sphinx(utteranceWav(utterance(samples)), this.#grammar, this.#abort.signal))
      .then(({ text, words }) => {
        const placed = words.map(({ word, start: begins, end }) => ({ word, start: start + begins, end: start + end }));
        const channel = { alternatives: [{ transcript: text, confidence: 1, words: placed }] };
        const duration = samples.length / RATE;
        this.#send({ type: 'Results', channel_index: [0, 1], start, duration, is_final: isFinal, ...more, channel });
      })
      .catch(() => undefined);
  }

  close(): void {
    this.#abort.abort(new Error('hung up'));
  }
}
