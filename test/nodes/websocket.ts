import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { createServer } from 'node:net';
import { inspect } from 'node:util';
import t from 'tap';
import { WebSocket, WebSocketServer } from 'ws';
import type { AudioData } from '../../src/media/audio-data.js';
import { VirtualClock } from '../../src/media/clock.js';
import type { TextData } from '../../src/media/text.js';
import { type NodePorts, parseOptions } from '../../src/media/node.js';
import { websocket } from '../../src/nodes/websocket.js';
import { graph, runGraph } from '../../src/pipeline.js';
import { sine, toneAmplitude } from '../codecs/tones.js';
import { freePort } from '../support/free-port.js';
import { chunks } from './media-lab.js';
import { concat, testContext, type TestContext } from './node-lab.js';

const RATE = 16_000;
const FIRST = JSON.stringify({ 'content-type': `audio/l16;rate=${RATE}`, caller: 'ann' });

type Ports = Required<Pick<NodePorts, 'input' | 'output' | 'close'>>;

async function make(options: object, context: TestContext = testContext()): Promise<Ports> {
  return (await websocket.create(parseOptions(websocket, options), context)) as Ports;
}

async function serving(options: object = {}, context?: TestContext): Promise<Ports & { readonly url: string }> {
  const port = await freePort();
  const ports = await make({ port, path: '/call', ...options }, context);
  return Object.assign(ports, { url: `ws://127.0.0.1:${port}/call` });
}

async function calling(url: string, options: object = {}): Promise<WebSocket> {
  const socket = new WebSocket(url, options);
  await once(socket, 'open');
  return socket;
}

/** A server of the test, and the first connection to it. */
async function answering(): Promise<{ url: string; server: WebSocketServer; connected: Promise<WebSocket> }> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const { port } = server.address() as { readonly port: number };
  const connected = once(server, 'connection').then(([socket]) => socket as WebSocket);
  return { url: `ws://127.0.0.1:${port}/?key=secret`, server, connected };
}

const bytesOf = (samples: Int16Array): Buffer => Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);

t.test('server: the sound of a peer comes in whatever its messages are cut to, and texts beside it', async (t) => {
  const node = await serving({ once: true });
  const peer = await calling(node.url);
  const sound = node.output('audio').toArray();
  const texts = node.output('text').toArray();
  peer.send(FIRST);
  const bytes = bytesOf(sine(440, RATE, RATE / 2, 8000));
  // Also in the middle of a sample.
  for (let at = 0; at < bytes.length; at += 641) peer.send(bytes.subarray(at, at + 641));
  peer.send('{"event":"dtmf","digit":"5"}');
  peer.close(1000);
  const values = (await sound) as AudioData[];
  const samples = concat(values);
  t.equal(samples.length, RATE / 2);
  t.ok(Math.abs(toneAmplitude(samples, 440, RATE) - 8000) < 20, 'the tone, as loud as it was');
  t.ok(values.every(({ sampleRate, numberOfChannels }) => sampleRate === RATE && numberOfChannels === 1));
  t.ok(
    values.every(({ timestamp }, i) => i === 0 || timestamp > values[i - 1]!.timestamp),
    'time goes on',
  );
  t.same(
    ((await texts) as TextData[]).map(({ text }) => text),
    ['{"event":"dtmf","digit":"5"}'],
  );
  await node.close();
});

