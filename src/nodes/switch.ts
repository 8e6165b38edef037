import { Writable, type Readable } from 'node:stream';
import { z } from 'zod';
import { commonFormats } from '../media/format.js';
import { HeldOutput } from '../media/held-output.js';
import { keyFrameRequester } from '../media/key-frame-source.js';
import type { MediaValue } from '../media/media-value.js';
import { defineNode, type InputLink, type NodeContext, type NodePorts } from '../media/node.js';
import { StepMeter } from '../media/step-meter.js';
import { chosenFormat, formatShape, strayOption } from '../media/stream-format.js';

/** Inputs that are further apart have media clocks that have nothing to do with each other, in µs. */
const RELATED_US = 1_000_000;

const Options = z
  .strictObject({
    ...formatShape,
    input: z
      .string()
      .min(1)
      .describe('What is let through: `id` or `id.output`, as in `from`. May be changed while it runs.'),
  })
  .superRefine((options, context) => {
    const stray = strayOption(options);
    if (stray !== undefined)
      context.addIssue({ code: 'custom', path: [stray], message: `Expected no "${stray}" of ${options.media}` });
  });
type SwitchOptions = z.output<typeof Options>;
type Done = (error?: Error | null) => void;

/**
 * Lets one of several inputs through, another one when `input` changes (`run.update(id, { input })`). The one before goes on until
 * the first value of the new one is there; encoded pictures change at a key frame, which is asked for. Timestamps never go back.
 * What is not let through is dropped, counted: live media at once, other media when what is let through has come as far. When an
 * input ends that is let through, the next that has not ended is; it ends with the last.
 */
export const switchNode = defineNode({
  type: 'switch',
  summary: 'Lets one of several inputs through, which can be changed while it runs.',
  options: Options,
  inputs: (options) => [{ name: 'in', many: true, formats: [chosenFormat(options.media, options)] }],
  outputs: (options, inputs) => [
    { name: 'out', formats: commonFormats(inputs.get('in') ?? [chosenFormat(options.media, options)]) },
  ],
  waitsForAll: true,
  namesInput: 'input',
  changes: ['input'],
  example: `nodes:
  low:  { type: tone, frequency: 220, durationMs: 1000 }
  high: { type: tone, frequency: 660, durationMs: 1000 }
  one:  { type: switch, media: audio, from: [low, high], input: high }
  file: { type: wav, from: one, path: out/one.wav }`,
  create: (options, context) => new Switch(options, context),
});

class Switch implements NodePorts {
  readonly #context: NodeContext;
  readonly #inputs: SwitchInput[] = [];
  readonly #output: SwitchOutput;
  readonly #step = new StepMeter();
  /** The option as it is now. */
  #wanted: string;
  /** What is let through, and what will be from its first value on. */
  #current: SwitchInput | undefined;
  #next: SwitchInput | undefined;
  #lastUs = -Infinity;
  #sealed = false;

