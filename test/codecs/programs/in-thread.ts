import { Worker, isMainThread, parentPort } from 'node:worker_threads';
import { openVideoDecoder, openVideoEncoder } from '../../../src/codecs/codec-thread.js';
import { numbered, readNumber } from '../pictures.js';

/** Encodes and decodes in codec threads that were opened in a worker thread, prints the numbers and just returns. */
if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url));
  worker.on('message', (text: string) => {
    console.log(text);
  });
} else {
  const encoder = await openVideoEncoder({ codec: 'vp8', width: 160, height: 96, frameRate: 25, bitrate: 300_000 });
  const decoder = await openVideoDecoder({ codec: 'vp8' });
  const numbers: number[] = [];
  encoder.onChunk((chunk) => {
    decoder.decode(chunk);
  });
  decoder.onFrame((frame) => numbers.push(readNumber(frame)));
  for (let i = 0; i < 10; i++) encoder.encode(numbered(160, 96, i));
  await encoder.flush();
  await decoder.flush();
  await encoder.close();
  await decoder.close();
  parentPort?.postMessage(numbers.join(' '));
}
