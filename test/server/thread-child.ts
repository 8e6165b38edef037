/* A process that runs the server in its media thread, and blocks its main thread for a while. */
import { SluiceError } from '../../src/media/errors.js';
import { startServer } from '../../src/server/index.js';

const server = await startServer({ port: 0 });
const taken = await startServer({ port: server.port }).catch((error: unknown) =>
  error instanceof SluiceError ? error.code : String(error),
);
process.send?.({ url: server.url, httpUrl: server.httpUrl, taken });
process.on('message', (message: string) => {
  if (message === 'block') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3000);
  else if (message === 'stats') {
    void server.stats().then((stats) => process.send?.(stats));
  } else
    void server.close().then(() => {
      process.disconnect();
    });
});
