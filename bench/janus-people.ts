/* Participants that send and take plain RTP, in a process of their own. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { Ears } from './bridge-ears.js';
import { tonePackets } from './bridge-tones.js';
import { answerCalls } from './child.js';
import { pace } from './pacer.js';

const HEADER_BYTES = 12;
const PAYLOAD_TYPE = 111;
const SAMPLES_PER_PACKET = 960;

const sockets: Socket[] = [];
const ears = new Ears();

const calls = {
  /** Opens a socket for each; their ports. */
  async open({ participants }: { participants: number }): Promise<number[]> {
    for (let index = 0; index < participants; index++) {
      const socket = createSocket('udp4').bind(0, '127.0.0.1');
      await once(socket, 'listening');
      socket.on('message', (packet: Buffer) => {
        ears.take(index, packet.subarray(HEADER_BYTES));
      });
      sockets.push(socket);
    }
    return sockets.map((socket) => socket.address().port);
  },
  /** Each speaks to the port that is theirs. */
  async speak({ ports }: { ports: readonly number[] }): Promise<void> {
    const all = await Promise.all(
      ports.map(async (port, index) => ({ port, packets: await tonePackets(index), index })),
    );
    pace(20, (count) => {
      for (const { port, packets, index } of all) {
        const payload = packets[count % packets.length];
        if (payload) sockets[index]?.send([header(count, index + 1), payload], port, '127.0.0.1');
      }
    });
  },
  /** Packets that come to all of them over the next `ms`. */
  count: ({ ms }: { ms: number }): Promise<number> => ears.count(ms),
  /** How many hear all others, and not themselves. */
  check: ({ participants }: { participants: number }): Promise<number> => ears.check(participants),
};

export type JanusPeopleCalls = typeof calls;

/** RFC 3550, section 5.1. */
function header(count: number, ssrc: number): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes[0] = 0x80;
  bytes[1] = PAYLOAD_TYPE;
  bytes.writeUInt16BE(count & 0xffff, 2);
  bytes.writeUInt32BE((count * SAMPLES_PER_PACKET) >>> 0, 4);
  bytes.writeUInt32BE(ssrc, 8);
  return bytes;
}

answerCalls(calls);
