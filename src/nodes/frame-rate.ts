import { Transform, type TransformCallback } from 'node:stream';
import { z } from 'zod';
import { nearestIn } from '../media/format.js';
import { defineNode, type NodeContext } from '../media/node.js';
import type { VideoFrame } from '../media/video-frame.js';

const Options = z.strictObject({
  frameRate: z.number().min(1).max(60).default(30).describe('Pictures per second that come out.'),
});

/** A picture later than this (and two places) after the one before follows a pause: none are made for it. In µs. */
const MAX_GAP_US = 1_000_000;
/** A picture that comes before its place by less than this part of the distance takes it: time stamps jitter. */
const EARLY = 0.25;
/** µs of one core for a second of pictures, about: none is touched. */
const COST = 50;

/**
 * Gives pictures at an even rate, from the time of the first one on: each takes the place in time at or before it, or
 * the one that it only just misses. One whose place is taken is dropped, counted; places that none came for repeat the
 * picture before, up to a second.
 * Pictures are shared, never copied. Nothing waits: a picture goes out when it comes.
 */
export const frameRate = defineNode({
  type: 'frame-rate',
  summary: 'Drops or repeats raw pictures, so that a fixed number comes out each second.',
  options: Options,
  inputs: [{ name: 'in', formats: [{ kind: 'video' }] }],
  outputs: (options, inputs) => [
    { name: 'out', formats: [{ ...(inputs.get('in')?.[0] ?? { kind: 'video' }), frameRate: options.frameRate }] },
  ],
  adapts(format) {
    const wanted = format.kind === 'video' ? nearestIn(format.frameRate, undefined) : undefined;
    return wanted === undefined ? {} : { frameRate: wanted };
  },
  converts(from, to) {
    if (from.kind !== 'video' || to.kind !== 'video' || to.frameRate === undefined) return undefined;
    return { options: { frameRate: nearestIn(from.frameRate, to.frameRate) }, cost: COST };
  },
  example: `nodes:
  picture: { type: test-pattern, fps: 30, durationMs: 1000, live: false }
  slow:    { type: frame-rate, from: picture, frameRate: 10 }
  nowhere: { type: "null", from: slow }`,
  create: (options, context) => new FrameRateStream(options.frameRate, context),
});

class FrameRateStream extends Transform {
  readonly #intervalUs: number;
  readonly #context: NodeContext;
  /** Where the even rate began, and how many pictures have come out since. */
  #startUs = 0;
  #count = 0;
  #last: VideoFrame | undefined;

  constructor(perSecond: number, context: NodeContext) {
    super({ objectMode: true, readableHighWaterMark: 4, writableHighWaterMark: 2 });
    this.#intervalUs = 1_000_000 / perSecond;
    this.#context = context;
  }

  override _transform(frame: VideoFrame, _encoding: BufferEncoding, done: TransformCallback): void {
    const gapUs = frame.timestamp - (this.#last?.timestamp ?? -Infinity);
    if (gapUs > Math.max(MAX_GAP_US, 2 * this.#intervalUs)) this.#begin(frame.timestamp);
    const place = Math.floor((frame.timestamp - this.#startUs) / this.#intervalUs + EARLY);
    if (place < this.#count) this.#context.dropped('more pictures than wanted');
    else {
      while (this.#last && this.#count < place) this.#give(this.#last);
      this.#give(frame);
    }
    this.#last = frame;
    done();
  }

  /** The even rate goes on from here; time never goes back. */
  #begin(timestampUs: number): void {
    this.#startUs = this.#last ? Math.max(timestampUs, this.#timeOf(this.#count)) : timestampUs;
    this.#count = 0;
    this.#last = undefined;
  }

  #give(frame: VideoFrame): void {
    const timestamp = this.#timeOf(this.#count++);
    this.push(frame.timestamp === timestamp ? frame : { ...frame, timestamp });
  }

  #timeOf(place: number): number {
    return this.#startUs + Math.round(place * this.#intervalUs);
  }
}
