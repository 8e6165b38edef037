import { type Ffmpeg, check } from './ffmpeg.js';
import type { AvFrame } from './picture.js';

/**
 * A frame without a picture whose metadata says this, to be copied to others with `copyProps`: node-av can read metadata, but only a
 * filter can write it. It belongs to the caller. Errors: SLUICE_CODEC_FAILED.
 */
export function frameProperties(ffmpeg: Ffmpeg, metadata: Readonly<Record<string, number>>): AvFrame {
  const { lib } = ffmpeg;
  const what = 'a frame cannot be given metadata';
  const entries = Object.entries(metadata).map(([key, value]) => `metadata=mode=add:key=${key}:value=${value},`);
  const graph = new lib.FilterGraph();
  const written = new lib.Frame();
  const properties = new lib.Frame();
  graph.alloc();
  written.alloc();
  properties.alloc();
  try {
    check(ffmpeg, graph.parsePtr(`nullsrc=size=16x16,${entries.join('')}buffersink@out`), what);
    check(ffmpeg, graph.configSync(), what);
    check(ffmpeg, graph.getFilter('buffersink@out')?.buffersinkGetFrameSync(written) ?? -1, what);
    written.keyFrame = 0;
    check(ffmpeg, properties.copyProps(written), what);
  } finally {
    written.free();
    graph.free();
  }
  return properties;
}
