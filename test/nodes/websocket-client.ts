import { once } from 'node:events';
import { createServer } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { inspect } from 'node:util';
import t from 'tap';
import type { WebSocket } from 'ws';
import type { AudioData } from '../../src/media/audio-data.js';
import { VirtualClock } from '../../src/media/clock.js';
import { graph, runGraph } from '../../src/pipeline.js';
import { sine, toneAmplitude } from '../codecs/tones.js';
import { freePort } from '../support/free-port.js';
import { chunks } from './media-lab.js';
import { concat, testContext } from './node-lab.js';
import { RATE, answering, bytesOf, make, serving } from './websocket-lab.js';

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

  const headers = { authorization: 'Bearer a\nsecret' };
  const odd = await make({ mode: 'client', url: `ws://127.0.0.1:${port}/`, headers }).catch((error: unknown) => error);
  t.match(odd, { code: 'SLUICE_CONFIG_INVALID', mend: /line break/ });
  t.notMatch(inspect(odd), /secret/);

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
