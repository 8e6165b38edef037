/* Tells what time it is in another thread: a part of a test. */
import { parentPort } from 'node:worker_threads';
import { systemClock } from '../../../src/media/clock.js';

parentPort?.postMessage(systemClock.nowUs());
