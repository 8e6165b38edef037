import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import t from 'tap';
import { WebSocket, WebSocketServer } from 'ws';
import type { AudioData } from '../../src/media/audio-data.js';
import { parseOptions } from '../../src/media/node.js';
import type { TextData } from '../../src/media/text.js';
import { websocket } from '../../src/nodes/websocket.js';
import { sine, toneAmplitude } from '../codecs/tones.js';
import { freePort } from '../support/free-port.js';
import { chunks } from './media-lab.js';
import { concat, testContext } from './node-lab.js';
import { FIRST, RATE, bytesOf, calling, make, serving } from './websocket-lab.js';

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

t.test(
  'server: a peer that comes while another one is going is heard and spoken to, and is the only one',
  async (t) => {
    const context = testContext();
    let turnedAway = 0;
    const told = new EventTarget();
    const log = {
      ...context.log,
      warn: () => {
        turnedAway++;
        told.dispatchEvent(new Event('warned'));
      },
    };
    const node = await serving({}, { ...context, log });
    const warned = once(told, 'warned');
    const first = await calling(node.url);
    // It does not even read that it is to go.
    first.pause();
    for (let i = 0; i < 100; i++) first.send('something else');
    await warned;
    const second = await calling(node.url);
    const sound = once(node.output('audio'), 'data') as Promise<[AudioData]>;
    second.send(FIRST);
    second.send(bytesOf(sine(440, RATE, 320)));
    t.same((await sound)[0].data, sine(440, RATE, 320));
    const gone = once(first, 'close');
    first.resume();
    await gone;
    t.equal(turnedAway, 1, 'what else the first one sends is not looked at');
    const third = await calling(node.url);
    t.equal((await once(third, 'close'))[0], 1013, 'one peer at a time');
    const heard = once(second, 'message') as Promise<[Buffer, boolean]>;
    node.input('audio').write(chunks(sine(660, RATE, 320), { sampleRate: RATE })[0]);
    t.same((await heard)[0], bytesOf(sine(660, RATE, 320)));
    t.same(context.drops, new Map());
    await node.close();
  },
);

t.test('sound waits for a reader that is always a little late, and is dropped only beyond what may wait', async (t) => {
  const context = testContext();
  const node = await serving({ maxLagMs: 100 }, context);
  const peer = await calling(node.url);
  const sound = node.output('audio');
  peer.send(FIRST);
  const voice = sine(440, RATE, 320 * 60, 8000);
  const heard: AudioData[] = [];
  let sent = 0;
  const send = async (): Promise<void> => {
    peer.send(bytesOf(voice.subarray(320 * sent, 320 * (sent + 1))));
    sent++;
    peer.ping();
    await once(peer, 'pong');
  };
  const read = async (): Promise<void> => {
    let value = sound.read() as AudioData | null;
    if (!value) await once(sound, 'readable');
    value ??= sound.read() as AudioData | null;
    if (value) heard.push(value);
  };
  for (let i = 0; i < 3; i++) await send();
  // Two or three chunks of 20 ms wait all the time.
  while (sent < 60) {
    await read();
    await send();
  }
  while (heard.length < 60 - (context.drops.get('reader too slow') ?? 0)) await read();
  t.same(context.drops, new Map(), 'none is dropped');
  t.same(concat(heard), voice);
  for (let i = 0; i < 20; i++) {
    sent = i;
    await send();
  }
  t.ok((context.drops.get('reader too slow') ?? 0) >= 20 - 7, 'beyond 100 ms they are');
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

t.test('options that do not go together are refused', (t) => {
  t.throws(() => parseOptions(websocket, { mode: 'client' }), { code: 'SLUICE_CONFIG_INVALID', message: /url/ });
  t.throws(() => parseOptions(websocket, { url: 'ws://a' }), { code: 'SLUICE_CONFIG_INVALID', message: /url/ });
  t.throws(() => parseOptions(websocket, { mode: 'client', url: 'http://a' }), { code: 'SLUICE_CONFIG_INVALID' });
  t.end();
});
