import { durationUs, isMedia, type PipelineValue } from './media-value.js';

/** What is longer is a pause. */
const MAX_STEP_US = 1_000_000;

/** Media time of the values of a stream, also of pictures, which do not say how long they are shown. */
export class StepMeter {
  /** Of the last value that takes time, in µs. */
  stepUs: number;
  #lastUs: number | undefined;

  /** `stepUs`: of the first picture, which has none before it to tell; 0 where that is not known. */
  constructor(stepUs = 0) {
    this.stepUs = stepUs;
  }

  measure(value: PipelineValue): void {
    if (!isMedia(value)) return;
    const lengthUs = durationUs(value);
    if (lengthUs > 0) this.stepUs = lengthUs;
    else if (this.#lastUs !== undefined) {
      const stepUs = value.timestamp - this.#lastUs;
      // A pause is no media.
      if (stepUs > 0 && stepUs <= MAX_STEP_US) this.stepUs = stepUs;
    }
    this.#lastUs = value.timestamp;
  }
}
