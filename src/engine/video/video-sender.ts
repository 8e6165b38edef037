import type { Clock } from '../../media/clock.js';
import type { EncodedVideoChunk, VideoCodec } from '../../media/encoded-chunk.js';
import type { VideoFrame } from '../../media/video-frame.js';
import { blackFrame } from '../../media/yuv.js';
import type { OutboundStream } from '../outbound-stream.js';
import { PUBLISHER_LEVELS } from '../port.js';
import { H264Packetizer } from '../rtp/h264.js';
import type { Packetizer } from '../rtp/packetizer.js';
import { Vp8Packetizer } from '../rtp/vp8.js';
import type { TickTask } from '../ticker.js';
import { VideoEncoding } from './video-encoding.js';
import { VideoQueue, type VideoValue } from './video-queue.js';

export interface VideoSenderOptions {
  readonly codec: VideoCodec;
  /** Of black pictures before the first real one. */
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly levels: BigInt64Array;
  readonly clock: Clock;
  /** Local time minus media time of the sound that belongs to it, in µs, while there is any. */
  readonly reference?: () => number | undefined;
  /** The queue ran dry; not told again before it was filled. */
  readonly onDrained: () => void;
  /** The queue shrank. */
  readonly onConsumed: () => void;
  /** A receiver needs a key frame that only the writer of encoded chunks can make. */
  readonly onKeyFrameRequested: () => void;
  readonly onError: (error: unknown) => void;
}

const CLOCK_RATE = 90_000;
const MAX_PAYLOAD_BYTES = 1100;
/** How often a picture that does not change is sent again, in µs. */
const REPEAT_US = 200_000;
/** How long the last picture is repeated before it turns black, in µs. */
const MAX_REPEAT_US = 2_000_000;
/** Requests that come closer together are answered by one key frame, in µs. */
const KEY_FRAME_INTERVAL_US = 300_000;

/**
 * Sends one video track from raw pictures or encoded ones, at the pace of their time stamps, and keeps it going when
 * nothing is written: black until the first picture, then the last one again for 2 s, then black.
 */
export class VideoSender implements TickTask {
  readonly #options: VideoSenderOptions;
  readonly #queue: VideoQueue;
  readonly #encoding: VideoEncoding;
  readonly #packetizer: Packetizer;
  #stream: OutboundStream | undefined;
  #lastRaw: VideoFrame | undefined;
  #black: VideoFrame;
  /** When the last picture was written, and when one last went out. */
  #lastRealUs = -Infinity;
  #lastSentUs = -Infinity;
  #lastKeyRequestUs = -Infinity;
  #keyWanted = false;
  #dry = true;
  #consumedUs = 0;
  /** What was sent last came from the writer, already encoded. */
  #passingThrough = false;
  /** Encoded chunks are of no use before a key frame. */
  #needsKeyChunk = true;
  framesSent = 0;
  keyFramesSent = 0;
  framesDropped = 0;
  pliCount = 0;
  #drains: (() => void)[] = [];
  readonly #onChunk = (chunk: EncodedVideoChunk): void => {
    if (!this.#passingThrough) this.#packetize(chunk);
  };

