import { Transform } from 'node:stream';
import type { EncodedVideoChunk } from '../../../src/media/encoded-chunk.js';
import { opusEncoder, recorder, testPattern, tone, videoEncoder } from '../../../src/nodes.js';

/** Records a tone and numbered pictures into `path` until it is killed, and writes the time of each picture that it recorded, in ms. */
const [path = '', codec = 'vp8'] = process.argv.slice(2);
const file = await recorder({ path });
const told = new Transform({
  objectMode: true,
  transform(chunk: EncodedVideoChunk, _encoding, done) {
    process.stdout.write(`${Math.round(chunk.timestamp / 1000)}\n`);
    done(null, chunk);
  },
});
testPattern({ width: 192, height: 128, fps: 25 })
  .pipe(videoEncoder({ codec: codec === 'h264' ? 'h264' : 'vp8', bitrate: 300_000 }))
  .pipe(told)
  .pipe(file.input('video'));
tone({ frequency: 1000, level: -10 }).pipe(opusEncoder({})).pipe(file.input('audio'));
