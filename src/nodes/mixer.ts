import type { Readable, Writable } from 'node:stream';
import { z } from 'zod';
import { SAMPLE_RATES, audioData } from '../media/audio-data.js';
import type { ClockTimer } from '../media/clock.js';
import { audioOptions } from '../media/format.js';
import { Limiter } from '../media/limiter.js';
import { MixInput, mostLateUs } from '../media/mix-input.js';
import { MixMinus } from '../media/mix-minus.js';
import { MixOutput } from '../media/mix-output.js';
import { defineNode, type InputLink, type NodeContext, type NodePorts, type PortDef } from '../media/node.js';
import { StallWait } from '../media/stall-wait.js';

const CHUNK_MS = 20;
const CHUNK_US = CHUNK_MS * 1000;
/** While the mixer waits for what came when the process was busy, it looks so often, in µs. */
const TURN_US = 1000;

const Options = z.strictObject({
  sampleRate: z
    .literal(SAMPLE_RATES)
    .default(48_000)
    .describe('Samples per second and channel of all inputs and outputs, in Hz.'),
  channels: z.literal([1, 2]).default(1).describe('1 for mono, 2 for stereo, of all inputs and outputs.'),
  live: z
    .boolean()
    .default(true)
    .describe(
      '`true` gives 20 ms every 20 ms of the clock, silence for who is late; `false` waits until every input has given.',
    ),
  latencyMs: z
    .number()
    .min(0)
    .max(1000)
    .default(40)
    .describe(
      'Live: how long after it has begun an input is heard, in ms. What comes late by no more leaves no gap; what comes later is played late, up to as much again, and beyond that the oldest is dropped.',
    ),
  queueMs: z
    .number()
    .min(40)
    .max(2000)
    .default(200)
    .describe(
      'How much of an input that need not come in real time may wait in the mixer, in ms; then it is held back.',
    ),
});
type MixerOptions = z.output<typeof Options>;

/**
 * Adds up any number of audio inputs; what is louder than full scale is turned down for a while. Inputs come and go while it
 * runs: who gives nothing holds nobody up and costs nothing. `out` is everybody. `others` is one output for each branch,
 * read by nodes of that branch: everybody but the branch itself (mix-minus), so that nobody hears themselves. It ends with the
 * branch; the mixer ends when no more inputs can come and all have ended. While its reader is more than 160 ms behind, a live
 * mixer drops what it mixed for that one, so that it stays on time. After the process stood still, what came meanwhile is taken
 * first, and is not late. Errors: SLUICE_FORMAT_MISMATCH.
 */
