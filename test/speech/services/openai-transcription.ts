import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Understood, sphinx } from '../sphinx.js';

/** How a request is answered, by the first part of its path. */
type Manner = (
  response: ServerResponse,
  understood: () => Promise<Understood>,
  request: TranscriptionRequest,
) => Promise<void> | void;

/** What OpenAI's API takes, without the file. */
export type TranscriptionRequest = Readonly<Record<string, string>>;

export interface OpenaiTranscriptionServer {
  /** A base URL where requests are answered in a manner. */
  url(manner?: keyof typeof MANNERS): string;
  /** What was asked, in order. */
  readonly requests: TranscriptionRequest[];
  readonly keys: (string | undefined)[];
  /** Requests that are neither answered nor given up. */
  readonly open: number;
  /** Lets go of connections that are kept for later requests. */
  rest(): void;
  close(): Promise<void>;
}

/** Speaks OpenAI's API for transcriptions with pocketsphinx's ears, on the loopback interface. */
export async function openaiTranscriptionServer(grammar: string): Promise<OpenaiTranscriptionServer> {
  const requests: TranscriptionRequest[] = [];
  const keys: (string | undefined)[] = [];
  const open = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    open.add(response);
    response.once('close', () => open.delete(response));
    answer(request, response).catch(() => response.destroy());
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, manner = '', ...path] = (request.url ?? '').split('/');
    const form = await formOf(request);
    if (path.join('/') !== 'v1/audio/transcriptions') {
      response.writeHead(404).end('not found');
      return;
    }
    const { file = '', ...asked } = Object.fromEntries(form);
    requests.push(asked);
    keys.push(request.headers.authorization);
    const wav = Buffer.from(file, 'latin1');
    const abort = new AbortController();
    response.once('close', () => {
      abort.abort(new Error('hung up'));
    });
    const isFailing = !(manner.endsWith('-once') && requests.length > 1);
    const how = isFailing ? MANNERS[manner as keyof typeof MANNERS] : MANNERS.well;
    await how(response, () => sphinx(wav, grammar, abort.signal), asked);
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

/** The fields of a multipart body (RFC 7578), as latin1. */
async function formOf(request: IncomingMessage): Promise<Map<string, string>> {
  let body = '';
  for await (const part of request.setEncoding('latin1')) body += String(part);
  const boundary = /boundary=(\S+)/.exec(request.headers['content-type'] ?? '')?.[1] ?? '';
  const fields = body
    .split(`--${boundary}`)
    .map((field) => /name="([^"]*)"[^]*?\r\n\r\n([^]*)\r\n$/.exec(field))
    .map((found) => [found?.[1] ?? '', found?.[2] ?? ''] as const);
  return new Map(fields.filter(([name]) => name !== ''));
}

const limited: Manner = (response) => {
  response.writeHead(429, { 'retry-after': '0.05', 'content-type': 'application/json' });
  response.end(JSON.stringify({ error: { message: 'Rate limit reached', code: 'rate_limit_exceeded' } }));
};
const broken: Manner = (response) => {
  response.writeHead(500).end('<html>oops</html>');
};

const MANNERS = {
  async well(response, understood, { response_format }) {
    const { text, words } = await understood();
    json(response, response_format === 'verbose_json' ? { text, words } : { text });
  },
  /** As whisper.cpp has it: words belong to segments, and begin with a blank. */
  async segments(response, understood) {
    const { text, words } = await understood();
    const blanked = words.map((word) => ({ ...word, word: ` ${word.word}` }));
    json(response, { text: ` ${text}\n`, segments: [{ id: 0, words: blanked }, { id: 1 }] });
  },
  async late(response, understood) {
    const { text } = await understood();
    json(response, { text, words: [{ word: text, start: -1, end: 3600 }] });
  },
  hanging: () => undefined,
  stuck: (response) => void response.writeHead(200, { 'content-type': 'application/json' }).write('{"text":'),
  async dying(response) {
    await new Promise((sent) => response.writeHead(200).write('{"text":"turn on', sent));
    response.destroy();
  },
  unreachable: (response) => void response.socket?.resetAndDestroy(),
  'unreachable-once': (response) => void response.socket?.resetAndDestroy(),
  refusing(response) {
    const { authorization = '' } = response.req.headers;
    response.writeHead(401, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ error: { message: `Incorrect API key provided: ${authorization.slice(7)}.` } }));
  },
  limited,
  'limited-once': limited,
  spent(response) {
    response.writeHead(429, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ error: { message: 'You exceeded your quota', code: 'insufficient_quota' } }));
  },
  broken,
  'broken-once': broken,
  html: (response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Welcome</html>'),
  other: (response) => {
    json(response, { status: 'queued' });
  },
  endless(response) {
    response.writeHead(200, { 'content-type': 'application/json' });
    const more = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536, ' ')));
    };
    more();
    response.on('drain', more);
  },
} satisfies Record<string, Manner>;

function json(response: ServerResponse, value: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}
