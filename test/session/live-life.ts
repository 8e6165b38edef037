import { once } from 'node:events';
import { finished, pipeline } from 'node:stream/promises';
import t from 'tap';
import { connect } from '../../src/connect.js';
import { useEmbeddedServer } from '../../src/embedded.js';
import { startServer } from '../../src/server/index.js';
import { freePort } from '../support/free-port.js';
import { ended, run } from '../support/program.js';
import { endlessPackets, liveServer, newRoom, streamNamed } from './live-room.js';

const INDEX = new URL('../../src/index.js', import.meta.url).href;

t.test('life of sessions', async (t) => {
  await t.test('importing sluice starts no thread, loads no native module and ends at once', async (t) => {
    const program = `
      await import('${INDEX}');
      const native = process.report.getReport().sharedObjects.filter((path) => path.endsWith('.node'));
      const busy = process.getActiveResourcesInfo().filter((kind) => !['CloseReq', 'TTYWrap', 'PipeWrap'].includes(kind));
      console.log(JSON.stringify([native, busy]));`;
    t.match(await run(program), ended('[[],[]]\n'));
  });

  await t.test('a program that leaves its session ends by itself', async (t) => {
    const { url } = await liveServer();
    const program = `
      import { connect } from '${INDEX}';
      const session = await connect({ url: '${url}', sessionId: 'leaving' });
      await session.publish({ hasVideo: false });
      await session.disconnect();
      console.log('left');`;
    t.match(await run(program), ended('left\n'));
  });

  await t.test('a program that ends in the middle of a session does not hang or abort', async (t) => {
    const { url } = await liveServer();
    const open = `
      import { connect } from '${INDEX}';
      const session = await connect({ url: '${url}', sessionId: 'middle' });
      await session.publish();
      session.mix().resume();`;
    t.match(await run(`${open} console.log('exit'); process.exit(0);`), ended('exit\n'));
    t.match(await run(`${open} console.log('unref'); session.unref();`), ended('unref\n'), 'and unref() lets it end');
    t.match(await run(`${open} console.log('throw'); throw new Error('a fault of its own');`), {
      code: 1,
      output: 'throw\n',
      errors: /a fault of its own/,
    });
  });

  await t.test('an open session keeps the program alive until it is left', async (t) => {
    const { url } = await liveServer();
    const program = `
      import { connect } from '${INDEX}';
      const stop = new AbortController();
      const session = await connect({ url: '${url}', sessionId: 'alive', signal: stop.signal });
      setTimeout(() => stop.abort(), 300).unref();
      session.on('disconnected', () => console.log('aborted'));`;
    t.match(await run(program), ended('aborted\n'));
  });

  await t.test('the shortest program: the embedded server is started, shared and closed', async (t) => {
    const url = `embedded:${await freePort()}`;
    const program = `
      import { once } from 'node:events';
      import { connect } from '${INDEX}';
      for (const round of [1, 2]) {
        const [ann, bob] = await Promise.all([connect({ sessionId: 'demo', name: 'ann' }), connect({ sessionId: 'demo', name: 'bob' })]);
        await ann.publish({ hasVideo: false });
        const [stream] = bob.streams.size > 0 ? bob.streams.values() : await once(bob, 'streamReceived');
        const subscriber = await bob.subscribe(stream, { encoded: true });
        const [chunk] = await once(subscriber.audio, 'data');
        console.log(round, stream.name, chunk.codec);
        await Promise.all([ann.disconnect(), bob.disconnect()]);
      }`;
    t.match(await run(program, { SLUICE_URL: url }), ended('1 ann opus\n2 ann opus\n'), 'and it can be started again');
  });

  await t.test('an embedded server that runs already is used, and left running', async (t) => {
    const port = await freePort();
    const other = await startServer({ port, logLevel: 'error' });
    const use = await useEmbeddedServer(port);
    t.match(use, { here: false, url: `ws://127.0.0.1:${port}` });
    await use.release();
    const session = await connect({ url: `embedded:${port}`, sessionId: 'demo' });
    await session.disconnect();
    t.equal((await fetch(`${use.httpUrl}/healthz`)).status, 200);
    await other.close();
  });

  await t.test('an embedded server is closed with its last use', async (t) => {
    const port = await freePort();
    const uses = await Promise.all([useEmbeddedServer(port), useEmbeddedServer(port)]);
    t.strictSame(
      uses.map(({ here, url }) => [here, url]),
      Array(2).fill([true, `ws://127.0.0.1:${port}`]),
    );
    await uses[0].release();
    await uses[0].release();
    t.equal((await fetch(`${uses[1].httpUrl}/healthz`)).status, 200);
    await uses[1].release();
    await t.rejects(fetch(`${uses[1].httpUrl}/healthz`), { cause: { code: 'ECONNREFUSED' } });
    const again = await useEmbeddedServer(port);
    t.equal(again.here, true);
    await again.release();
  });

  await t.test('others see who comes and goes', async (t) => {
    const join = newRoom();
    const bob = await join('bob', { data: '{"role":"watcher"}' });
    const created = once(bob, 'connectionCreated');
    const ann = await join('ann', { data: '{"role":"speaker"}' });
    t.match(await created, [{ name: 'ann', data: '{"role":"speaker"}', connectionId: ann.connection.connectionId }]);
    const publisher = await ann.publish({ name: 'Show', hasVideo: false });
    const stream = await streamNamed(bob, 'Show');
    t.match(stream, {
      streamId: publisher.streamId,
      hasAudio: true,
      hasVideo: false,
      connectionId: ann.connection.connectionId,
    });
    const subscriber = await bob.subscribe(stream);
    const gone = Promise.all([once(bob, 'streamDropped'), finished(subscriber.resume())]);
    await ann.unpublish();
    await gone;
    const dropped = once(bob, 'connectionDropped');
    await ann.disconnect();
    t.match(await dropped, [{ name: 'ann' }]);
    t.equal(bob.streams.size, 0);
    await bob.disconnect();
  });

  await t.test('what a listener throws is uncaught, and the others are told all the same', async (t) => {
    const join = newRoom();
    const { url } = await liveServer();
    const ann = await join('ann');
    await ann.publish({ name: 'Show', hasVideo: false });
    const program = `
      import { connect } from '${INDEX}';
      process.on('uncaughtException', (error) => console.log('uncaught', error.message));
      const session = await connect({ url: '${url}', sessionId: '${ann.sessionId}' });
      session.on('connectionCreated', () => { throw new Error('of a listener'); });
      session.on('streamReceived', async (stream) => {
        console.log('received', stream.name);
        await session.disconnect();
      });`;
    t.match(await run(program), ended('received Show\nuncaught of a listener\n'));
    await ann.disconnect();
  });

  await t.test('what a reader throws keeps nothing from the others', async (t) => {
    const join = newRoom();
    const { url } = await liveServer();
    const ann = await join('ann');
    const piped = pipeline(endlessPackets(), await ann.publish({ hasVideo: false })).catch(() => undefined);
    const program = `
      import { once } from 'node:events';
      import { connect } from '${INDEX}';
      let thrown = 0;
      process.on('uncaughtException', () => thrown++);
      const session = await connect({ url: '${url}', sessionId: '${ann.sessionId}' });
      const [stream] = await once(session, 'streamReceived');
      const settings = { encoded: true, subscribeToVideo: false };
      const bad = await session.subscribe(stream, settings);
      const good = await session.subscribe(stream, settings);
      bad.on('data', () => { throw new Error('of a reader'); });
      const numbers = [];
      good.on('data', async ({ data }) => {
        if (data.length === 40) numbers.push(new DataView(data.buffer, data.byteOffset).getUint32(4));
        if (numbers.length !== 20) return;
        await session.disconnect();
        console.log(thrown > 10, numbers.every((number, i) => number === numbers[0] + i));
      });`;
    t.match(await run(program), ended('true true\n'));
    await ann.disconnect();
    await piped;
  });

  await t.test('a session whose server goes away is lost', async (t) => {
    const own = await startServer({ port: 0, logLevel: 'silent' });
    const session = await connect({ url: own.url, sessionId: 'lost' });
    const publisher = await session.publish({ hasVideo: false });
    const lost = Promise.all([
      t.rejects(finished(publisher), { code: 'SLUICE_SESSION_LOST' }),
      once(session, 'close').catch((error: unknown) => t.match(error, { code: 'SLUICE_SESSION_LOST' })),
    ]);
    await own.close();
    await lost;
  });

  await t.test('who may not come in is told why', async (t) => {
    const { url } = await liveServer();
    await t.rejects(connect({ url, sessionId: 'demo', apiKey: 'devkey', apiSecret: 'not the secret' }), {
      code: 'SLUICE_TOKEN_INVALID',
    });
    const port = await freePort();
    await t.rejects(connect({ url: `ws://127.0.0.1:${port}`, sessionId: 'demo' }), { code: 'SLUICE_CONNECT_FAILED' });
  });
});
