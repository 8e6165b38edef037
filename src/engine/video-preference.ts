/** How good pictures need to be at most, where a server has them in several sizes. What is left out is not limited. */
export interface VideoPreference {
  readonly width?: number;
  readonly height?: number;
  /** Frames per second. */
  readonly fps?: number;
}

/** What does for all: the most that any of them needs. */
export function mostOf(preferences: readonly VideoPreference[]): VideoPreference {
  const most = (key: keyof VideoPreference): VideoPreference => {
    const values = preferences.map((one) => one[key]);
    return values.length === 0 || values.includes(undefined) ? {} : { [key]: Math.max(...(values as number[])) };
  };
  return { ...most('width'), ...most('height'), ...most('fps') };
}
