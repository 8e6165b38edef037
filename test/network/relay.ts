import { type RemoteInfo, type Socket, createSocket } from 'node:dgram';
import { once } from 'node:events';
import t from 'tap';
import { Relay } from '../support/network/relay.js';

async function udp(test: { teardown(task: () => unknown): void }): Promise<Socket> {
  const socket = createSocket('udp4');
  test.teardown(() => socket.close());
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

/** The datagrams that come, one after the other. */
function incoming(socket: Socket): () => Promise<{ text: string; from: RemoteInfo }> {
  const came: { text: string; from: RemoteInfo }[] = [];
  socket.on('message', (data: Buffer, from: RemoteInfo) => {
    came.push({ text: data.toString(), from });
    socket.emit('taken');
  });
  return async () => {
    while (came.length === 0) await once(socket, 'taken');
    return came.shift()!;
  };
}

t.test('a relay between clients and a server', async (t) => {
  t.test('gives each client an address of its own at the server, and answers to the right one', async (t) => {
    const relay = await Relay.start({ seed: 1 });
    t.teardown(() => relay.close());
    const [server, ann, bob] = [await udp(t), await udp(t), await udp(t)];
    const [atServer, atAnn, atBob] = [incoming(server), incoming(ann), incoming(bob)];
    const target = { address: '127.0.0.1', port: server.address().port };
    const { address, port } = await relay.open(target);
    t.same(await relay.open(target), { address, port }, 'one address for one server');
    t.not(port, target.port);
    ann.send('from ann', port, address);
    const first = await atServer();
    bob.send('from bob', port, address);
    const second = await atServer();
    t.same([first.text, second.text], ['from ann', 'from bob']);
    t.equal(new Set([first.from.port, second.from.port, ann.address().port, bob.address().port]).size, 4);
    server.send('to bob', second.from.port, second.from.address);
    server.send('to ann', first.from.port, first.from.address);
    const [answer, other] = [await atBob(), await atAnn()];
    t.same([answer.text, other.text], ['to bob', 'to ann']);
    t.same([answer.from.port, other.from.port], [port, port]);
    t.match(await relay.stats(), { up: { forwarded: 2, bytes: 16 }, down: { forwarded: 2, bytes: 12 }, flows: 2 });
  });

  t.test('has conditions for each direction, which change while it runs', async (t) => {
    const relay = await Relay.start({ seed: 2, up: { loss: 1 }, down: { delayMs: 30 } });
    t.teardown(() => relay.close());
    const [server, client] = [await udp(t), await udp(t)];
    const [atServer, atClient] = [incoming(server), incoming(client)];
    const { address, port } = await relay.open({ address: '127.0.0.1', port: server.address().port });
    for (let i = 0; i < 5; i++) client.send(`lost ${i}`, port, address);
    while ((await relay.stats()).up.dropped.loss < 5);
    await relay.set({ up: { loss: 0, duplicate: 1 } });
    client.send('twice', port, address);
    const { from, text } = await atServer();
    t.equal(text, 'twice');
    t.equal((await atServer()).text, 'twice');
    const began = performance.now();
    server.send('later', from.port, from.address);
    t.equal((await atClient()).text, 'later');
    const tookMs = performance.now() - began;
    t.ok(tookMs > 28, `${tookMs} ms for a delay of 30`);
    await t.rejects(relay.set({ up: { loss: 2 } }), /share/);
  });

  t.test('is closed once, and answers nothing after that', async (t) => {
    const relay = await Relay.start({ seed: 3 });
    await Promise.all([relay.close(), relay.close()]);
    await t.rejects(relay.stats(), /closed/);
  });
});