  constructor({ input }: SwitchOptions, context: NodeContext) {
    this.#wanted = input;
    this.#context = context;
    this.#output = new SwitchOutput(() => {
      (this.#next ?? this.#current)?.requestKeyFrame();
    });
  }

  input(_port: string, link: InputLink = {}): Writable {
    const input = new SwitchInput(link, {
      take: this.#take,
      over: this.#over,
    });
    this.#inputs.push(input);
    if (input.isCalled(this.#wanted)) this.#choose(input);
    return input;
  }

  output(): Readable {
    return this.#output;
  }

  seal(): void {
    this.#sealed = true;
    this.#endIfOver();
  }

  update({ input: wanted }: Pick<SwitchOptions, 'input'>): void {
    this.#wanted = wanted;
    const input = this.#inputs.find((one) => one.isCalled(wanted) && !one.isOver);
    if (input) this.#choose(input);
  }

  #choose(input: SwitchInput): void {
    if (input === this.#current) {
      this.#next = undefined;
      return;
    }
    this.#next = input;
    input.requestKeyFrame();
    input.retry();
  }

  readonly #take = (input: SwitchInput, value: MediaValue, done: Done): void => {
    if (input === this.#next) {
      if (value.kind === 'encoded-video' && value.type !== 'key') {
        this.#context.dropped('waiting for a key frame');
        done();
        return;
      }
      this.#current = input;
      this.#next = undefined;
      this.#place(input, value);
    }
    if (input === this.#current) this.#pass(input, value, done);
    else if (input.isLive || value.timestamp + input.shiftUs <= this.#lastUs) {
      this.#context.dropped('not let through');
      done();
    } else input.keep(value, done);
  };

  /** Moves an input on in time whose media clock is another one, or which cannot be cut where the one before has come to. */
  #place(input: SwitchInput, { kind, timestamp }: MediaValue): void {
    const behindUs = this.#lastUs - (timestamp + input.shiftUs);
    if (behindUs >= RELATED_US || (behindUs >= 0 && kind === 'encoded-video'))
      input.shiftUs += behindUs + Math.max(1, this.#step.stepUs);
  }

  #pass({ shiftUs }: SwitchInput, value: MediaValue, done: Done): void {
    const shifted = shiftUs === 0 ? value : { ...value, timestamp: value.timestamp + shiftUs };
    if (shifted.timestamp <= this.#lastUs) {
      this.#context.dropped('not let through');
      done();
      return;
    }
    this.#step.measure(shifted);
    this.#lastUs = shifted.timestamp;
    this.#output.give(shifted, done);
    for (const input of this.#inputs) if (input.keptUs <= this.#lastUs) input.retry();
  }

  readonly #over = (input: SwitchInput): void => {
    if (input === this.#next) this.#next = undefined;
    if (input === this.#current) this.#current = undefined;
    if (!this.#current && !this.#next) {
      const follower = this.#inputs.find((one) => !one.isOver);
      if (follower) this.#choose(follower);
    }
    this.#endIfOver();
  };

  #endIfOver(): void {
    if (this.#sealed && this.#inputs.every((input) => input.isOver)) this.#output.push(null);
  }
}

interface SwitchInputEvents {
  take(input: SwitchInput, value: MediaValue, done: Done): void;
  over(input: SwitchInput): void;
}

class SwitchInput extends Writable {
  /** Added to its timestamps. */
  shiftUs = 0;
  /** No more will come. */
  isOver = false;
  readonly isLive: boolean;
  readonly requestKeyFrame = keyFrameRequester(this);
  readonly #from: string;
  readonly #events: SwitchInputEvents;
  #kept: { readonly value: MediaValue; readonly done: Done } | undefined;

  constructor({ from = '', flow }: InputLink, events: SwitchInputEvents) {
    super({ objectMode: true, highWaterMark: 1 });
    this.isLive = flow === 'push';
    this.#from = from;
    this.#events = events;
  }

  /** Whether a graph means it by this name: `id` or `id.output`. */
  isCalled(name: string): boolean {
    return this.#from === name || this.#from.split('.')[0] === name;
  }

  /** Media time of the value that is kept. */
  get keptUs(): number {
    return this.#kept ? this.#kept.value.timestamp + this.shiftUs : Infinity;
  }

  /** Keeps a value until it can be let through, or is passed by. */
  keep(value: MediaValue, done: Done): void {
    this.#kept = { value, done };
  }

  /** Brings the value that was kept once more. */
  retry(): void {
    const kept = this.#kept;
    this.#kept = undefined;
    if (kept) this.#events.take(this, kept.value, kept.done);
  }

  override _write(value: MediaValue, _encoding: BufferEncoding, done: Done): void {
    this.#events.take(this, value, done);
  }

  override _final(done: Done): void {
    this.#finish();
    done();
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#kept = undefined;
    this.#finish();
    done(error);
  }

  #finish(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#events.over(this);
  }
}

class SwitchOutput extends HeldOutput {
  readonly requestKeyFrame: () => void;

  constructor(requestKeyFrame: () => void) {
    super(4);
    this.requestKeyFrame = requestKeyFrame;
  }
}
