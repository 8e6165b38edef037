import { describeFormat, type FormatPattern } from '../media/format.js';
import { isMedia, type PipelineValue } from '../media/media-value.js';
import { StepMeter } from '../media/step-meter.js';
import { formatOf } from '../media/stream-format.js';
import type { LinkCount } from './link-count.js';

/** Counts what comes onto a link: how many values, how much media, in which formats. One for each stream that a link carries. */
export class LinkMeter {
  readonly #count: LinkCount;
  readonly #step: StepMeter;
  readonly #format = new SeenFormat();

  /** `formats`: what can flow, as planned. */
  constructor(count: LinkCount, formats: readonly FormatPattern[]) {
    this.#count = count;
    this.#step = new StepMeter(pictureStepUs(formats));
  }

  /** Media time of the last value, in µs. */
  get stepUs(): number {
    return this.#step.stepUs;
  }

  take(value: PipelineValue): void {
    const count = this.#count;
    this.#step.measure(value);
    count.chunks++;
    count.mediaUs += this.#step.stepUs;
    const isFirst = this.#format.isEmpty;
    if (!this.#format.differs(value)) return;
    const format = isMedia(value) ? formatOf(value) : undefined;
    count.sawFormat(format ? describeFormat(format) : value.kind, !isFirst);
  }
}

/** How long a picture is shown, in µs; 0 where the plan does not say. */
function pictureStepUs(formats: readonly FormatPattern[]): number {
  for (const format of formats) {
    if (format.kind === 'video' && typeof format.frameRate === 'number') return 1_000_000 / format.frameRate;
  }
  return 0;
}

/** The format of the last value of a link, so that a change can be told from the next. Makes nothing while there is none. */
class SeenFormat {
  #kind: PipelineValue['kind'] | undefined;
  #name: string | undefined;
  #first = 0;
  #second = 0;

  /** There was none yet. */
  get isEmpty(): boolean {
    return this.#kind === undefined;
  }

  /** Whether this value looks different from the one before; the first does. */
  differs(value: PipelineValue): boolean {
    switch (value.kind) {
      case 'audio':
        return this.#set(value.kind, undefined, value.sampleRate, value.numberOfChannels);
      case 'video':
        return this.#set(value.kind, value.format, value.width, value.height);
      case 'encoded-audio':
      case 'encoded-video':
        return this.#set(value.kind, value.codec, 0, 0);
      default:
        return this.#set(value.kind, undefined, 0, 0);
    }
  }

  #set(kind: PipelineValue['kind'], name: string | undefined, first: number, second: number): boolean {
    if (kind === this.#kind && name === this.#name && first === this.#first && second === this.#second) return false;
    this.#kind = kind;
    this.#name = name;
    this.#first = first;
    this.#second = second;
    return true;
  }
}
