import { Readable, Writable } from 'node:stream';
import { z } from 'zod';
import { SAMPLE_RATES, audioData, type AudioData } from '../media/audio-data.js';
import type { ClockTimer } from '../media/clock.js';
import { SluiceError } from '../media/errors.js';
import { audioOptions } from '../media/format.js';
import { Limiter } from '../media/limiter.js';
import { defineNode, type NodeContext, type NodePorts } from '../media/node.js';
import { mixInto } from '../media/pcm.js';

const CHUNK_MS = 20;

const Options = z.strictObject({
  sampleRate: z
    .literal(SAMPLE_RATES)
    .default(48_000)
    .describe('Samples per second and channel of all inputs and the output, in Hz.'),
  channels: z.literal([1, 2]).default(1).describe('1 for mono, 2 for stereo, of all inputs and the output.'),
  live: z
    .boolean()
    .default(true)
    .describe(
      '`true` gives 20 ms every 20 ms of the clock, silence for who is late; `false` waits until every input has given.',
    ),
  queueMs: z
    .number()
    .min(40)
    .max(2000)
    .default(200)
    .describe('How much of each input may wait in the mixer, in ms; then it is held back.'),
});
type MixerOptions = z.output<typeof Options>;

/**
 * Adds up any number of audio inputs; what is louder than full scale is turned down for a while. Inputs come and go while it runs;
 * it ends when no more can come and all have ended. While its reader is more than 160 ms behind, a live mixer
 * drops what it mixed, so that it stays on time.
 */
export const mixer = defineNode({
  type: 'mixer',
  summary: 'Mixes any number of audio inputs into one, also those of branches.',
  options: Options,
  joins: true,
  inputs: (options) => [
    // The chunk that fills it up is the first that is held back.
    { name: 'in', many: true, formats: [formatOf(options)], flow: 'pull', bufferMs: options.queueMs - CHUNK_MS },
  ],
  outputs: (options) => [{ name: 'out', formats: [formatOf(options)] }],
  latency: ({ live, queueMs }) => ({ live, minMs: 0, maxMs: queueMs }),
  waitsForAll: ({ live }) => !live,
  adapts: audioOptions,
  example: `nodes:
  low:  { type: tone, frequency: 220, durationMs: 1000, live: false }
  high: { type: tone, frequency: 660, durationMs: 1000, live: false }
  both: { type: mixer, from: [low, high], live: false }
  file: { type: wav, from: both, path: out/both.wav }`,
  create: (options, context) => new Mixer(options, context),
});

function formatOf(options: MixerOptions): { kind: 'audio'; sampleRate: number; numberOfChannels: number } {
  return { kind: 'audio', sampleRate: options.sampleRate, numberOfChannels: options.channels };
}

class Mixer implements NodePorts {
  readonly #options: MixerOptions;
  readonly #context: NodeContext;
  readonly #inputs = new Set<MixerInput>();
  readonly #output: Readable;
  readonly #sum: Int32Array;
  readonly #limiter: Limiter;
  #sealed = false;
  #hungry = false;
  #mixing = false;
  #ticks = 0;
  #startUs: number | undefined;
  #timer: ClockTimer | undefined;

