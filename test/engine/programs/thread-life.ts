/** What the main thread may do while the media thread has connections open. */
import { connect as connectTcp } from 'node:net';
import { WebSocket } from 'ws';
import { getEngine } from '../../../src/engine/thread.js';
import { createToken, startServer } from '../../../src/server/index.js';
import { report } from './pair.js';
import { isLoud, joinRoom, listenTo, publishVoice } from './room.js';

const server = await startServer({ port: 0, logLevel: 'silent' });

async function talk(): Promise<() => Promise<void>> {
  const ann = await joinRoom(server.url, 'ann');
  const bob = await joinRoom(server.url, 'bob');
  const voice = await publishVoice(ann);
  const ear = await listenTo(bob, (await bob.stream()).streamId);
  const speaking = setInterval(() => {
    if (voice.heldMs() < 200) voice.speak(100);
  }, 40);
  await ear.until((heard) => isLoud(heard.at(-1)));
  clearInterval(speaking);
  return async () => {
    await Promise.all([ann.leave(), bob.leave()]);
  };
}

/** Whoever holds the media thread lets go of it. */
function letGo(): void {
  getEngine().unref();
}

const CASES: Readonly<Record<string, () => Promise<void>>> = {
  async returns() {
    await talk();
    letGo();
  },
  async exits() {
    await talk();
    process.exit(0);
  },
  async throws() {
    await talk();
    setImmediate(() => {
      throw new Error('nobody catches this');
    });
  },
  async closes() {
    const leave = await talk();
    await leave();
    await server.close();
  },
  async beginsAnew() {
    const leave = await talk();
    await leave();
    const again = await talk();
    await again();
    await server.close();
    // The library has been cleaned up by now, and is used again.
    const next = await startServer({ port: 0, logLevel: 'silent' });
    const ann = await joinRoom(next.url, 'ann');
    await publishVoice(ann);
    await ann.leave();
    await next.close();
  },
  async exitsWhileJoining() {
    const ann = await joinRoom(server.url, 'ann');
    void publishVoice(ann);
    void joinRoom(server.url, 'bob');
    setTimeout(() => process.exit(0), Number(process.argv[3] ?? 5));
  },
  async exitsWithStuckClients() {
    await talk();
    // One that never answers the closing handshake, one with half a request, one with a connection for later.
    const token = await createToken({ apiKey: 'devkey', apiSecret: 'secret', sessionId: 'demo', identity: 'stuck' });
    const stuck = new WebSocket(`${server.url}/rtc?access_token=${token}`);
    await new Promise((resolve) => stuck.once('message', resolve));
    stuck.pause();
    const half = connectTcp(server.port, '127.0.0.1');
    half.write('GET /healthz HTTP/1.1\r\nhost: x\r\n');
    await fetch(`${server.httpUrl}/healthz`).then((response) => response.text());
    process.exit(0);
  },
  async blocksAndExits() {
    await talk();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
    process.exitCode = 7;
    letGo();
  },
};

const name = process.argv[2] ?? '';
await CASES[name]?.();
report({ reached: name });