t.test('server: one node reads a peer and another one at the same address answers it, 20 ms a message', async (t) => {
  const port = await freePort();
  const context = testContext();
  const reading = await make({ port, direction: 'receive' });
  const writing = await make({ port, direction: 'send' }, context);
  const peer = await calling(`ws://127.0.0.1:${port}/`);
  const messages: Buffer[] = [];
  const texts: string[] = [];
  peer.on('message', (data: Buffer, isBinary) => {
    if (isBinary) messages.push(data);
    else texts.push(data.toString());
  });
  const voice = sine(660, RATE, RATE / 2 + 100, 8000);
  await pipeline(Readable.from([{ kind: 'text', text: '{"action":"clear"}', isFinal: true }]), writing.input('text'));
  await pipeline(Readable.from(chunks(voice, { sampleRate: RATE, chunkMs: 30 })), writing.input('audio'));
  peer.ping();
  await once(peer, 'pong');
  t.ok(
    messages.every(({ length }) => length === 640),
    'messages of 640 bytes',
  );
  const heard = concat(messages.map((data) => ({ data: new Int16Array(Uint8Array.from(data).buffer) })));
  t.equal(heard.length, 26 * 320, 'the last filled up with silence');
  t.same(heard.subarray(0, voice.length), voice);
  t.same(texts, ['{"action":"clear"}']);
  t.same(context.drops, new Map());
  peer.send(FIRST);
  peer.send(bytesOf(sine(440, RATE, 320)));
  const [value] = (await once(reading.output('audio'), 'data')) as [AudioData];
  t.equal(value.numberOfFrames, 320);
  const closed = once(peer, 'close');
  await reading.close();
  t.equal(peer.readyState, WebSocket.OPEN, 'who is left keeps the peer');
  await writing.close();
  t.equal((await closed)[0], 1001);
  await t.rejects(calling(`ws://127.0.0.1:${port}/`), { code: 'ECONNREFUSED' });
});

t.test('server: a second peer is turned away, and so is who sends something else or has no token', async (t) => {
  const node = await serving({ token: 'open sesame' });
  await t.rejects(calling(node.url), /401/);
  await t.rejects(calling(node.url, { headers: { authorization: 'Bearer open' } }), /401/);
  const headers = { authorization: 'Bearer open sesame' };
  const peer = await calling(node.url, { headers });
  const second = await calling(node.url, { headers });
  const [code, reason] = (await once(second, 'close')) as [number, Buffer];
  t.same([code, reason.toString()], [1013, 'one peer at a time']);
  peer.send(JSON.stringify({ 'content-type': 'audio/l16;rate=8000' }));
  t.equal((await once(peer, 'close'))[0], 1003, 'another rate');
  for (const first of [Buffer.alloc(640), '[]', 'null', '{"content-type":7}', '']) {
    const other = await calling(node.url, { headers });
    other.send(first);
    t.equal((await once(other, 'close'))[0], 1003, String(first).slice(0, 20));
  }
  const huge = await calling(node.url, { headers });
  huge.send(FIRST);
  huge.send(Buffer.alloc(65 * 1024));
  t.equal((await once(huge, 'close'))[0], 1009, 'messages that are too long');
  const sound = node.output('audio');
  for (const wrong of ['?token=open', '?token=', '?other=open+sesame'])
    await t.rejects(calling(node.url + wrong), /401/);
  const next = await calling(`${node.url}?token=open+sesame`);
  next.send(FIRST);
  next.send(Buffer.alloc(640));
  t.equal(((await once(sound, 'data')) as [AudioData])[0].numberOfFrames, 320, 'the next one is heard');
  await node.close();
});

t.test('server: nodes at one address need the same token, whichever is there first', async (t) => {
  for (const [first, second] of [
    [{ token: 'a' }, {}],
    [{}, { token: 'a' }],
    [{ token: 'a' }, { token: 'b' }],
  ] as const) {
    const port = await freePort();
    const node = await make({ port, direction: 'receive', ...first });
    const other = make({ port, direction: 'send', ...second });
    await t.rejects(other, { code: 'SLUICE_CONFIG_INVALID', mend: /same token/ });
    await node.close();
  }
});

t.test('server: one that others can reach says so where it has no token', async (t) => {
  for (const [options, warnings] of [
    [{ host: '0.0.0.0' }, 1],
    [{ host: '0.0.0.0', token: 'a' }, 0],
    [{ host: '127.0.0.1' }, 0],
    [{ host: 'localhost' }, 0],
  ] as const) {
    const context = testContext();
    const told: string[] = [];
    const log = { ...context.log, warn: (_data: object, message: string) => told.push(message) };
    const node = await make({ port: 0, ...options }, { ...context, log });
    t.equal(told.length, warnings, JSON.stringify(options));
    await node.close();
  }
});

