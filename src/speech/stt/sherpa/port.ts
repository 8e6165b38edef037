import type { ErrorData } from '../../../media/errors.js';

/** What the process of a model is told. `load` is answered once, every `sound` and `finish` by one `heard`, in their order. */
export type ToModel =
  | { readonly op: 'load'; readonly config: object }
  /** Mono sound of a speaker. */
  | { readonly op: 'sound'; readonly id: number; readonly samples: Int16Array; readonly sampleRate: number }
  /** What that speaker said is over; what comes next is something new. */
  | { readonly op: 'finish'; readonly id: number }
  /** The speaker has gone. */
  | { readonly op: 'close'; readonly id: number };

export type FromModel =
  | { readonly op: 'loaded' }
  | { readonly op: 'failed'; readonly error: ErrorData }
  | {
      readonly op: 'heard';
      readonly id: number;
      readonly isFinal: boolean;
      /** Left out where it is what was told before. */
      readonly said?: Said;
    };

/** What was said since the last `finish`. */
export interface Said {
  readonly text: string;
  /** Parts of words; the first of a word begins with a space, in languages that have them. */
  readonly tokens: readonly string[];
  /** When each came, in seconds from the beginning of the sound after the last `finish`. */
  readonly timestamps: readonly number[];
}
