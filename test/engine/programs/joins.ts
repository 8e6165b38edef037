/** Run with --expose-gc: joins and leaves often, and tells what is open before, between and after. */
import { startServer } from '../../../src/server/index.js';
import { probe } from './probe.js';
import { isLoud, joinRoom, listenTo, publishVoice } from './room.js';

const ROUNDS = Number(process.argv[2] ?? 50);

/** Two join, one speaks, the other hears it, both leave: in either order. */
async function round(url: string, number: number): Promise<void> {
  const ann = await joinRoom(url, 'ann');
  const bob = await joinRoom(url, 'bob');
  const voice = await publishVoice(ann);
  voice.speak(200);
  const ear = await listenTo(bob, (await bob.stream()).streamId);
  const speaking = setInterval(() => {
    if (voice.heldMs() < 100) voice.speak(100);
  }, 20);
  await ear.until((heard) => isLoud(heard.at(-1)));
  clearInterval(speaking);
  if (number % 3 === 0) await voice.close();
  if (number % 3 === 1) await ear.close();
  if (number % 2 === 0) await ann.leave();
  await bob.leave();
  if (number % 2 === 1) await ann.leave();
}

await probe('begin');
const server = await startServer({ port: 0, logLevel: 'error' });
for (let i = 0; i < 10; i++) await round(server.url, i);
await probe('warm');
for (let i = 0; i < ROUNDS; i++) await round(server.url, i);
await probe('later');
await server.close();
await probe('end');
