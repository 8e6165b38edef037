/** The hazards of the native library, one after another: each writes one line when it was survived. */
import { setTimeout as wait } from 'node:timers/promises';
import { nativeUsers } from '../../../src/engine/native.js';
import {
  writeCompound,
  writeNack,
  writePli,
  writeReceiverReport,
  writeRemb,
  writeSenderReport,
  writeSourceDescription,
} from '../../../src/engine/rtp/rtcp-writer.js';
import { Transport } from '../../../src/engine/transport.js';
import { type Pair, connect, End, introduce, join, report, rtp, sequenceOf } from './pair.js';

/** Everything thrown in a callback is caught and reported, and the transport goes on. */
async function throwingCallbacks(): Promise<void> {
  const pair = await introduce({ a: { dataChannels: true }, b: { dataChannels: true } });
  const { a, b } = pair;
  b.onState = (state) => {
    throw new Error(`state ${state}`);
  };
  b.onPacket = (packet) => {
    throw new Error(`packet ${sequenceOf(packet)}`);
  };
  b.onDataChannel = (channel) => {
    channel.onMessage = (data) => {
      throw new Error(`message ${data.toString()}`);
    };
    throw new Error(`channel ${channel.label}`);
  };
  join(pair);
  await Promise.all([a.connected(), b.connected()]);
  await b.until(() => b.channels.length > 0);
  const channel = a.transport.openChannel('own', { lossy: false });
  await b.until(() => b.channels.length > 1);
  for (let i = 0; i < 3; i++) a.transport.send(rtp(i));
  await b.until(() => b.packets.length === 3);
  channel.send(Buffer.from('hello'));
  await b.until(() => b.faults.includes('message hello'));
  await pair.close();
  report({ faults: [...new Set(b.faults)].sort(), states: b.states.at(-1), users: nativeUsers() });
}

/** A fault handler that throws itself has nobody to tell, and does no harm. */
async function throwingFaultHandler(): Promise<void> {
  const pair = await introduce({
    b: {
      onFault: () => {
        throw new Error('from the handler');
      },
    },
  });
  pair.b.onPacket = () => {
    throw new Error('from the callback');
  };
  join(pair);
  await Promise.all([pair.a.connected(), pair.b.connected()]);
  pair.a.transport.send(rtp(1));
  pair.a.transport.send(rtp(2));
  await pair.b.until(() => pair.b.packets.length === 2);
  await pair.close();
  report({ packets: pair.b.packets.length });
}

/** Sending at any time returns a boolean. */
async function sendAtAnyTime(): Promise<void> {
  const pair = await introduce();
  const { a, b } = pair;
  const outcomes: Record<string, unknown> = { early: a.transport.send(rtp(0)) };
  join(pair);
  await Promise.all([a.connected(), b.connected()]);
  outcomes['connected'] = a.transport.send(rtp(5000));
  outcomes['largest'] = a.transport.send(rtp(5001, 1, 96, 1400));
  outcomes['tooLarge'] = a.transport.send(rtp(5002, 1, 96, 1401));
  outcomes['empty'] = a.transport.send(Buffer.alloc(0));
  outcomes['tooShort'] = a.transport.send(Buffer.alloc(5, 0x80));
  // Older than what SRTP remembers: the native library throws.
  outcomes['tooOld'] = a.transport.send(rtp(100));
  outcomes['after'] = a.transport.send(rtp(5003));
  await b.until(() => b.packets.length === 3);
  outcomes['arrived'] = b.packets.map((packet) => [sequenceOf(packet), packet.length]);
  outcomes['failures'] = a.transport.sendFailures;
  const closing = a.transport.close();
  outcomes['closing'] = a.transport.send(rtp(5004));
  await closing;
  outcomes['closed'] = a.transport.send(rtp(5005));
  outcomes['failuresAfter'] = a.transport.sendFailures;
  // The other side does not know yet, and need not: nothing comes of what it sends.
  let answered = 0;
  for (let i = 0; i < 200; i++) {
    if (typeof b.transport.send(rtp(i, 2)) === 'boolean') answered++;
    if (i % 10 === 9) await wait(2);
  }
  outcomes['answered'] = answered;
  await b.transport.close();
  report(outcomes);
}

