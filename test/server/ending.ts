import t from 'tap';
import { nativeUsers } from '../../src/engine/native.js';
import { stopIdleListeners } from '../../src/engine/udp-mux.js';

t.test('closed servers and clients leave nothing behind that keeps the process', async (t) => {
  t.equal(nativeUsers(), 0);
  // What the media thread does before its process ends; here the servers ran in the main thread.
  stopIdleListeners();
  (await import('node-datachannel')).cleanup();
});