export const mixer = defineNode({
  type: 'mixer',
  summary: 'Mixes any number of audio inputs into one, also those of branches, and for each branch all the others.',
  options: Options,
  joins: true,
  inputs: (options) => [
    {
      name: 'in',
      many: true,
      formats: [formatOf(options)],
      ...(!options.live && { flow: 'pull' }),
      // The chunk that fills it up is the first that is held back.
      bufferMs: options.queueMs - CHUNK_MS,
    },
  ],
  outputs: outputsOf,
  latency: ({ live, latencyMs, queueMs }) =>
    live ? { live, minMs: 0, maxMs: 2 * latencyMs + CHUNK_MS } : { minMs: 0, maxMs: queueMs },
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

function outputsOf(options: MixerOptions): readonly PortDef<'out' | 'others'>[] {
  const formats = [formatOf(options)];
  const out: PortDef<'out'> = { name: 'out', formats, optional: true };
  // Branches come and go by the clock.
  return options.live ? [out, { name: 'others', formats, optional: true, perBranch: true }] : [out];
}

class Mixer implements NodePorts {
  readonly #options: MixerOptions;
  readonly #context: NodeContext;
  readonly #inputs = new Set<MixInput>();
  readonly #branches = new Map<string, MixedBranch>();
  readonly #outputs = new Set<MixOutput>();
  readonly #length: number;
  readonly #mix: MixMinus;
  readonly #wait: StallWait;
  #sealed = false;
  #mixing = false;
  #ticks = 0;
  #startUs: number | undefined;
  #timer: ClockTimer | undefined;
  /** When the timer should fire, by the clock. */
  #wakeUs = 0;

  constructor(options: MixerOptions, context: NodeContext) {
    const { sampleRate, channels, latencyMs } = options;
    this.#options = options;
    this.#context = context;
    this.#length = (sampleRate / 1000) * CHUNK_MS * channels;
    this.#mix = new MixMinus(sampleRate, channels, this.#length);
    this.#wait = new StallWait(mostLateUs(latencyMs));
  }

  input(_port: string, { branch, flow }: InputLink = {}): Writable {
    const { sampleRate, channels, live, latencyMs, queueMs } = this.#options;
    const input = new MixInput({
      sampleRate,
      numberOfChannels: channels,
      live,
      latencyMs,
      pushed: live && flow === 'push',
      queueMs,
      branch,
      clock: this.#context.clock,
      behindUs: this.#behindUs,
      changed: this.#mixWhileReady,
      dropped: this.#droppedOld,
    });
    this.#inputs.add(input);
    if (branch !== undefined) this.#branch(branch).inputs++;
    return input;
  }

  output(port: string, branch?: string): Readable {
    const { sampleRate, channels } = this.#options;
    const output = new MixOutput(new Limiter(sampleRate, channels), this.#wanted);
    this.#outputs.add(output);
    output.once('close', () => {
      this.#outputs.delete(output);
      if (this.#outputs.size === 0) this.#pause();
    });
    if (port === 'others' && branch !== undefined) {
      output.own = this.#branch(branch).parts;
      this.#branch(branch).output = output;
    }
    return output;
  }

  seal(): void {
    this.#sealed = true;
    this.#mixWhileReady();
  }

  #branch(id: string): MixedBranch {
    let branch = this.#branches.get(id);
    if (!branch) this.#branches.set(id, (branch = { inputs: 0, parts: [], output: undefined }));
    return branch;
  }

  readonly #wanted = (): void => {
    if (!this.#options.live) this.#mixWhileReady();
    else if (!this.#timer) this.#start();
  };

  readonly #droppedOld = (): void => {
    this.#context.dropped('input too late');
  };

  /** Begins, or goes on after nobody has read for a while. */
  #start(): void {
    const nowUs = this.#context.clock.nowUs();
    this.#startUs ??= nowUs;
    this.#wakeUs = nowUs;
    this.#ticks = Math.max(this.#ticks, Math.ceil((nowUs - this.#startUs) / CHUNK_US - 1e-6));
    this.#tick();
  }

  #pause(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  readonly #tick = (): void => {
    const nowUs = this.#context.clock.nowUs();
    this.#wait.woke(nowUs, this.#wakeUs);
    while (this.#nextUs <= nowUs + 0.5) {
      if (this.#wait.mayWait(nowUs)) {
        if (this.#isAwaited()) {
          this.#wakeAt(nowUs + TURN_US, nowUs);
          return;
        }
        this.#wait.came(nowUs);
      }
      if (!this.#mixNext()) return;
    }
    this.#wakeAt(this.#nextUs, nowUs);
  };

  #wakeAt(atUs: number, nowUs: number): void {
    this.#wakeUs = atUs;
    this.#timer = this.#context.clock.after((atUs - nowUs) / 1000, this.#tick);
  }

  /** By how much the mix is behind the clock, in µs. */
  readonly #behindUs = (): number => (this.#timer ? Math.max(0, this.#context.clock.nowUs() - this.#nextUs) : 0);

  /** When the next period is heard, by the clock. */
  get #nextUs(): number {
    return (this.#startUs ?? 0) + this.#ticks * CHUNK_US;
  }

  /** Whether an input that flows has not got the next period, or a reader has no room for it. */
  #isAwaited(): boolean {
    for (const output of this.#outputs) if (output.isFull) return true;
    for (const input of this.#inputs) if (input.isAwaited(this.#length, this.#nextUs)) return true;
    return false;
  }

  /** Not live: goes on while every input has a chunk or has ended. Taking makes writers go on, which calls it again. */
  readonly #mixWhileReady = (): void => {
    if (this.#options.live || !this.#sealed || this.#mixing) return;
    this.#mixing = true;
    while (this.#isWanted() && this.#isReady() && this.#mixNext());
    this.#mixing = false;
  };

  #isWanted(): boolean {
    for (const output of this.#outputs) if (!output.isHungry) return false;
    return this.#outputs.size > 0;
  }

  #isReady(): boolean {
    for (const input of this.#inputs) if (!input.isReady(this.#length)) return false;
    return true;
  }

  /** The next period of all outputs; false when there is none, since everything has ended. */
  #mixNext(): boolean {
    this.#endInputs();
    if (this.#sealed && this.#inputs.size === 0) {
      for (const output of this.#outputs) output.finish();
      this.#pause();
      return false;
    }
    const nowUs = this.#nextUs;
    const timestamp = this.#ticks++ * CHUNK_US;
    this.#mix.begin();
    for (const input of this.#inputs) {
      const part = input.take(this.#length, nowUs);
      if (!part) continue;
      this.#mix.add(part);
      if (input.branch !== undefined) this.#branches.get(input.branch)?.parts.push(part);
    }
    this.#mix.finish();
    this.#give(timestamp);
    for (const branch of this.#branches.values()) branch.parts.length = 0;
    return true;
  }

  #give(timestamp: number): void {
    const { sampleRate, channels } = this.#options;
    for (const output of this.#outputs) {
      const data = output.own ? this.#mix.without(output.own, output.limiter) : this.#mix.whole;
      if (!output.give(audioData(data, sampleRate, channels, timestamp))) this.#context.dropped('reader too slow');
    }
  }

  /** Lets go of inputs that are over, and of branches all of whose inputs are. */
  #endInputs(): void {
    for (const input of this.#inputs) {
      if (!input.isOver) continue;
      this.#inputs.delete(input);
      const branch = input.branch === undefined ? undefined : this.#branches.get(input.branch);
      if (!branch || input.branch === undefined || --branch.inputs > 0) continue;
      this.#branches.delete(input.branch);
      if (!branch.output) continue;
      branch.output.finish();
      this.#outputs.delete(branch.output);
    }
  }
}

/** What comes from one branch, and goes back to it. */
interface MixedBranch {
  /** How many it has that are not over. */
  inputs: number;
  /** What they gave in this period. */
  readonly parts: Int16Array[];
  output: MixOutput | undefined;
}
