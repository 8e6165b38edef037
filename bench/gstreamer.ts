import { findProgram } from '../test/support/require.js';
import type { Load } from './chunk-cost-run.js';
import { programCpuS } from './program-cpu.js';

/** Elements of GStreamer that do what the nodes of the other pipelines do. */
export interface GStreamer {
  readonly name: string;
  readonly conditions: string;
  /** CPU time in ns a buffer and element. */
  measure(load: Load): Promise<number>;
}

/** Enough that what starting costs, a few ms more or less, does not count. */
const BUFFERS: Record<Load, number> = { tiny: 1_000_000, audio: 100_000 };

const SOURCES: Record<Load, (buffers: number) => string> = {
  tiny: (buffers) => `fakesrc num-buffers=${buffers} sizetype=fixed sizemax=8`,
  audio: (buffers) =>
    `audiotestsrc wave=square num-buffers=${buffers} samplesperbuffer=960 ! audio/x-raw,format=S16LE,rate=48000,channels=2,layout=interleaved`,
};
const ELEMENTS: Record<Load, string> = { tiny: 'identity', audio: 'volume volume=0.5' };

/** Undefined where gst-launch-1.0 is not installed (Debian: gstreamer1.0-tools and gstreamer1.0-plugins-base). */
export function gstreamer(elements: number): GStreamer | undefined {
  const launch = findProgram('gst-launch-1.0');
  if (launch === undefined || findProgram('bash') === undefined) return undefined;
  const run = async (load: Load, count: number): Promise<number> => {
    const chain = Array.from({ length: count }, () => ELEMENTS[load]);
    const line = [SOURCES[load](BUFFERS[load]), ...chain, 'fakesink sync=false'].join(' ! ');
    return (await programCpuS([launch, '-q', ...line.split(' ')])) * 1e9;
  };
  return {
    name: 'GStreamer, identity and volume',
    conditions: `GStreamer in the same runs: ${BUFFERS.tiny} buffers through identity elements, ${BUFFERS.audio} through volume elements, one streaming thread. Its buffers are reused, and volume writes into them.`,
    async measure(load) {
      const all = await run(load, elements);
      const none = await run(load, 0);
      return (all - none) / elements / BUFFERS[load];
    },
  };
}
