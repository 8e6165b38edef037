import type { Readable, Writable } from 'node:stream';
import { z } from 'zod';
import { SAMPLE_RATES } from '../media/audio-data.js';
import { isLoopback } from '../media/loopback.js';
import { defineNode, type NodeContext, type NodePorts, type PortDef } from '../media/node.js';
import { contentTypeOf } from '../speech/websocket/content-type.js';
import { dial } from '../speech/websocket/dialling.js';
import { CLOSED, Line } from '../speech/websocket/line.js';
import { listen } from '../speech/websocket/listening.js';
import { Receiver } from '../speech/websocket/receiver.js';
import { type SenderOptions, SoundSender, textSender } from '../speech/websocket/sender.js';

const Options = z
  .strictObject({
    mode: z
      .enum(['client', 'server'])
      .default('server')
      .describe('`server` waits for peers, one at a time; `client` connects to one.'),
    direction: z
      .enum(['both', 'receive', 'send'])
      .default('both')
      .describe(
        'What it is for. Of a server that reads a peer and answers it, one node receives and another one with the same address sends.',
      ),
    url: z
      .url({ protocol: /^wss?$/ })
      .optional()
      .describe('Client: where the peer is.'),
    headers: z
      .record(z.string().min(1), z.string())
      .default({})
      .describe('Client: headers of the request, as `authorization`. Never shown.'),
    timeoutMs: z
      .number()
      .min(100)
      .max(120_000)
      .default(10_000)
      .describe('Client: how long the peer may take to answer, in ms.'),
    host: z.string().min(1).default('127.0.0.1').describe('Server: address to listen on.'),
    port: z.int().min(0).max(65_535).default(8765).describe('Server: port to listen on; 0 for a free one.'),
    path: z.string().startsWith('/').default('/').describe('Server: path that peers ask for.'),
    token: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Server: who connects has to show it, as `authorization: Bearer …` or as `?token=…` of the address. Anybody may when left out.',
      )
      .meta({ secret: true }),
    once: z.boolean().default(false).describe('Server: end with the first connection, instead of waiting for another.'),
    sampleRate: z.literal(SAMPLE_RATES).default(16_000).describe('Samples per second both ways, in Hz; mono.'),
    maxLagMs: z
      .number()
      .min(20)
      .max(60_000)
      .default(1000)
      .describe('Sound that may wait for a slow peer or reader, in ms; what comes then is dropped.'),
  })
  .refine(({ mode, url }) => (mode === 'client') === (url !== undefined), {
    message: 'Goes with `mode: client` only',
    path: ['url'],
  });
type WebsocketOptions = z.output<typeof Options>;

/**
 * Sound and texts from and to a program, by WebSocket, as the Vonage Audio Connector and telephony have it: whoever connects first
 * sends JSON with `"content-type": "audio/l16;rate=16000"`, then messages of 16-bit PCM, 20 ms each. Other messages of text go both ways
 * as they are. Sound is sent no faster than it lasts. A peer that is too slow, or not there, misses what was for it, counted. A server
 * turns away a second peer (close code 1013; several calls at once have a port each), and one whose first message is another (1003). A client ends with its connection.
 * Messages are at most 64 KiB; a peer that does not answer to pings for 10 to 20 s is gone.
 *
 * Errors: SLUICE_ADDRESS_IN_USE, SLUICE_CONFIG_INVALID; of a client, and with `once`, SLUICE_PEER_LOST and SLUICE_PROTOCOL: `onError: restart` connects again.
 */
export const websocket = defineNode({
  type: 'websocket',
  summary: 'Exchanges sound and texts with a program by WebSocket, as the Vonage Audio Connector does.',
  options: Options,
  inputs: ({ direction, sampleRate }) =>
    direction === 'receive' ? [] : portsFor(sampleRate).map((port) => ({ ...port, flow: 'pull' as const })),
  outputs: ({ direction, sampleRate }) => (direction === 'send' ? [] : portsFor(sampleRate)),
  latency: ({ maxLagMs }) => ({ live: true, minMs: 20, maxMs: maxLagMs }),
  example: `nodes:
  call:  { type: websocket, direction: receive, port: 8765 }
  lines: { type: text-lines, path: lines.txt }
  voice: { type: tts-exec, from: lines }
  reply: { type: websocket, direction: send, port: 8765, from: voice.out }
  file:  { type: wav, from: call.audio, path: out/call.wav }`,
  create: (options, context) => (options.mode === 'server' ? serve(options, context) : connect(options, context)),
});

async function serve(options: WebsocketOptions, context: NodeContext): Promise<NodePorts> {
  const { host, port, path, token, once } = options;
  const listening = await listen({ host, port, path, ...(token !== undefined && { token }) }, context.clock);
  if (token === undefined && !isLoopback(host))
    context.log.warn({ host }, 'whoever reaches this address may connect: set token');
  context.log.info({ url: `ws://${host}:${listening.port}${path}` }, 'listening');
  return new Exchange(options, context, { ...listening, isAnnounced: true, once });
}

async function connect(options: WebsocketOptions, context: NodeContext): Promise<NodePorts> {
  const { url = '', headers, timeoutMs, direction, sampleRate } = options;
  const line = new Line(context.clock);
  const release = (): Promise<void> => line.close(CLOSED.normally);
  line.hold();
  const exchange = new Exchange(options, context, { line, release, isAnnounced: false, once: true });
  await dial(line, { url, headers, timeoutMs, signal: context.signal });
  if (direction !== 'receive') line.send(JSON.stringify({ 'content-type': contentTypeOf(sampleRate) }));
  return exchange;
}

interface ExchangeOptions {
  readonly line: Line;
  readonly release: () => Promise<void>;
  readonly isAnnounced: boolean;
  readonly once: boolean;
}

/** The ports of one node at its line. */
class Exchange implements NodePorts {
  readonly #sending: SenderOptions;
  readonly #receiver: Receiver;
  readonly #release: () => Promise<void>;
  readonly #inputs = new Set<Writable>();
  #isBegun = false;

  constructor(options: WebsocketOptions, context: NodeContext, { line, release, isAnnounced, once }: ExchangeOptions) {
    const { sampleRate, maxLagMs } = options;
    this.#sending = { context, line, sampleRate, maxLagMs };
    this.#release = release;
    this.#receiver = new Receiver({
      ...this.#sending,
      isAnnounced,
      once,
      onEnd: (error) => {
        for (const stream of this.#inputs) if (!stream.writableFinished) stream.destroy(error);
      },
    });
    if (options.direction !== 'send' || once) line.listeners.add(this.#receiver);
  }

  input(port: string): Writable {
    this.#begin();
    const stream = port === 'audio' ? new SoundSender(this.#sending) : textSender(this.#sending);
    this.#inputs.add(stream);
    return stream;
  }

  output(port: string): Readable {
    this.#begin();
    return this.#receiver.output(port);
  }

  async close(): Promise<void> {
    this.#sending.line.listeners.delete(this.#receiver);
    this.#receiver.end();
    await this.#release();
  }

  /** What comes first is heard: all that are asked for at a time are there before anything is read. */
  #begin(): void {
    if (this.#isBegun) return;
    this.#isBegun = true;
    setImmediate(() => {
      this.#sending.line.resume();
    });
  }
}

/** Sound and texts, neither of which has to be linked. */
function portsFor(sampleRate: number): readonly PortDef<'audio' | 'text'>[] {
  return [
    { name: 'audio', optional: true, formats: [{ kind: 'audio', sampleRate, numberOfChannels: 1 }] },
    { name: 'text', optional: true, formats: [{ kind: 'text' }] },
  ];
}
