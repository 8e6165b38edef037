import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
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
