import { Readable, Writable } from 'node:stream';
import { z } from 'zod';
import type { Clock, ClockTimer } from '../media/clock.js';
import type { FormatPattern } from '../media/format.js';
import { keyFrameRequester } from '../media/key-frame-source.js';
import { MediaBuffer } from '../media/media-buffer.js';
import type { MediaValue } from '../media/media-value.js';
import { defineNode, type NodeContext, type NodePorts } from '../media/node.js';
import { StepMeter } from '../media/step-meter.js';

const SOUND: readonly FormatPattern[] = [{ kind: 'audio' }, { kind: 'encoded-audio' }];
const PICTURES: readonly FormatPattern[] = [{ kind: 'video' }, { kind: 'encoded-video' }];

const Options = z.strictObject({
  maxMs: z
    .number()
    .min(1)
    .max(10_000)
    .default(500)
    .describe('How long the one that is ahead is held back for the other at most, in ms.'),
});

type Kind = 'audio' | 'video';
type Done = (error?: Error | null) => void;

/**
 * Brings audio and video in step: each value leaves when the other has come as far in media time, so that what belongs
 * together leaves together. Both have to be on one media clock, as those of one stream are. Who is ahead waits `maxMs` at most; one
 * that nothing has come from for so long is not waited for until it comes back. Nothing is dropped, and timestamps stay.
 */
export const sync = defineNode({
  type: 'sync',
  summary: 'Holds audio or video back, whichever is ahead, so that both leave at the same media time.',
  options: Options,
  inputs: ({ maxMs }) => [
    { name: 'audio', formats: SOUND, bufferMs: maxMs },
    { name: 'video', formats: PICTURES, bufferMs: maxMs },
  ],
  outputs: (_options, inputs) => [
    { name: 'audio', formats: inputs.get('audio') ?? SOUND },
    { name: 'video', formats: inputs.get('video') ?? PICTURES },
  ],
  latency: ({ maxMs }) => ({ minMs: 0, maxMs }),
  example: `nodes:
  beep:    { type: tone, durationMs: 1000 }
  late:    { type: delay, from: beep, ms: 300 }
  pattern: { type: test-pattern, durationMs: 1000 }
  both:    { type: sync, from: [late, pattern] }
  nowhere: { type: "null", from: both.audio }
  screen:  { type: "null", from: both.video }`,
  create: ({ maxMs }, context) => new Sync(maxMs * 1000, context),
});

class Sync implements NodePorts {
  readonly #maxUs: number;
  readonly #clock: Clock;
  readonly #audio: SyncLane;
  readonly #video: SyncLane;
  /** Set for when the first that waits has waited long enough. */
  #timer: ClockTimer | undefined;
  #flowing = false;

  constructor(maxUs: number, { clock }: NodeContext) {
    this.#maxUs = maxUs;
    this.#clock = clock;
    this.#audio = new SyncLane(maxUs, clock, this.#flow);
    this.#video = new SyncLane(maxUs, clock, this.#flow);
  }

  input(port: string): Writable {
    return this.#lane(port as Kind).input;
  }

  output(port: string): Readable {
    return this.#lane(port as Kind).output;
  }

  close(): void {
    this.#timer?.cancel();
  }

