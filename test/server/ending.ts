import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { nativeUsers } from '../../src/engine/native.js';
import { stopIdleListeners } from '../../src/engine/udp-mux.js';

t.test('closed servers and clients leave nothing behind that keeps the process, or crashes its end', async (t) => {
  t.equal(nativeUsers(), 0);
  // A clean-up that meets a collected wrapper of a track ends the process with a segmentation fault.
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let i = 0; i < 10; i++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  // What the media thread does before its process ends; here the servers ran in the main thread.
  stopIdleListeners();
  (await import('node-datachannel')).cleanup();
});
