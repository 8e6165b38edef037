import { createMuxer, type MuxerOptions } from '../../../src/codecs/muxer.js';
import { opusChunks } from '../fixtures.js';

/** Writes four seconds to a file and is killed without a chance to complete it. Arguments: path, container. */
const [path = 'killed', container = 'webm'] = process.argv.slice(2);
const muxer = await createMuxer(path, {
  container: container as MuxerOptions['container'],
  audio: { codec: 'opus', numberOfChannels: 1 },
});
for (const chunk of await opusChunks(200, 0, 0)) muxer.write(chunk);
await muxer.drained();
process.kill(process.pid, 'SIGKILL');