  constructor(options: VideoSenderOptions) {
    this.#options = options;
    this.#queue = new VideoQueue(1_000_000 / options.fps, options.reference);
    this.#packetizer = options.codec === 'vp8' ? new Vp8Packetizer() : new H264Packetizer();
    this.#encoding = new VideoEncoding({
      codec: options.codec,
      fps: options.fps,
      onChunk: this.#onChunk,
      onError: options.onError,
    });
    this.#black = blackFrame(options.width, options.height);
  }

  /** Where packets go, once the server has taken the track. */
  attach(stream: OutboundStream): void {
    this.#stream = stream;
  }

  /** Media time that waits to be sent, in µs. */
  get heldUs(): number {
    return this.#queue.heldUs;
  }

  get framesLeftOut(): number {
    return this.framesDropped + this.#encoding.framesDropped;
  }

  write(value: VideoValue): void {
    this.#queue.push(value);
    this.#dry = false;
  }

  /** Drops what is queued; the last picture stays. */
  clear(): void {
    this.#count(this.#queue.clear());
    this.#needsKeyChunk = true;
    this.#settleDrains();
  }

  /** Resolves when everything written so far has left or was cleared. */
  drained(): Promise<void> {
    if (this.#queue.heldUs === 0) return Promise.resolve();
    return new Promise((resolve) => this.#drains.push(resolve));
  }

  /** A beat of a few milliseconds: sends what is due. */
  tick(nowUs: number): void {
    if (!this.#stream) return;
    this.#answerKeyRequest(nowUs);
    let sent = false;
    for (let value = this.#queue.shiftDue(nowUs); value; value = this.#queue.shiftDue(nowUs)) {
      this.#sendReal(value, nowUs);
      this.#count(this.#queue.durationOf(value));
      sent = true;
    }
    if (sent) return;
    if (this.#queue.heldUs === 0 && !this.#dry && nowUs - this.#lastRealUs >= 2_000_000 / this.#options.fps) {
      this.#dry = true;
      this.#queue.restart();
      this.#options.onDrained();
      this.#settleDrains();
    }
    if (this.#queue.heldUs === 0 && nowUs - this.#lastSentUs >= REPEAT_US) this.#sendFiller(nowUs);
  }

  /** A receiver lost the picture, or has just come. */
  requestKeyFrame(): void {
    this.pliCount++;
    this.#keyWanted = true;
    this.#answerKeyRequest(this.#options.clock.nowUs());
  }

  /** At once, or as soon as the last key frame is long enough ago. */
  #answerKeyRequest(nowUs: number): void {
    if (!this.#keyWanted || nowUs - this.#lastKeyRequestUs < KEY_FRAME_INTERVAL_US) return;
    this.#keyWanted = false;
    this.#lastKeyRequestUs = nowUs;
    if (this.#passingThrough) {
      this.#options.onKeyFrameRequested();
      return;
    }
    this.#encoding.requestKeyFrame();
    // Do not let the receiver wait for the next beat of a still picture.
    this.#lastSentUs = -Infinity;
  }

  /** The most that may be sent, in bits per second. */
  setBitrateCap(bps: number): void {
    this.#encoding.setBitrateCap(bps);
  }

  close(): void {
    this.#encoding.close();
    this.#count(this.#queue.clear());
    this.#settleDrains();
  }

  #sendReal(value: VideoValue, nowUs: number): void {
    this.#lastRealUs = nowUs;
    if (value.kind === 'encoded-video') {
      this.#passThrough(value, nowUs);
      return;
    }
    this.#lastRaw = value;
    if (this.#black.width !== value.width || this.#black.height !== value.height) {
      this.#black = blackFrame(value.width, value.height);
    }
    this.#encode(value, nowUs);
  }

  #passThrough(chunk: EncodedVideoChunk, nowUs: number): void {
    if (!this.#passingThrough) this.#needsKeyChunk = true;
    this.#passingThrough = true;
    this.#lastRaw = undefined;
    if (this.#needsKeyChunk && chunk.type !== 'key') {
      this.framesDropped++;
      if (nowUs - this.#lastKeyRequestUs >= KEY_FRAME_INTERVAL_US) {
        this.#lastKeyRequestUs = nowUs;
        this.#options.onKeyFrameRequested();
      }
      return;
    }
    this.#needsKeyChunk = false;
    this.#lastSentUs = nowUs;
    this.#packetize({ ...chunk, timestamp: nowUs });
  }

  #encode(frame: VideoFrame, nowUs: number): void {
    if (this.#passingThrough) this.#encoding.requestKeyFrame();
    this.#passingThrough = false;
    this.#lastSentUs = nowUs;
    this.#encoding.encode({ ...frame, timestamp: nowUs });
  }

  /** Something to see where nothing was written: the last picture, or black. */
  #sendFiller(nowUs: number): void {
    const recent = nowUs - this.#lastRealUs <= MAX_REPEAT_US;
    // A receiver of encoded pictures goes on showing the last one by itself.
    if (recent && this.#passingThrough) return;
    if (recent && this.#lastRaw) this.#encode(this.#lastRaw, nowUs);
    else this.#encode(this.#black, nowUs);
  }

  #packetize(chunk: EncodedVideoChunk): void {
    const stream = this.#stream;
    if (!stream) return;
    const rtpTime = Math.round((chunk.timestamp * CLOCK_RATE) / 1_000_000);
    const count = this.#packetizer.begin(chunk.data, MAX_PAYLOAD_BYTES);
    for (let i = 0; i < count; i++) {
      const packet = stream.allocateVideo(this.#packetizer.length(i), i === count - 1, rtpTime);
      this.#packetizer.write(i, packet, stream.payloadOffset);
      stream.sendVideo(packet, rtpTime, chunk.timestamp);
    }
    this.framesSent++;
    if (chunk.type === 'key') this.keyFramesSent++;
  }

  #count(us: number): void {
    if (us === 0) return;
    this.#consumedUs += us;
    Atomics.store(this.#options.levels, PUBLISHER_LEVELS.videoConsumedUs, BigInt(Math.round(this.#consumedUs)));
    this.#options.onConsumed();
    if (this.#queue.heldUs === 0) this.#settleDrains();
  }

  #settleDrains(): void {
    const drains = this.#drains;
    this.#drains = [];
    for (const resolve of drains) resolve();
  }
}
