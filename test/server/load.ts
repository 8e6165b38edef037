import { readdirSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { DataPacket, LeaveRequest, TrackSource, TrackType, UserPacket } from '@livekit/protocol';
import t from 'tap';
import { nativeUsers } from '../../src/engine/native.js';
import { RawClient } from './raw-client.js';
import { RtpSource } from './rtp-source.js';
import { type RunningServer, runServer } from './running-server.js';

const TIMEOUT_MS = 120_000;
const ROUNDS = 3;
const JOINS_PER_ROUND = 40;
const AT_ONCE = 4;
/** What the quietest round may leave in JavaScript's memory: a participant holds more than this part of it. */
const MAX_GROWTH_BYTES = JOINS_PER_ROUND * 10 * 1024;
/** What all rounds but the first may add to the process: what is freed in native memory is not always given back. */
const MAX_RSS_GROWTH_BYTES = 40 * 1024 * 1024;
const HELLO = new DataPacket({ value: { case: 'user', value: new UserPacket({ payload: Buffer.from('hello') }) } });

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Joins, publishes, sends data, receives what the speaker of the room says, and leaves. */
async function visit(server: RunningServer, identity: string): Promise<void> {
  const client = await RawClient.join(server.url, await server.token(identity));
  await client.subscribe();
  await client.publish(
    [
      {
        request: { cid: 'mic', type: TrackType.AUDIO, source: TrackSource.MICROPHONE },
        track: { kind: 'audio', codec: 'opus', payloadType: 111, ssrc: 5 },
      },
    ],
    { data: true },
  );
  client.channels.get('_reliable')?.send(Buffer.from(HELLO.toBinary()));
  await client.packets(2);
  client.send('leave', new LeaveRequest());
  await client.closed;
  await client.close();
}

interface Level {
  readonly heapBytes: number;
  readonly rssBytes: number;
  /** Open files and threads of the process, where the system tells; timers and sockets; connections of the native library. */
  readonly held: readonly number[];
}

async function level(): Promise<Level> {
  for (let i = 0; i < 4; i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heapBytes: heapUsed + external, rssBytes: rss, held: heldNow() };
}

const heldNow = (): number[] => [
  countOf('fd'),
  countOf('task'),
  process.getActiveResourcesInfo().length,
  nativeUsers(),
];

function countOf(folder: string): number {
  return process.platform === 'linux' ? readdirSync(`/proc/self/${folder}`).length : 0;
}

t.test('hundreds who join and leave leave nothing behind', { timeout: TIMEOUT_MS }, async (t) => {
  const server = await runServer(t);
  const speaker = await RawClient.join(server.url, await server.token('speaker'), '&auto_subscribe=0');
  await speaker.publish([
    {
      request: { cid: 'mic', type: TrackType.AUDIO, source: TrackSource.MICROPHONE },
      track: { kind: 'audio', codec: 'opus', payloadType: 111, ssrc: 7 },
    },
  ]);
  const voice = new RtpSource((packet) => speaker.publisher?.send(packet), { mid: '0', ssrc: 7, payloadType: 111 });
  const speaking = setInterval(() => {
    voice.send(Buffer.from('voice'));
  }, 20);
  t.teardown(async () => {
    clearInterval(speaking);
    await speaker.close();
  });
  const levels: Level[] = [];
  let visits = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const end = visits + JOINS_PER_ROUND;
    const visitors = Array.from({ length: AT_ONCE }, async () => {
      while (visits < end) await visit(server, `visitor ${visits++}`);
    });
    await Promise.all(visitors);
    speaker.responses.length = 0;
    // The ends of sockets are noticed a moment after they are closed.
    while (server.service.stats().participants > 1) await new Promise((resolve) => setImmediate(resolve));
    levels.push(await level());
  }
  const [first, last] = [levels[0]!, levels.at(-1)!];
  // Sockets of both sides end in their own time.
  const isMore = (count: number, i: number): boolean => count > (first.held[i] ?? 0);
  for (let i = 0; i < 250 && heldNow().some(isMore); i++) await new Promise((resolve) => setTimeout(resolve, 20));
  const [before, after] = [first.held.join(), heldNow().join()];
  t.notOk(heldNow().some(isMore), `files, threads, timers, native connections: ${before} and ${after}`);
  const grown = Math.min(...levels.slice(1).map((one, i) => one.heapBytes - (levels[i]?.heapBytes ?? 0)));
  t.ok(grown < MAX_GROWTH_BYTES, `${grown} bytes of JavaScript's memory after ${JOINS_PER_ROUND} more`);
  const rss = last.rssBytes - first.rssBytes;
  t.ok(rss < MAX_RSS_GROWTH_BYTES, `${rss} bytes of the process after ${visits - JOINS_PER_ROUND} more`);
  t.match(server.service.stats(), { rooms: 1, tracks: 1, subscriptions: 0, joins: { accepted: visits + 1 } });
});
