import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Message } from '../../../src/speech/language-model.js';
import { RuleSet } from '../../../src/speech/llm/rule-set.js';

/** What the API for chat completions takes, as far as it is looked at here. */
export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly { readonly role: string; readonly content: string; readonly [name: string]: unknown }[];
  readonly tools?: readonly { readonly function: { readonly name: string } }[];
  readonly [name: string]: unknown;
}

export interface ChatServer {
  /** A base URL where requests are answered in a manner. */
  url(manner?: Manner): string;
  readonly requests: ChatRequest[];
  readonly keys: (string | undefined)[];
  /** Requests that are neither answered nor given up. */
  readonly open: number;
  /** Lets go of connections that are kept for later requests. */
  rest(): void;
  close(): Promise<void>;
}

type Manner =
  | 'well'
  | 'hanging'
  | 'stuck'
  | 'dying'
  | 'cut'
  | 'limited-once'
  | 'limited'
  | 'locked'
  | 'broken'
  | 'nonsense'
  | 'endless'
  | 'endless-lines'
  | 'endless-answer'
  | 'echoing'
  | 'calling-on'
  | 'failing'
  | 'calling';

/** Speaks OpenAI's API for chat completions by rules, on the loopback interface. */
export async function chatServer(rules: ConstructorParameters<typeof RuleSet>[0]): Promise<ChatServer> {
  const requests: ChatRequest[] = [];
  const keys: (string | undefined)[] = [];
  const open = new Set<ServerResponse>();
  const set = new RuleSet(rules);
  const server = createServer((request, response) => {
    open.add(response);
    response.once('close', () => open.delete(response));
    answer(request, response).catch(() => response.destroy());
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const part of request.setEncoding('utf8')) body += String(part);
    const [, manner = '', ...path] = (request.url ?? '').split('/');
    if (path.join('/') !== 'v1/chat/completions') {
      response.writeHead(404).end('not found');
      return;
    }
    const asked = JSON.parse(body) as ChatRequest;
    requests.push(asked);
    keys.push(request.headers.authorization);
    const times = requests.length;
    switch (manner as Manner) {
      case 'hanging':
        return;
      case 'limited':
        limit(response);
        return;
      case 'limited-once':
        if (times === 1) limit(response);
        else await tell(response, asked);
        return;
      case 'locked':
        response.writeHead(401).end(JSON.stringify({ error: { message: `Incorrect key: ${keys.at(-1)}` } }));
        return;
      case 'broken':
        response.writeHead(500).end('oops');
        return;
      case 'nonsense':
        response.writeHead(200).end('data: {"choices": 7}\n\n');
        return;
      case 'endless':
        response.writeHead(200).write('data: ');
        await flood(response, 'x'.repeat(100_000));
        return;
      case 'endless-lines':
        response.writeHead(200);
        await flood(response, `data: ${'x'.repeat(100)}\n`.repeat(1000));
        return;
      case 'endless-answer':
        response.writeHead(200);
        await flood(
          response,
          `data: ${JSON.stringify({ choices: [{ delta: { content: 'so '.repeat(30_000) } }] })}\n\n`,
        );
        return;
      case 'echoing':
        response
          .writeHead(200)
          .end(`data: ${JSON.stringify({ error: { message: `no room\nfor ${String(keys.at(-1))}` } })}\n\n`);
        return;
      case 'failing':
        response.writeHead(200).end('data: {"error": {"message": "out of memory"}}\n\n');
        return;
      default:
        await tell(response, asked, manner as Manner);
    }
  }

  async function tell(response: ServerResponse, asked: ChatRequest, manner: Manner = 'well'): Promise<void> {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const last = asked.messages.at(-1);
    if (manner === 'calling-on' || (manner === 'calling' && asked.tools && last?.role === 'user')) {
      // A call comes in pieces, as real ones do.
      for (const part of [
        { index: 0, id: 'call_1', function: { name: asked.tools?.[0]?.function.name ?? 'weather', arguments: '' } },
        { index: 0, function: { arguments: '{"city":' } },
        { index: 0, function: { arguments: ` ${JSON.stringify(last?.content)}}` } },
      ])
        await event(response, { delta: { tool_calls: [part] } });
      await event(response, { delta: {}, finish_reason: 'tool_calls' });
      response.end('data: [DONE]\n\n');
      return;
    }
    const text = last?.role === 'tool' ? `The tool says: ${last.content}` : set.answer(asked.messages.map(messageOf));
    await event(response, { delta: { role: 'assistant', content: '' } });
    let said = 0;
    for (const piece of text.match(/\s*\S+/g) ?? []) {
      await event(response, { delta: { content: piece } });
      if (++said === 5 && manner === 'stuck') return;
      if (said === 5 && manner === 'dying') {
        response.destroy();
        return;
      }
      if (said === 5 && manner === 'cut') break;
    }
    if (manner !== 'cut') await event(response, { delta: {}, finish_reason: 'stop' });
    response.end(manner === 'cut' ? '' : 'data: [DONE]\n\n');
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
      server.closeAllConnections();
    },
    async close() {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
}

function messageOf({ role, content }: ChatRequest['messages'][number]): Message {
  return role === 'user'
    ? { role, text: content }
    : { role: role === 'system' ? 'system' : 'assistant', text: content };
}

function limit(response: ServerResponse): void {
  response.writeHead(429, { 'retry-after': '0.05' });
  response.end(JSON.stringify({ error: { message: 'Rate limit reached', code: 'rate_limit_exceeded' } }));
}

/** The same again and again, for as long as it is taken; 4 MB at most. */
async function flood(response: ServerResponse, text: string): Promise<void> {
  for (let sent = 0; sent < 4_000_000 && !response.destroyed; sent += text.length)
    await new Promise((resolve) => response.write(text, resolve));
}

/** One event, in two parts, so that they have to be put together. */
async function event(response: ServerResponse, choice: object): Promise<void> {
  const text = Buffer.from(`data: ${JSON.stringify({ choices: [{ index: 0, ...choice }] })}\n\n`);
  const at = Math.floor(text.length / 2);
  await new Promise((resolve) => response.write(text.subarray(0, at), resolve));
  await new Promise((resolve) => setImmediate(resolve));
  if (response.destroyed) throw new Error('hung up');
  await new Promise((resolve) => response.write(text.subarray(at), resolve));
}
