import t from 'tap';
import { type MuxerOptions, createMuxer } from '../../src/codecs/muxer.js';
import type { EncodedAudioChunk, EncodedVideoChunk } from '../../src/media/encoded-chunk.js';

/** The track of a file with sound. */
export const AUDIO = { codec: 'opus', numberOfChannels: 1 } as const;

/** Writes a file. */
export async function record(
  path: string,
  options: MuxerOptions,
  chunks: (EncodedAudioChunk | EncodedVideoChunk)[],
): Promise<void> {
  const muxer = await createMuxer(path, options);
  for (const chunk of chunks) muxer.write(chunk);
  await muxer.drained();
  t.equal(muxer.pending, 0);
  await muxer.close();
}
