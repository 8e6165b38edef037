/** Buffers 1.5 s of a tone, stands still for a second, and goes on: argument 1 is the server. */
import { setTimeout as wait } from 'node:timers/promises';
import { getEngine } from '../../../src/engine/thread.js';
import { report } from './pair.js';
import { joinRoom, publishVoice } from './room.js';

const ann = await joinRoom(process.argv[2] ?? '', 'ann');
const voice = await publishVoice(ann);
// At once: what is written from now on arrives.
voice.speak(1500);
while (voice.heldMs() > 1400) await wait(5);
const fromMs = Date.now();
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
const toMs = Date.now();
voice.speak(500);
await getEngine().call('publisherDrain', { publisher: voice.publisher, kind: 'audio' });
await ann.leave();
report({ fromMs, toMs, errors: voice.errors });
