import { blackFrame, fillRect, i420Planes } from '../../src/media/yuv.js';
import type { VideoFrame } from '../../src/media/video-frame.js';

/** A YUV420P picture with a number written as 8 bars, white for 1 and black for 0, the highest bit at the left. */
export function numbered(width: number, height: number, number: number, timestamp = number * 33_333): VideoFrame {
  const frame = blackFrame(width, height, timestamp, { y: 80, u: 100, v: 160 });
  for (let bit = 0; bit < 8; bit++) {
    const x = Math.floor((bit * width) / 8);
    const isSet = ((number >> (7 - bit)) & 1) === 1;
    fillRect(
      frame,
      { x, y: 0, width: Math.floor(((bit + 1) * width) / 8) - x, height: height >> 1 },
      { y: isSet ? 220 : 20, u: 128, v: 128 },
    );
  }
  return frame;
}

/** Reads what `numbered` wrote. */
export function readNumber(frame: VideoFrame): number {
  const { y } = i420Planes(frame);
  let number = 0;
  for (let bit = 0; bit < 8; bit++) {
    const x = Math.floor(((bit + 0.5) * frame.width) / 8);
    number = number * 2 + ((y.data[(frame.height >> 2) * frame.width + x] ?? 0) > 120 ? 1 : 0);
  }
  return number;
}

/** The mean distance of two buffers' bytes. */
export function meanDifference(a: Uint8Array, b: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs((a[i] ?? 0) - (b[i] ?? 0));
  return a.length === b.length ? sum / a.length : Infinity;
}
