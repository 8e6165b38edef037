/** Run with --expose-gc: two go from server to server, and it is told what is open before, between and after. */
import { type EmbeddedServer, startServer } from '../../../src/server/index.js';
import { probe } from './probe.js';
import { isLoud, joinRoom, listenTo, publishVoice } from './room.js';

const ROUNDS = Number(process.argv[2] ?? 20);
const WARM_ROUNDS = 6;

await probe('begin');
let here = await startServer({ port: 0, logLevel: 'error' });
const other = await startServer({ port: 0, logLevel: 'error' });
await other.close();
const ports = [here.port, other.port];
const more = { fallbackUrls: [other.url], enableMigration: true };
const ann = await joinRoom(here.url, 'ann', 'demo', more);
const bob = await joinRoom(here.url, 'bob', 'demo', more);
const voice = await publishVoice(ann);
const ear = await listenTo(bob, (await bob.stream()).streamId);
const speaking = setInterval(() => {
  if (voice.heldMs() < 100) voice.speak(100);
}, 20);

/** Goes to a new server at the other port, since the present one is drained or closed. */
async function move(number: number): Promise<void> {
  const next: EmbeddedServer = await startServer({ port: ports[(number + 1) % 2] ?? 0, logLevel: 'error' });
  const moved = Promise.all([ann.migrated(), bob.migrated()]);
  await (number % 3 === 2 ? here.close() : here.drain({ deadlineMs: 2000 }));
  await moved;
  here = next;
  ear.heard.length = 0;
  await ear.until((heard) => isLoud(heard.at(-1)));
}

for (let i = 0; i < WARM_ROUNDS; i++) await move(i);
await probe('warm');
for (let i = 0; i < ROUNDS; i++) await move(WARM_ROUNDS + i);
await probe('later');
clearInterval(speaking);
await ann.leave();
await bob.leave();
await here.close();
await probe('end');