  constructor(options: MixerOptions, context: NodeContext) {
    this.#options = options;
    this.#context = context;
    this.#sum = new Int32Array((options.sampleRate / 1000) * CHUNK_MS * options.channels);
    this.#limiter = new Limiter(options.sampleRate, options.channels);
    this.#output = new Readable({
      objectMode: true,
      highWaterMark: 8,
      read: () => {
        this.#hungry = true;
        if (options.live) this.#start();
        else this.#mixWhileReady();
      },
      destroy: (error, done) => {
        this.#timer?.cancel();
        done(error);
      },
    });
  }

  input(): Writable {
    const input = new MixerInput(this.#options, (this.#options.queueMs / CHUNK_MS) * this.#sum.length, () => {
      this.#mixWhileReady();
    });
    this.#inputs.add(input);
    input.once('close', () => {
      if (!input.writableFinished) this.#inputs.delete(input);
      this.#mixWhileReady();
    });
    return input;
  }

  output(): Readable {
    return this.#output;
  }

  seal(): void {
    this.#sealed = true;
    this.#mixWhileReady();
  }

  #start(): void {
    if (this.#startUs !== undefined) return;
    this.#startUs = this.#context.clock.nowUs();
    this.#tick();
  }

  readonly #tick = (): void => {
    const { clock } = this.#context;
    const elapsedUs = clock.nowUs() - (this.#startUs ?? 0);
    while (this.#ticks * CHUNK_MS * 1000 <= elapsedUs + 0.5) {
      if (this.#endIfOver()) return;
      if (this.#hungry) this.#mix();
      else {
        this.#skip();
        this.#context.dropped('reader too slow');
      }
    }
    this.#timer = clock.after((this.#ticks * CHUNK_MS * 1000 - elapsedUs) / 1000, this.#tick);
  };

  /** Not live: goes on while every input has a chunk or has ended. Taking makes writers go on, which calls it again. */
  #mixWhileReady(): void {
    if (this.#options.live || !this.#sealed || this.#mixing) return;
    this.#mixing = true;
    while (this.#hungry && !this.#output.destroyed && !this.#endIfOver() && this.#allReady()) this.#mix();
    this.#mixing = false;
  }

  #allReady(): boolean {
    for (const input of this.#inputs) if (!input.ready(this.#sum.length)) return false;
    return true;
  }

  #endIfOver(): boolean {
    for (const input of this.#inputs) if (input.over()) this.#inputs.delete(input);
    if (!this.#sealed || this.#inputs.size > 0) return false;
    if (!this.#output.readableEnded) this.#output.push(null);
    this.#hungry = false;
    return true;
  }

  #mix(): void {
    this.#sum.fill(0);
    for (const input of this.#inputs) input.takeInto(this.#sum);
    const data = new Int16Array(this.#sum.length);
    this.#limiter.process(this.#sum, data);
    const timestamp = this.#ticks++ * CHUNK_MS * 1000;
    this.#hungry = this.#output.push(audioData(data, this.#options.sampleRate, this.#options.channels, timestamp));
  }

  #skip(): void {
    for (const input of this.#inputs) input.takeInto(this.#sum);
    this.#ticks++;
  }
}

/** One input: holds what came until the mixer takes it, and holds its writer back when that is too much. */
class MixerInput extends Writable {
  readonly #options: MixerOptions;
  readonly #most: number;
  readonly #came: () => void;
  readonly #queue: Int16Array[] = [];
  #held = 0;
  #waiting: ((error?: Error | null) => void) | undefined;

  constructor(options: MixerOptions, most: number, came: () => void) {
    super({ objectMode: true, highWaterMark: 2 });
    this.#options = options;
    this.#most = most;
    this.#came = came;
  }

  /** Whether `samples` can be taken without a gap. */
  ready(samples: number): boolean {
    return this.#held >= samples || this.writableFinished || this.destroyed;
  }

  /** Whether nothing is left and nothing more comes. */
  over(): boolean {
    return this.#held === 0 && (this.writableFinished || this.destroyed);
  }

  /** Adds the oldest samples to `sum`, as many as there are. */
  takeInto(sum: Int32Array): void {
    for (let at = 0; at < sum.length;) {
      const chunk = this.#queue[0];
      if (!chunk) break;
      const part = chunk.subarray(0, sum.length - at);
      mixInto(sum.subarray(at), part);
      at += part.length;
      this.#held -= part.length;
      if (part.length === chunk.length) this.#queue.shift();
      else this.#queue[0] = chunk.subarray(part.length);
    }
    if (this.#waiting && this.#held < this.#most) this.#release();
  }

  override _write(audio: AudioData, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const { sampleRate, channels } = this.#options;
    if (audio.sampleRate !== sampleRate || audio.numberOfChannels !== channels) {
      done(
        new SluiceError(
          'SLUICE_FORMAT_MISMATCH',
          `the mixer takes ${sampleRate} Hz and ${channels} channel(s), not ${audio.sampleRate} Hz and ${audio.numberOfChannels}`,
          { mend: 'Put a resampler in front of it, or set its sampleRate and channels.' },
        ),
      );
      return;
    }
    this.#queue.push(audio.data);
    this.#held += audio.data.length;
    if (this.#held < this.#most) done();
    else this.#waiting = done;
    this.#came();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.writableFinished) {
      this.#queue.length = 0;
      this.#held = 0;
    }
    done(error);
  }

  #release(): void {
    const done = this.#waiting;
    this.#waiting = undefined;
    done?.();
  }
}
