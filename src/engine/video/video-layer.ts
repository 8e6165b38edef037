import type { LayerChunk, LayerOrder } from '../../codecs/layered-encoder.js';
import type { TemporalPlace } from '../../codecs/temporal-layers.js';
import type { EncodedVideoChunk, VideoCodec } from '../../media/encoded-chunk.js';
import type { OutboundStream } from '../outbound-stream.js';
import { H264Packetizer } from '../rtp/h264.js';
import type { Packetizer } from '../rtp/packetizer.js';
import { Vp8Packetizer } from '../rtp/vp8.js';
import { BitBudget } from './bit-budget.js';
import type { LayerPlan } from './layer-plan.js';
import { QualityLadder } from './quality-ladder.js';

/** Why less is sent than could look good (W3C webrtc-stats). */
export type QualityLimitationReason = 'none' | 'cpu' | 'bandwidth';

const CLOCK_RATE = 90_000;
const MAX_PAYLOAD_BYTES = 1100;
/** Requests that come closer together are answered by one key frame, in µs. */
const KEY_FRAME_INTERVAL_US = 300_000;
/** Less than this part of what looks good counts as limited. */
const LIMITED_FACTOR = 0.9;

/** One layer of a published picture, on its way from the encoder to the network. */
export class VideoLayer {
  readonly plan: LayerPlan;
  /** Where its packets go; undefined while the server has not taken it. */
  stream: OutboundStream | undefined;
  /** Somebody takes it. */
  wanted = true;
  framesEncoded = 0;
  keyFramesEncoded = 0;
  pliCount = 0;
  /** Of the picture sent last, in pixels. */
  frameWidth = 0;
  frameHeight = 0;
  /** Granted, in bits per second; 0 is off. */
  targetBps = 0;
  /** What would look good, in bits per second. */
  goodBps = 0;
  readonly #index: number;
  readonly #codec: VideoCodec;
  readonly #packetizer: Packetizer;
  readonly #ladder = new QualityLadder();
  readonly #budget = new BitBudget();
  #keyWanted = true;
  #lastKeyUs = -Infinity;
  #nextDueUs = -Infinity;

  constructor(index: number, plan: LayerPlan, codec: VideoCodec) {
    this.#index = index;
    this.plan = plan;
    this.#codec = codec;
    this.#packetizer = codec === 'vp8' ? new Vp8Packetizer() : new H264Packetizer();
  }

  /** Gives it bits to spend; 0 turns it off, and what comes after begins with a key frame. */
  grant(bps: number, goodBps: number, nowUs: number): void {
    if (bps > 0 && this.targetBps === 0) this.#keyWanted = true;
    this.targetBps = bps;
    this.goodBps = goodBps;
    this.#budget.setRate(bps, nowUs);
  }

  get limitation(): QualityLimitationReason {
    const limited = this.wanted && (this.targetBps < this.goodBps * LIMITED_FACTOR || this.#ladder.limited);
    return limited ? 'bandwidth' : 'none';
  }

  /** A receiver lost the picture, or has just come. */
  requestKeyFrame(): void {
    this.pliCount++;
    this.#keyWanted = true;
  }

  /** This side needs a key frame to go on from. */
  askForKeyFrame(): void {
    this.#keyWanted = true;
  }

  /** True when a key frame is to be made now; the next one then waits a while. */
  takeKeyRequest(nowUs: number): boolean {
    if (!this.#isKeyDue(nowUs)) return false;
    this.#keyWanted = false;
    this.#lastKeyUs = nowUs;
    return true;
  }

  /** The next picture cannot build on what was sent before. */
  restart(): void {
    this.#keyWanted = true;
    this.#lastKeyUs = -Infinity;
  }

  #isKeyDue(nowUs: number): boolean {
    return this.#keyWanted && nowUs - this.#lastKeyUs >= KEY_FRAME_INTERVAL_US;
  }

  /** Whether a key frame is to be made now. */
  hasKeyRequest(nowUs: number): boolean {
    return nowUs >= this.nextKeyUs;
  }

  /** When a key frame is to be made, in µs; Infinity while nobody asks for one. */
  get nextKeyUs(): number {
    if (!this.stream || this.targetBps === 0 || !this.#keyWanted) return Infinity;
    return this.#lastKeyUs + KEY_FRAME_INTERVAL_US;
  }

  /**
   * What is to be made of a picture of this size (pixels), due at `dueUs`; undefined where this layer leaves it out. `frameRate`:
   * what was announced, and `sourceRate`: what comes, in 1/s.
   */
  order(
    { width, height }: { readonly width: number; readonly height: number },
    frameRate: number,
    sourceRate: number,
    dueUs: number,
  ): LayerOrder | undefined {
    if (!this.stream || this.targetBps === 0) return undefined;
    const even = this.#codec === 'h264' ? ~1 : ~0;
    const { scale } = this.plan;
    const quality = this.#ladder.choose(this.targetBps, width / scale, height / scale, frameRate, dueUs);
    const key = this.#isKeyDue(dueUs);
    if (!key && (this.#isTooSoon(dueUs, quality.frameRate, frameRate) || this.#budget.isSpent(dueUs))) return undefined;
    this.#nextDueUs = Math.max(this.#nextDueUs + 1_000_000 / quality.frameRate, dueUs);
    if (key) this.takeKeyRequest(dueUs);
    const divisor = scale * quality.scale;
    return {
      layer: this.#index,
      width: Math.max(2, Math.round(width / divisor) & even),
      height: Math.max(2, Math.round(height / divisor) & even),
      bitrate: this.targetBps,
      frameRate: Math.min(quality.frameRate, sourceRate),
      keyFrame: key,
    };
  }

  /** Pictures that are left out on purpose keep an even distance. */
  #isTooSoon(dueUs: number, frameRate: number, fullRate: number): boolean {
    return frameRate < fullRate && dueUs < this.#nextDueUs + 500_000 / frameRate;
  }

  /** Sends what the encoder made. */
  sendEncoded(chunk: LayerChunk): void {
    this.#budget.spend(chunk.data.length * 8, chunk.timestamp);
    this.frameWidth = chunk.width;
    this.frameHeight = chunk.height;
    this.send(chunk, chunk.timestamp, chunk.temporal);
  }

  /** Sends an encoded picture that stands for the moment `captureUs`, with its place where there are temporal layers. */
  send(chunk: EncodedVideoChunk, captureUs: number, place?: TemporalPlace): void {
    const { stream } = this;
    if (!stream) return;
    const rtpTime = Math.round((captureUs * CLOCK_RATE) / 1_000_000);
    const count = this.#packetizer.begin(chunk.data, MAX_PAYLOAD_BYTES, place);
    for (let i = 0; i < count; i++) {
      const packet = stream.allocateVideo(this.#packetizer.length(i), i === count - 1, rtpTime);
      this.#packetizer.write(i, packet, stream.payloadOffset);
      stream.sendVideo(packet, rtpTime, captureUs);
    }
    this.framesEncoded++;
    if (chunk.type === 'key') this.keyFramesEncoded++;
  }
}
