/** How good pictures need to be at most, where a server has them in several sizes. What is left out is not limited. */
export interface VideoPreference {
  readonly width?: number;
  readonly height?: number;
  /** Frames per second. */
  readonly fps?: number;
}

/** One size that a track is sent in. Pixels. */
export interface VideoSize {
  readonly width: number;
  readonly height: number;
}

/** What does for all: the most that any of them needs. */
export function mostOf(preferences: readonly VideoPreference[]): VideoPreference {
  const most = (key: keyof VideoPreference): VideoPreference => {
    const values = preferences.map((one) => one[key]);
    return values.length === 0 || values.includes(undefined) ? {} : { [key]: Math.max(...(values as number[])) };
  };
  return { ...most('width'), ...most('height'), ...most('fps') };
}

/** Which of these sizes is nearest to the one preferred, by its number of pixels; undefined where there is nothing to choose by. */
export function nearestSize<S extends VideoSize>(
  sizes: readonly S[],
  { width = 0, height = 0 }: VideoPreference,
): S | undefined {
  if (width === 0 || height === 0) return undefined;
  let nearest: S | undefined;
  let least = Infinity;
  for (const size of sizes) {
    // Twice as many is as far away as half as many.
    const distance = Math.abs(Math.log((size.width * size.height) / (width * height)));
    if (distance < least) [nearest, least] = [size, distance];
  }
  return nearest;
}
