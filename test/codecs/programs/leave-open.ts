import { openVideoDecoder, openVideoEncoder } from '../../../src/codecs/codec-thread.js';
import { createMuxer } from '../../../src/codecs/muxer.js';
import { numbered } from '../pictures.js';

/** Leaves in the middle of work: argument `exit` by process.exit, `throw` by an error that nobody catches. */
const encoder = await openVideoEncoder({ codec: 'vp8', width: 1280, height: 720, frameRate: 25, bitrate: 900_000 });
const decoder = await openVideoDecoder({ codec: 'vp8' });
await createMuxer(process.argv[3] ?? 'left.webm', {
  container: 'webm',
  video: { codec: 'vp8', width: 1280, height: 720 },
});
let chunks = 0;
encoder.onChunk((chunk) => {
  decoder.decode(chunk);
  encoder.encode(numbered(1280, 720, ++chunks));
  if (chunks < 5) return;
  if (process.argv[2] === 'exit') process.exit(3);
  throw new Error('left by a fault');
});
for (let i = 0; i < 4; i++) encoder.encode(numbered(1280, 720, i));