/** Who says that it is connected can send. */
async function sendAtOnce(): Promise<void> {
  const sent: boolean[] = [];
  let received = 0;
  for (let i = 0; i < 20; i++) {
    const pair = await introduce();
    pair.b.onState = (state) => {
      if (state === 'connected') sent.push(pair.b.transport.send(rtp(2)));
    };
    pair.a.onState = (state) => {
      if (state === 'connected') sent.push(pair.a.transport.send(rtp(1)));
    };
    join(pair);
    await Promise.all([pair.a.connected(), pair.b.connected()]);
    pair.a.transport.send(rtp(3));
    await pair.b.until(() => pair.b.packets.some((packet) => sequenceOf(packet) === 3));
    received++;
    await pair.close();
  }
  report({ sent: sent.filter((one) => one).length, received });
}

/** Closing in every order, at every time; a new pair works after each. */
async function closeInAnyOrder(): Promise<void> {
  const orders: readonly ((pair: Pair) => Promise<unknown>)[] = [
    async ({ a, b }) => {
      await a.transport.close();
      await b.transport.close();
    },
    async ({ a, b }) => {
      await b.transport.close();
      await a.transport.close();
    },
    ({ a, b }) => Promise.all([a.transport.close(), b.transport.close(), a.transport.close(), b.transport.close()]),
    async (pair) => {
      join(pair);
      await pair.close();
    },
    async (pair) => {
      join(pair);
      await pair.b.connected();
      await pair.close();
    },
    async (pair) => {
      join(pair);
      await pair.b.transport.close();
      await pair.a.transport.close();
    },
    async (pair) => {
      // From within a callback of the one that is closed.
      const { a, b } = pair;
      let closed: Promise<void> | undefined;
      b.onPacket = () => {
        closed ??= b.transport.close();
      };
      a.onState = (state) => {
        if (state === 'connected') void a.until(() => true).then(() => a.transport.send(rtp(1)));
      };
      join(pair);
      await b.until(() => b.packets.length > 0);
      await closed;
      await a.transport.close();
    },
    async (pair) => {
      const { a } = pair;
      a.onState = (state) => {
        if (state === 'connected') void a.transport.close();
      };
      join(pair);
      await a.until(() => a.states.includes('closed'));
      await pair.close();
    },
    async (pair) => {
      join(pair);
      await Promise.all([pair.a.connected(), pair.b.connected()]);
      let sequence = 0;
      const sending = setInterval(() => {
        for (let i = 0; i < 5; i++) pair.a.transport.send(rtp(sequence++));
      }, 1);
      await pair.b.until(() => pair.b.packets.length > 20);
      await pair.b.transport.close();
      await pair.a.transport.close();
      clearInterval(sending);
    },
  ];
  const users: number[] = [];
  for (const order of orders) {
    const pair = await introduce({ a: { dataChannels: true }, b: { dataChannels: true } });
    await order(pair);
    users.push(nativeUsers());
  }
  const alone = new End();
  const offered = await Transport.offer(alone.options('alone'));
  await offered.close();
  // What is asked of it now is refused, not fatal.
  offered.addRemoteCandidate('candidate:1 1 UDP 1 127.0.0.1 9 typ host');
  const refused = await Promise.resolve()
    .then(() => {
      offered.accept(offered.local);
    })
    .catch((error: unknown) => (error as { code: string }).code);
  const pair = await connect();
  pair.a.transport.send(rtp(7));
  await pair.b.until(() => pair.b.packets.length === 1);
  await pair.close();
  report({ users, refused, usersAtEnd: nativeUsers() });
}

