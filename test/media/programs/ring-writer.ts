/* Writes numbered chunks of varying length into a ring, as fast as there is room: the other thread of a test. */
import { workerData } from 'node:worker_threads';
import { AudioRing } from '../../../src/media/audio-ring.js';

/** The chunk of this number: its samples begin with the number and go on counting. */
export function numberedChunk(number: number): Int16Array {
  const length = 1 + ((number * 7919) % 400);
  return Int16Array.from({ length }, (_, index) => (number + index) & 0x7fff);
}

const data = workerData as { readonly memory: SharedArrayBuffer; readonly chunks: number } | null;
if (data) {
  const ring = new AudioRing(data.memory);
  for (let number = 0; number < data.chunks; number++) {
    const chunk = numberedChunk(number);
    while (!ring.write(chunk, number * 20_000, 0, number));
  }
}
