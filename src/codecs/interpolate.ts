export interface InterpolateOptions {
  /** Where the first frame lies, in frames of the input. Default 0. */
  readonly start?: number;
  /** From frame to frame, in frames of the input. */
  readonly step: number;
  /** How many come out. */
  readonly frames: number;
}

/**
 * Interleaved samples at other places, by cubic interpolation: good enough to go on from, where a filter weighs them little, and
 * not to be heard. Beyond its ends the input goes on in a straight line. Pure.
 */
export function interpolate(input: Int16Array, channels: number, options: InterpolateOptions): Int16Array {
  const { start = 0, step, frames } = options;
  const out = new Int16Array(frames * channels);
  for (let channel = 0; channel < channels; channel++) {
    for (let frame = 0; frame < frames; frame++) {
      const place = start + frame * step;
      const index = Math.floor(place);
      const value = cubic(
        sampleAt(input, channels, channel, index - 1),
        sampleAt(input, channels, channel, index),
        sampleAt(input, channels, channel, index + 1),
        sampleAt(input, channels, channel, index + 2),
        place - index,
      );
      out[frame * channels + channel] = Math.max(-32_768, Math.min(32_767, Math.round(value)));
    }
  }
  return out;
}

function sampleAt(input: Int16Array, channels: number, channel: number, frame: number): number {
  const last = input.length / channels - 1;
  const at = (index: number): number => input[index * channels + channel] ?? 0;
  if (frame < 0) return at(0) + (at(0) - at(1)) * -frame;
  if (frame > last) return at(last) + (at(last) - at(last - 1)) * (frame - last);
  return at(frame);
}

/** The curve through b and c at `t` between them, 0 to 1 (Lagrange, four points). */
function cubic(a: number, b: number, c: number, d: number, t: number): number {
  return (
    (-a * t * (t - 1) * (t - 2)) / 6 +
    (b * (t + 1) * (t - 1) * (t - 2)) / 2 -
    (c * (t + 1) * t * (t - 2)) / 2 +
    (d * (t + 1) * t * (t - 1)) / 6
  );
}