  #lane(kind: Kind): SyncLane {
    return kind === 'audio' ? this.#audio : this.#video;
  }

  /** Lets out what may leave, in the order of media time. */
  readonly #flow = (): void => {
    if (this.#flowing) return;
    this.#flowing = true;
    for (let lane = this.#first(); lane; lane = this.#first()) lane.release();
    this.#audio.endIfOver();
    this.#video.endIfOver();
    this.#flowing = false;
    this.#watch();
  };

  #first(): SyncLane | undefined {
    const audio = this.#mayLeave(this.#audio, this.#video);
    const video = this.#mayLeave(this.#video, this.#audio);
    if (audio && video) return this.#audio.headUs <= this.#video.headUs ? this.#audio : this.#video;
    return audio ? this.#audio : video ? this.#video : undefined;
  }

  #mayLeave(lane: SyncLane, other: SyncLane): boolean {
    if (!lane.canGive) return false;
    if (other.isEnded || other.newestUs >= lane.headUs) return true;
    const nowUs = this.#clock.nowUs();
    return nowUs - Math.max(lane.firstAtUs, other.lastAtUs) >= this.#maxUs || nowUs - lane.headAtUs >= this.#maxUs;
  }

  #watch(): void {
    const audioUs = this.#audio.canGive ? this.#audio.headAtUs : Infinity;
    const dueUs = this.#video.canGive ? Math.min(audioUs, this.#video.headAtUs) : audioUs;
    if (dueUs === Infinity || this.#timer) return;
    this.#timer = this.#clock.after((dueUs + this.#maxUs - this.#clock.nowUs()) / 1000, () => {
      this.#timer = undefined;
      this.#flow();
    });
  }
}

/** One of the two: what came and has not left. */
class SyncLane {
  readonly input: Writable;
  readonly output: SyncOutput;
  /** Media time of the newest that came. */
  newestUs = -Infinity;
  /** When the first and the last came, by the clock. */
  firstAtUs = Infinity;
  lastAtUs = -Infinity;
  isEnded = false;
  readonly #limitUs: number;
  readonly #buffer = new MediaBuffer<MediaValue>(Infinity, 'drop-oldest');
  readonly #step = new StepMeter();
  #waiting: Done | undefined;

  constructor(limitUs: number, clock: Clock, changed: () => void) {
    this.#limitUs = limitUs;
    this.input = new Writable({
      objectMode: true,
      highWaterMark: 1,
      write: (value: MediaValue, _encoding, done) => {
        this.#take(value, clock.nowUs(), done);
        changed();
      },
      final: (done) => {
        this.isEnded = true;
        changed();
        done();
      },
      destroy: (error, done) => {
        this.isEnded = true;
        changed();
        done(error);
      },
    });
    this.output = new SyncOutput(changed, keyFrameRequester(this.input));
  }

  /** Something waits, and the reader wants it. */
  get canGive(): boolean {
    return this.#buffer.length > 0 && this.output.isHungry;
  }

  /** Media time of what leaves next. */
  get headUs(): number {
    return this.#buffer.peek()?.timestamp ?? Infinity;
  }

  /** When that came, by the clock. */
  get headAtUs(): number {
    return this.#buffer.headAtUs;
  }

  release(): void {
    const value = this.#buffer.shift();
    if (value) this.output.give(value);
    if (!this.#waiting || this.#buffer.heldUs >= this.#limitUs) return;
    const done = this.#waiting;
    this.#waiting = undefined;
    done();
  }

  endIfOver(): void {
    if (this.isEnded && this.#buffer.length === 0) this.output.finish();
  }

  #take(value: MediaValue, nowUs: number, done: Done): void {
    this.#step.measure(value);
    this.#buffer.push(value, this.#step.stepUs, nowUs);
    this.newestUs = value.timestamp;
    this.firstAtUs = Math.min(this.firstAtUs, nowUs);
    this.lastAtUs = nowUs;
    if (this.#buffer.heldUs < this.#limitUs) done();
    else this.#waiting = done;
  }
}

class SyncOutput extends Readable {
  readonly requestKeyFrame: () => void;
  isHungry = false;
  readonly #wanted: () => void;

  constructor(wanted: () => void, requestKeyFrame: () => void) {
    super({ objectMode: true, highWaterMark: 2 });
    this.#wanted = wanted;
    this.requestKeyFrame = requestKeyFrame;
  }

  give(value: MediaValue): void {
    this.isHungry = this.push(value);
  }

  finish(): void {
    this.isHungry = false;
    if (!this.destroyed) this.push(null);
  }

  override _read(): void {
    this.isHungry = true;
    this.#wanted();
  }
}
