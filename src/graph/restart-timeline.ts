import type { Clock } from '../media/clock.js';
import { durationUs, isMedia, isMediaKind, type PipelineValue } from '../media/media-value.js';
import type { PlannedNode } from './planned.js';

/**
 * The time of what a node gives, over all its lives. A source that is made anew, as a file or a connection, begins with a time of its
 * own, as does what joins branches: it is moved behind what was given before, by as long as nothing came. All outputs of a node are
 * moved by the same, so that they stay in step.
 */
export class RestartTimeline {
  readonly #clock: Clock;
  /** Where the last media ended, in µs, and when it was given. */
  #endUs = -Infinity;
  #givenUs = 0;
  #shiftUs = 0;
  #isNew = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What comes from now on is of another life. */
  restarted(): void {
    this.#isNew = true;
  }

  /** The value at its place in time. Words have none, and stay as they are. */
  place<V extends PipelineValue>(value: V): V {
    if (!isMedia(value)) return value;
    const nowUs = this.#clock.nowUs();
    if (this.#isNew) {
      this.#isNew = false;
      const goesBack = value.timestamp < this.#endUs;
      this.#shiftUs = goesBack ? this.#endUs + Math.round(nowUs - this.#givenUs) - value.timestamp : 0;
    }
    const timestamp = value.timestamp + this.#shiftUs;
    this.#endUs = Math.max(this.#endUs, timestamp + durationUs(value));
    this.#givenUs = nowUs;
    return this.#shiftUs === 0 ? value : { ...value, timestamp };
  }
}

/** Whether a node may be made anew and makes the time of its media itself, which others have from what they read. */
export function makesTimeAnew({ onError, def, inputs }: PlannedNode): boolean {
  if (onError.action !== 'restart') return false;
  return def.joins === true || !inputs.some(({ formats }) => formats.some(({ kind }) => isMediaKind(kind)));
}
