import { openVideoEncoder } from '../../../src/codecs/codec-thread.js';
import { openMediaFile } from '../../../src/codecs/media-file.js';
import { createMuxer } from '../../../src/codecs/muxer.js';

/** Reads one file, begins another, then encodes video; prints how many threads there were after each. */
let threads = 0;
const counts: number[] = [];
process.on('worker', () => {
  threads++;
});
const [input = '', output = ''] = process.argv.slice(2);
const reader = (await openMediaFile(input)).read();
await reader.next();
counts.push(threads);
const muxer = await createMuxer(output, { container: 'ogg', audio: { codec: 'opus', numberOfChannels: 1 } });
counts.push(threads);
const encoder = await openVideoEncoder({ codec: 'vp8', width: 64, height: 64, frameRate: 25, bitrate: 100_000 });
counts.push(threads);
await Promise.all([muxer.close(), encoder.close(), reader.close()]);
console.log(counts.join(' '));
