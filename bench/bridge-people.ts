/* Participants of a session that is bridged, in a process of their own. */
import { connect, type EncodedAudioChunk, type Stream } from 'sluice';
import { Ears } from './bridge-ears.js';
import { tonePackets } from './bridge-tones.js';
import { answerCalls } from './child.js';
import type { JoinOptions } from './client.js';
import { pace } from './pacer.js';

/** What is ahead of the clock in each publisher. */
const LEAD_PACKETS = 3;

const ears = new Ears();

const calls = {
  /** Lets them join and speak; resolves when each is given a mix. */
  async join({ ways }: { ways: readonly JoinOptions[] }): Promise<void> {
    const mixes: Promise<void>[] = [];
    for (const [index, way] of ways.entries()) {
      let mixed: () => void = () => undefined;
      mixes.push(
        new Promise((resolve) => {
          mixed = resolve;
        }),
      );
      await speak(index, way, mixed);
    }
    await Promise.all(mixes);
  },
  /** Packets that come to all of them over the next `ms`. */
  count: ({ ms }: { ms: number }): Promise<number> => ears.count(ms),
  /** How many hear all others, and not themselves. */
  check: ({ participants }: { participants: number }): Promise<number> => ears.check(participants),
};

export type BridgePeopleCalls = typeof calls;

/** Joins and publishes; settles then. `mixed` is called with the first packet of the mix. */
async function speak(index: number, { url, token }: JoinOptions, mixed: () => void): Promise<void> {
  const session = await connect({ url, token });
  const listen = async (stream: Stream): Promise<void> => {
    const subscriber = await session.subscribe(stream, { encoded: true, subscribeToVideo: false });
    subscriber.once('data', mixed);
    subscriber.on('data', ({ data }: EncodedAudioChunk) => {
      ears.take(index, data);
    });
  };
  session.on('streamReceived', (stream) => {
    if (stream.name === `mix voice ${index}`) void listen(stream);
  });
  const publisher = await session.publish({ name: `voice ${index}`, hasVideo: false });
  const packets = await tonePackets(index);
  const write = (count: number): void => {
    const data = packets[count % packets.length] ?? new Uint8Array(0);
    publisher.write({ kind: 'encoded-audio', codec: 'opus', data, timestamp: count * 20_000, duration: 20_000 });
  };
  for (let count = 0; count < LEAD_PACKETS; count++) write(count);
  pace(20, (count) => write(count + LEAD_PACKETS));
}

answerCalls(calls);