/** Descriptions and candidates that cannot be used. */
async function badDescriptions(): Promise<void> {
  const pair = await introduce();
  const { a, b } = pair;
  const codes: unknown[] = [];
  const attempt = async (task: () => unknown): Promise<void> => {
    try {
      await task();
      codes.push('taken');
    } catch (error) {
      codes.push((error as { code?: string }).code);
    }
  };
  await attempt(() => {
    a.transport.accept({ ...b.transport.local, iceUfrag: 'x\r\na=evil' });
  });
  await attempt(() => {
    a.transport.accept({ ...b.transport.local, iceUfrag: '' });
  });
  await attempt(() => {
    a.transport.accept({ ...b.transport.local, fingerprint: { algorithm: 'sha-256', value: 'AA:BB' } });
  });
  const end = new End();
  await attempt(() => Transport.answer({ ...a.transport.local, icePwd: 'short\n' }, end.options('bad')));
  // Neither order nor content of candidates is known: what cannot be read is ignored.
  const early = new End();
  early.transport = await Transport.offer(early.options('early'));
  for (const candidate of [
    '',
    'nonsense',
    'candidate:',
    `candidate:1 1 UDP 1 127.0.0.1 99999999 typ host`,
    `candidate:${'x'.repeat(5000)}`,
  ]) {
    early.transport.addRemoteCandidate(candidate);
    b.transport.addRemoteCandidate(candidate);
  }
  await early.transport.close();
  join(pair);
  await Promise.all([a.connected(), b.connected()]);
  await pair.close();
  report({ codes, users: nativeUsers() });
}

/** What the native library does not document: with one m-line, its track gets everything, whatever the SDP said. */
async function oneTrackGetsAll(): Promise<void> {
  const pair = await connect({ a: { dataChannels: true }, b: { dataChannels: true } });
  const sent: Buffer[] = [];
  const ssrcs = [1, 2, 0x7fffffff, 0x80000000, 0xffffffff, 0xdeadbeef];
  // Every payload type that is not RTCP's (RFC 5761), with and without the marker.
  for (let type = 0; type < 128; type++) {
    if (type >= 64 && type <= 95) continue;
    for (const marker of [0, 128])
      sent.push(rtp(sent.length, ssrcs[type % ssrcs.length], type | marker, 20 + ((type * 10) % 1200)));
  }
  const block = {
    ssrc: 5,
    fractionLost: 0,
    cumulativeLost: 0,
    highestSequence: 1,
    jitter: 0,
    lastSr: 0,
    delaySinceLastSr: 0,
  };
  const twcc = Buffer.from('8fcd0005000000070000000900000001000000000020000101000000', 'hex').subarray(0, 24);
  twcc.writeUInt16BE(5, 2);
  const report1 = writeReceiverReport(3, [block]);
  sent.push(
    writeSenderReport({ ssrc: 4, ntpUs: 1e15, rtpTimestamp: 1, packetCount: 1, octetCount: 1 }),
    report1,
    writeCompound([report1, writeSourceDescription(4, 'name')]),
    writeNack(1, 0xdeadbeef, [1, 2, 99]),
    writePli(1, 2),
    writeRemb(1, 1_000_000, [2, 3]),
    twcc,
  );
  const outcomes: Record<string, unknown> = { sent: sent.length };
  for (const [name, from, to] of [
    ['forth', pair.a, pair.b],
    ['back', pair.b, pair.a],
  ] as const) {
    const refused: number[] = [];
    for (const [i, packet] of sent.entries()) {
      if (!from.transport.send(Buffer.from(packet))) refused.push(i);
      if (i % 10 === 9) await wait(5);
    }
    await to.until(() => to.packets.length === sent.length - refused.length);
    const keys = new Set(to.packets.map((packet) => packet.toString('hex')));
    outcomes[name] = { refused, missing: sent.flatMap((packet, i) => (keys.has(packet.toString('hex')) ? [] : [i])) };
  }
  await pair.close();
  report(outcomes);
}

const CASES = {
  throwingCallbacks,
  throwingFaultHandler,
  sendAtAnyTime,
  sendAtOnce,
  closeInAnyOrder,
  badDescriptions,
  oneTrackGetsAll,
};

for (const name of process.argv.slice(2)) await CASES[name as keyof typeof CASES]();
