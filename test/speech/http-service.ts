import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import t from 'tap';
import { askService } from '../../src/speech/http-service.js';

t.test('an answer that nobody begins to read, or only its first part, is given up', async (t) => {
  const server = createServer((_request, response) => {
    // It goes on for as long as somebody is there.
    const more = (): void => void response.write('x'.repeat(1000), () => setImmediate(more));
    response.writeHead(200, { 'content-type': 'Audio/PCM; rate=24000' });
    if (!response.destroyed) more();
  });
  t.teardown(() => server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  for (const parts of [0, 1]) {
    const asked = once(server, 'request');
    const { contentType, body } = await askService({
      url: `http://127.0.0.1:${port}/`,
      headers: {},
      body: () => '{}',
      timeoutMs: 10_000,
      signal: new AbortController().signal,
    });
    t.equal(contentType, 'audio/pcm');
    const [request, response] = (await asked) as [{ headers: object }, ServerResponse];
    t.match(request.headers, { 'content-type': 'application/json' });
    if (parts > 0) t.ok(((await body.next()).value as Uint8Array).length > 0, 'what it gives first is sound');
    const closed = once(response, 'close');
    await body.return(undefined);
    await closed;
  }
});

t.test('neither a password in an address nor a key that no header can hold is told in an error', async (t) => {
  const request = { body: () => '{}', timeoutMs: 1000, signal: new AbortController().signal };
  for (const [what, more] of [
    ['an address', { url: 'http://ann:geheim@127.0.0.1:1/v1/models', headers: {} }],
    ['a key', { url: 'http://127.0.0.1:1/', headers: { authorization: 'Bearer sk-\ngeheim' }, secret: 'sk-\ngeheim' }],
  ] as const) {
    const error = await askService({ ...request, ...more }).catch((thrown: unknown) => thrown);
    t.match(
      error,
      { code: 'SLUICE_SPEECH_FAILED', message: /the connection to http:\/\/127.0.0.1:1.* failed: / },
      what,
    );
    t.notMatch(inspect(error), /geheim/, what);
  }
});
