/** Run with --expose-gc: media goes on, and processes end in order, however often wrappers could be collected. */
import { setTimeout as wait } from 'node:timers/promises';
import { nativeUsers } from '../../../src/engine/native.js';
import { connect, report, rtp, sequenceOf } from './pair.js';

declare const gc: () => void;

/** Nothing here holds the ends but the transports themselves and the native library. */
async function mediaGoesOn(): Promise<void> {
  const pair = await connect({ a: { dataChannels: true }, b: { dataChannels: true } });
  const { a, b } = pair;
  let sent = 0;
  for (let round = 0; round < 60; round++) {
    a.transport.send(rtp(sent, 1));
    b.transport.send(rtp(sent, 2));
    sent++;
    // What is used in a turn of the loop is not collected in the same one, and wrappers are finalised in a later one.
    await wait(10);
    gc();
    await wait(10);
  }
  await Promise.all([b.until(() => b.packets.length === sent), a.until(() => a.packets.length === sent)]);
  report({
    forth: b.packets.every((packet, i) => sequenceOf(packet) === i),
    back: a.packets.every((packet, i) => sequenceOf(packet) === i),
    sent,
  });
  await pair.close();
}

/** Ends that were closed and let go, collected before and while the library is cleaned up. */
async function closedOnes(): Promise<void> {
  for (let round = 0; round < 5; round++) {
    const kept = await connect();
    for (let i = 0; i < 4; i++) {
      const pair = await connect({ a: { dataChannels: true }, b: { dataChannels: true } });
      if (i % 2 === 0) await pair.a.transport.close();
      await pair.close();
    }
    for (let i = 0; i < 3; i++) {
      gc();
      await wait(5);
    }
    // The last one to go: the library is cleaned up.
    await kept.close();
    gc();
    await wait(5);
  }
  report({ users: nativeUsers() });
}

await mediaGoesOn();
await closedOnes();