t.test('server: a taken port is told of', async (t) => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const { port } = server.address() as { readonly port: number };
  await t.rejects(make({ port }), { code: 'SLUICE_ADDRESS_IN_USE' });
  await new Promise((resolve) => server.close(resolve));
});

t.test('client: says what it sends, sends it no faster than it lasts, and hears the answer', async (t) => {
  const { url, server, connected } = await answering();
  const messages: (Buffer | string)[] = [];
  void connected.then((peer) => {
    peer.on('message', (data: Buffer, isBinary) => {
      messages.push(isBinary ? data : data.toString());
      if (isBinary) peer.send(data);
    });
  });
  const clock = new VirtualClock();
  const node = await make({ mode: 'client', url, headers: { authorization: 'Bearer k' } }, testContext({ clock }));
  const sound = node.output('audio').toArray();
  const voice = sine(440, RATE, RATE / 5, 8000);
  const input = node.input('audio');
  const taken = pipeline(Readable.from(chunks(voice, { sampleRate: RATE, chunkMs: 200 })), input);
  const peer = await connected;
  await once(peer, 'message');
  const round = async (): Promise<void> => {
    peer.ping();
    await once(peer, 'pong');
  };
  await round();
  t.same(JSON.parse(messages[0] as string), { 'content-type': 'audio/l16;rate=16000' });
  for (let sent = 1; sent < 10; sent++) {
    t.equal(messages.length, sent + 1, `${sent} by ${20 * (sent - 1)} ms`);
    clock.advance(20);
    if (sent < 9) await round();
  }
  clock.advance(20);
  await taken;
  await round();
  peer.close(1000);
  t.same(concat((await sound) as AudioData[]), voice);
  await node.close();
  await new Promise((resolve) => server.close(resolve));
});

t.test('client: who cannot be reached, dies or hangs is told of, without the secrets of the address', async (t) => {
  const port = await freePort();
  const gone = await make({ mode: 'client', url: `ws://u:secret@127.0.0.1:${port}/?key=secret` }).catch(
    (error: unknown) => error as Error,
  );
  t.match(gone, { code: 'SLUICE_PEER_LOST', retryable: true });
  t.notMatch(inspect(gone), /secret/);

  const dying = await answering();
  const node = await make({ mode: 'client', url: dying.url });
  const input = node.input('audio');
  const ends = [finished(node.output('audio')), finished(node.output('text')), finished(input)];
  (await dying.connected).terminate();
  for (const end of ends) await t.rejects(end, { code: 'SLUICE_PEER_LOST' });
  await node.close();

  const hanging = await answering();
  const clock = new VirtualClock();
  const waiting = await make({ mode: 'client', url: hanging.url }, testContext({ clock }));
  const sound = finished(waiting.output('audio'));
  const peer = await hanging.connected;
  // Reads nothing any more, so that pings are not answered.
  peer.pause();
  clock.advance(10_000);
  clock.advance(10_000);
  await t.rejects(sound, { code: 'SLUICE_PEER_LOST' });
  await waiting.close();
  peer.terminate();
  for (const { server } of [dying, hanging]) await new Promise((resolve) => server.close(resolve));
});

t.test('client: one that is stopped while it connects leaves nothing', async (t) => {
  const abort = new AbortController();
  // Takes connections and never answers.
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { readonly port: number };
  const connected = once(server, 'connection');
  const making = make({ mode: 'client', url: `ws://127.0.0.1:${port}` }, { ...testContext(), signal: abort.signal });
  const [socket] = (await connected) as [NodeJS.ReadWriteStream];
  socket.resume();
  const closed = once(socket, 'close');
  abort.abort(new Error('stopped'));
  await t.rejects(making, { message: 'stopped' });
  await closed;
  await new Promise((resolve) => server.close(resolve));
});

