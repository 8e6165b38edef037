import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { wavHeader } from '../../../src/media/wav-header.js';
import { espeak } from '../spoken.js';

const RATE = 24_000;

/** How a request is answered, by the first part of its path. */
type Manner = (
  response: ServerResponse,
  sound: () => Promise<Int16Array>,
  request: SpeechRequest,
) => Promise<void> | void;

/** What OpenAI's API takes. */
export interface SpeechRequest {
  readonly input: string;
  readonly voice: string;
  readonly response_format: string;
  readonly [name: string]: unknown;
}

export interface OpenaiSpeechServer {
  /** A base URL where requests are answered in a manner. */
  url(manner?: keyof typeof MANNERS): string;
  /** What was asked, in order. */
  readonly requests: SpeechRequest[];
  readonly keys: (string | undefined)[];
  /** Requests that are neither answered nor given up. */
  readonly open: number;
  /** Lets go of connections that are kept for later requests. */
  rest(): void;
  close(): Promise<void>;
}

/** Speaks OpenAI's API for speech with espeak-ng's voice, on the loopback interface. */
export async function openaiSpeechServer(): Promise<OpenaiSpeechServer> {
  const requests: SpeechRequest[] = [];
  const keys: (string | undefined)[] = [];
  const open = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    open.add(response);
    response.once('close', () => open.delete(response));
    answer(request, response).catch(() => response.destroy());
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const part of request.setEncoding('utf8')) body += String(part);
    const [, manner = '', ...path] = (request.url ?? '').split('/');
    if (path.join('/') !== 'v1/audio/speech') {
      response.writeHead(404).end('not found');
      return;
    }
    const asked = JSON.parse(body) as SpeechRequest;
    requests.push(asked);
    keys.push(request.headers.authorization);
    const times = requests.filter(({ input }) => input === asked.input).length;
    const abort = new AbortController();
    response.once('close', () => {
      abort.abort(new Error('hung up'));
    });
    const isFailing = !(manner.endsWith('-once') && times > 1);
    const how = isFailing ? MANNERS[manner as keyof typeof MANNERS] : MANNERS.well;
    await how(response, () => espeak(asked.input, RATE, { signal: abort.signal }), asked);
  }

  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: (manner = 'well') => `http://127.0.0.1:${port}/${manner}/v1`,
    requests,
    keys,
    get open() {
      return open.size;
    },
    rest: () => {
      server.closeIdleConnections();
    },
    async close() {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
}

const limited: Manner = (response) => {
  response.writeHead(429, { 'retry-after': '0.05', 'content-type': 'application/json' });
  response.end(JSON.stringify({ error: { message: 'Rate limit reached', code: 'rate_limit_exceeded' } }));
};
const broken: Manner = (response) => {
  response.writeHead(500).end('<html>oops</html>');
};
const dying: Manner = async (response, sound) => {
  await write(response, bytesOf(await sound()).subarray(0, 20_000), 5000);
  response.destroy();
};

const MANNERS = {
  async well(response, sound, { response_format }) {
    const samples = bytesOf(await sound());
    response.writeHead(200, { 'content-type': response_format === 'wav' ? 'audio/wav' : 'audio/pcm' });
    if (response_format === 'wav') response.write(wavHeader(RATE, 1, samples.length));
    await write(response, samples, 4800);
    response.end();
  },
  async odd(response, sound) {
    await write(response, bytesOf(await sound()), 1001);
    response.end();
  },
  hanging: () => undefined,
  async stuck(response, sound) {
    await write(response, bytesOf(await sound()).subarray(0, 5001), 5001);
  },
  dying,
  'dying-once': dying,
  unreachable: (response) => void response.socket?.resetAndDestroy(),
  'unreachable-once': (response) => void response.socket?.resetAndDestroy(),
  refusing: (response, _sound) => {
    const { authorization = '' } = response.req.headers;
    response.writeHead(401, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ error: { message: `Incorrect API key provided: ${authorization.slice(7)}.` } }));
  },
  limited,
  'limited-once': limited,
  busy: (response) => {
    response.writeHead(429, { 'retry-after': '3600' }).end('later');
  },
  spent: (response) => {
    response.writeHead(429, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ error: { message: 'You exceeded your quota', code: 'insufficient_quota' } }));
  },
  broken,
  'broken-once': broken,
  silent: (response) => {
    response.writeHead(200, { 'content-type': 'audio/pcm' }).end();
  },
  async floats(response, sound) {
    const floats = Float32Array.from(await sound(), (sample) => sample / 32_768);
    await write(response, new Uint8Array(floats.buffer), 4801);
    response.end();
  },
  async 'float-wav'(response, sound) {
    const floats = Float32Array.from(await sound(), (sample) => sample / 32_768);
    const header = Buffer.from(wavHeader(RATE, 1, floats.byteLength));
    header.writeUInt16LE(3, 20);
    header.writeUInt16LE(32, 34);
    await write(response, Buffer.concat([header, new Uint8Array(floats.buffer)]), 4801);
    response.end();
  },
  mp3: (response) => {
    response.writeHead(200, { 'content-type': 'audio/mpeg' }).end(Buffer.from('ID3 and so on'));
  },
  json: (response) => {
    response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end('{"status":"queued"}');
  },
} satisfies Record<string, Manner>;

/** Writes in parts, each by itself on the wire, no faster than they are taken. */
async function write(response: ServerResponse, bytes: Uint8Array, length: number): Promise<void> {
  for (let at = 0; at < bytes.length && !response.destroyed; at += length) {
    if (response.write(bytes.subarray(at, at + length))) await turn();
    else await Promise.race([once(response, 'drain'), once(response, 'close')]);
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: Int16Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
