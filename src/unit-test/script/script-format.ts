/** How scripted sound is kept: 16-bit stereo, in chunks of 20 ms. */
export const SCRIPT_FORMAT = {
  /** Hz. */
  sampleRate: 48_000,
  numberOfChannels: 2,
  chunkMs: 20,
  chunkFrames: 960,
} as const;

/** The frame that a time belongs to. */
export function frameAt(ms: number): number {
  return Math.round((ms * SCRIPT_FORMAT.sampleRate) / 1000);
}

/** The beginning of a frame in µs. */
export function frameUs(frame: number): number {
  return (frame * 1_000_000) / SCRIPT_FORMAT.sampleRate;
}
