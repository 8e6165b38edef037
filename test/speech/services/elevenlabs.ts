import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { SentenceSplitter } from '../../../src/speech/sentences.js';
import { espeak } from '../spoken.js';

const RATE = 24_000;
/** Parts of a sentence's sound, each a message. */
const PARTS = 3;

/** How a socket is answered, by the first part of its path. */
export type Manner =
  | 'well'
  | 'odd'
  | 'hanging'
  | 'stuck'
  | 'dying'
  | 'dying-once'
  | 'early'
  | 'silent'
  | 'floats'
  | 'garbled'
  | 'limited'
  | 'spent'
  | 'unknown-voice'
  | 'refusing'
  | 'broken'
  | 'broken-once';

export interface ElevenlabsServer {
  url(manner?: Manner): string;
  /** Paths with queries, keys, and messages that came. */
  readonly paths: string[];
  readonly keys: unknown[];
  readonly messages: Record<string, unknown>[];
  readonly open: number;
  close(): Promise<void>;
}

/** Speaks ElevenLabs' API for streamed text with espeak-ng's voice, on the loopback interface. */
export async function elevenlabsServer(): Promise<ElevenlabsServer> {
  const [paths, keys, messages] = [[] as string[], [] as unknown[], [] as Record<string, unknown>[]];
  const times = new Map<string, number>();
  const server = createServer();
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    const [, manner = '', ...path] = (request.url ?? '').split('/');
    const count = (times.get(manner) ?? 0) + 1;
    times.set(manner, count);
    paths.push(path.join('/'));
    keys.push(request.headers['xi-api-key']);
    const how = manner.endsWith('-once') && count > 1 ? 'well' : manner.replace(/-once$/, '');
    const refuse = (status: string, body: string): void =>
      void socket.end(`HTTP/1.1 ${status}\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`);
    if (how === 'refusing')
      refuse(
        '401 Unauthorized',
        `{"detail":{"status":"invalid_api_key","message":"Invalid API key ${String(keys.at(-1))}"}}`,
      );
    else if (how === 'broken') refuse('503 Service Unavailable', 'oops');
    else sockets.handleUpgrade(request, socket, head, (ws) => void serve(ws, how, messages));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: (manner = 'well') => `ws://127.0.0.1:${port}/${manner}/v1`,
    paths,
    keys,
    messages,
    get open() {
      return sockets.clients.size;
    },
    async close() {
      for (const client of sockets.clients) client.terminate();
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
}

async function serve(ws: WebSocket, how: string, messages: Record<string, unknown>[]): Promise<void> {
  const splitter = new SentenceSplitter({ minLength: 1 });
  const abort = new AbortController();
  ws.once('close', () => {
    abort.abort(new Error('hung up'));
  });
  let saying = Promise.resolve();
  const say = (text: string): void => {
    saying = saying.then(() => saySentence(ws, how, `${text} `, abort.signal)).catch(() => undefined);
  };
  ws.on('message', (data: RawData) => {
    const message = JSON.parse((data as Buffer).toString()) as { text: string };
    messages.push(message);
    const refusals = {
      limited: 'max_concurrent_requests',
      spent: 'quota_exceeded',
      'unknown-voice': 'voice_not_found',
    };
    const error = (refusals as Record<string, string>)[how];
    if (error !== undefined) {
      ws.send(JSON.stringify({ message: 'You cannot do that', error, code: 1008 }));
      ws.close(1008, 'refused');
    }
    if (how === 'garbled') ws.send('<html>');
    if (how === 'hanging' || error !== undefined) return;
    for (const { text } of message.text === '' ? splitter.end() : splitter.push(message.text)) say(text);
    if (message.text === '')
      saying = saying.then(() => {
        if (how === 'stuck') return;
        ws.send(JSON.stringify({ audio: null, isFinal: true }));
        ws.close();
      });
  });
  await once(ws, 'close');
}

async function saySentence(ws: WebSocket, how: string, text: string, signal: AbortSignal): Promise<void> {
  if (how === 'silent') return;
  const samples = await espeak(text, RATE, { signal });
  const sound =
    how === 'floats'
      ? Buffer.from(Float32Array.from(samples, (sample) => sample / 32_768).buffer)
      : Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
  const characters = text.split('');
  const characterMs = (samples.length * 1000) / RATE / characters.length;
  for (let part = 0; part < PARTS; part++) {
    const cut = (length: number, at: number): number => Math.floor((length * at) / PARTS);
    const chars = characters.slice(cut(characters.length, part), cut(characters.length, part + 1));
    let [from, to] = [cut(sound.length, part), cut(sound.length, part + 1)];
    if (how !== 'odd') [from, to] = [from - (from % 4), part === PARTS - 1 ? to : to - (to % 4)];
    ws.send(
      JSON.stringify({
        audio: sound.subarray(from, to).toString('base64'),
        isFinal: null,
        alignment: {
          chars,
          charStartTimesMs: chars.map((_, i) => Math.floor(i * characterMs)),
          charsDurationsMs: chars.map(() => Math.floor(characterMs)),
        },
      }),
    );
    if (how === 'stuck') return;
    if (how === 'dying') {
      ws.terminate();
      return;
    }
  }
  if (how !== 'early') return;
  ws.send(JSON.stringify({ audio: null, isFinal: true }));
  ws.close();
}