t.test(
  'client: with `onError: restart` it connects again when its peer was gone, and misses no first word',
  async (t) => {
    const { url, server, connected } = await answering();
    const onError = { action: 'restart', backoffMs: 20 } as const;
    const pipelineOf = graph({
      nodes: {
        call: { type: 'websocket', mode: 'client', url, onError },
        speech: { type: 'output', media: 'audio', sampleRate: RATE, channels: 1, from: 'call.audio' },
      },
    });
    const sound = new PassThrough({ objectMode: true });
    // Each speaks as soon as it can.
    const tones = [440, 660];
    server.on('connection', (peer) => {
      peer.send(bytesOf(sine(tones.shift() ?? 0, RATE, RATE / 5, 8000)));
    });
    const heard: AudioData[] = [];
    const hears = async (): Promise<Int16Array> => {
      const from = heard.length;
      while (concat(heard.slice(from)).length < RATE / 5) {
        const value = sound.read() as AudioData | null;
        if (value) heard.push(value);
        else await once(sound, 'readable');
      }
      return concat(heard.slice(from));
    };
    const run = await runGraph(pipelineOf, { outputs: { speech: sound } });
    t.ok(Math.abs(toneAmplitude(await hears(), 440, RATE) - 8000) < 20, 'what the peer said');
    const again = once(server, 'connection') as Promise<[WebSocket]>;
    (await connected).terminate();
    const [peer] = await again;
    t.ok(Math.abs(toneAmplitude(await hears(), 660, RATE) - 8000) < 20, 'what it said when it was back');
    t.match(run.report().nodes, { call: { restarts: 1, errors: [{ code: 'SLUICE_PEER_LOST' }] } });
    const closed = once(peer, 'close');
    await run.stop();
    t.equal((await closed)[0], 1000, 'it says good bye');
    await new Promise((resolve) => server.close(resolve));
  },
);

t.test('what a slow peer does not take is dropped and counted, and so is what nobody is there for', async (t) => {
  const context = testContext();
  const { url, server, connected } = await answering();
  const node = await make({ mode: 'client', url, maxLagMs: 20, sampleRate: 48_000 }, context);
  const peer = await connected;
  peer.pause();
  // More than the buffers of the system hold.
  const texts = node.input('text');
  const text = 'x'.repeat(60_000);
  for (let i = 0; i < 1000 && !context.drops.has('peer too slow'); i++) {
    await new Promise((resolve) => texts.write({ kind: 'text', text, isFinal: true }, resolve));
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.equal(context.drops.get('peer too slow'), 1, 'a text is dropped');
  const sounds = node.input('audio');
  sounds.write(chunks(new Int16Array(960))[0]);
  t.equal(context.drops.get('peer too slow'), 2, 'sound is dropped');
  const ends = [finished(texts), finished(sounds)];
  peer.terminate();
  for (const end of ends) await t.rejects(end, { code: 'SLUICE_PEER_LOST' });
  await node.close();
  await new Promise((resolve) => server.close(resolve));

  const lonely = testContext();
  const alone = await serving({ direction: 'send' }, lonely);
  await pipeline(Readable.from(chunks(new Int16Array(640), { sampleRate: RATE })), alone.input('audio'));
  t.same(lonely.drops, new Map([['nobody is connected', 2]]));
  await alone.close();
});

t.test('options that do not go together are refused', (t) => {
  t.throws(() => parseOptions(websocket, { mode: 'client' }), { code: 'SLUICE_CONFIG_INVALID', message: /url/ });
  t.throws(() => parseOptions(websocket, { url: 'ws://a' }), { code: 'SLUICE_CONFIG_INVALID', message: /url/ });
  t.throws(() => parseOptions(websocket, { mode: 'client', url: 'http://a' }), { code: 'SLUICE_CONFIG_INVALID' });
  t.end();
});
