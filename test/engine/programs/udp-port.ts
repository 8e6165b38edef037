/** The hazards of a UDP port that transports share. Each case writes one line when it was survived. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { acquireNative, nativeUsers } from '../../../src/engine/native.js';
import { UdpMux, stopIdleListeners } from '../../../src/engine/udp-mux.js';
import { connect, report, rtp } from './pair.js';

/** A port that is taken is an error, not an abort. */
async function busyPort(): Promise<void> {
  const other = createSocket('udp4');
  other.bind(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address();
  const code = (task: Promise<unknown>): Promise<unknown> =>
    task.then(
      () => 'taken',
      (error: unknown) => (error as { code: string }).code,
    );
  const busy = await code(UdpMux.listen(port, '127.0.0.1'));
  const usersAfter = nativeUsers();
  other.close();
  await once(other, 'close');
  const mux = await UdpMux.listen(port, '127.0.0.1');
  const twice = await code(UdpMux.listen(port, '127.0.0.1'));
  const pairs = [await connect({ b: { udpPort: port } }), await connect({ b: { udpPort: port } })];
  for (const pair of pairs) {
    pair.a.transport.send(rtp(3));
    await pair.b.until(() => pair.b.packets.length === 1);
    await pair.close();
  }
  const alone = await connect({ b: { udpPort: port } });
  await alone.close();
  await mux.close();
  await mux.close();
  const again = await UdpMux.listen(port, '127.0.0.1');
  await again.close();
  report({ busy, usersAfter, twice, users: nativeUsers() });
}

/** Datagrams of strangers on the port of the server. */
async function garbageDatagrams(): Promise<void> {
  const probe = createSocket('udp4');
  probe.bind(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  const mux = await UdpMux.listen(port, '127.0.0.1');
  const pair = await connect({ b: { udpPort: port } });
  const stranger = createSocket('udp4');
  // First bytes of STUN, DTLS and RTP (RFC 7983), of nothing, and a STUN header with lengths that lie.
  const firsts = [0, 1, 2, 20, 22, 23, 64, 80, 128, 129, 200, 255];
  let sent = 0;
  for (let round = 0; round < 60; round++) {
    for (const [i, first] of firsts.entries()) {
      const datagram = Buffer.alloc((round * 37 + i * 11) % 1300, round * 13 + i * 7);
      if (datagram.length > 0) datagram[0] = first;
      if (datagram.length >= 20 && first < 2) {
        datagram.writeUInt16BE(first === 0 ? 1 : 0x101, 0);
        datagram.writeUInt16BE(round % 2 === 0 ? 0xffff : datagram.length - 20, 2);
        datagram.writeUInt32BE(0x2112a442, 4);
      }
      stranger.send(datagram, port, '127.0.0.1');
    }
    for (let i = 0; i < 3; i++) if (pair.a.transport.send(rtp(sent, 9))) sent++;
    pair.b.transport.send(rtp(round, 8));
    await wait(5);
  }
  await pair.b.until(() => pair.b.packets.length >= sent);
  await pair.a.until(() => pair.a.packets.length >= 60);
  const late = await connect({ b: { udpPort: port } });
  await late.close();
  const whole = pair.b.packets.every((packet, i) => packet.equals(rtp(i, 9)));
  report({
    sent,
    received: pair.b.packets.length,
    whole,
    back: pair.a.packets.length,
    states: [pair.a.transport.state, pair.b.transport.state],
    faults: pair.b.faults,
  });
  stranger.close();
  await pair.close();
  await mux.close();
}

const CASES = { busyPort, garbageDatagrams };

for (const name of process.argv.slice(2)) await CASES[name as keyof typeof CASES]();
// As the media thread does before its process ends.
const last = await acquireNative();
stopIdleListeners();
await last.release();
