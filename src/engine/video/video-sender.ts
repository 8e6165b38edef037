import type { LayerChunk, LayerOrder } from '../../codecs/layered-encoder.js';
import type { ScalabilityMode } from '../../codecs/temporal-layers.js';
import type { Clock, ClockTimer } from '../../media/clock.js';
import type { EncodedVideoChunk, VideoCodec } from '../../media/encoded-chunk.js';
import type { VideoFrame } from '../../media/video-frame.js';
import { blackFrame } from '../../media/yuv.js';
import type { BitrateDemand } from '../bitrate-share.js';
import type { OutboundStream } from '../outbound-stream.js';
import { PUBLISHER_LEVELS } from '../port.js';
import { LayerDemand } from './layer-demand.js';
import { type LayerPlan, planTemporalLayers } from './layer-plan.js';
import { SourceRate } from './source-rate.js';
import { VideoBudget } from './video-budget.js';
import { VideoEncoding } from './video-encoding.js';
import { type QualityLimitationReason, VideoLayer } from './video-layer.js';
import { VideoQueue, type VideoValue } from './video-queue.js';

export interface VideoSenderOptions {
  readonly codec: VideoCodec;
  /** Of black pictures before the first real one. */
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  /** Lowest first; one without a name when left out. */
  readonly layers?: readonly LayerPlan[];
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

/** How often a picture that does not change is sent again, in µs. */
const REPEAT_US = 200_000;
/** How long the last picture is repeated before it turns black, in µs. */
const MAX_REPEAT_US = 2_000_000;
/** The time line of the sound may begin or change: it is looked at so often while pictures wait, in µs. */
const REFERENCE_US = 20_000;
/** What could not be done now is tried again after this, in µs. */
const MIN_WAIT_US = 5000;
/** By how much of the distance of two pictures a live one may go too early. */
const EARLY_PART = 0.75;
/** The next picture is waited for so long before the last one is made a key frame, in µs. */
const NEXT_PICTURE_US = 100_000;
/** The writer's pictures may grow by this much before the path is probed for more. */
const PASSED_HEADROOM = 1.5;

/** What is seen: black, a written picture, pictures that the writer encoded, or nothing yet. */
type Showing = 'nothing' | 'black' | 'picture' | 'encoded';

/**
 * Sends one video track from raw pictures or encoded ones, at the pace of their time stamps, and keeps it going when
 * nothing is written: black until the first picture, then the last one again for 2 s, then black. Raw pictures are encoded
 * for each layer that somebody takes and that there is room for; encoded ones go out as the highest layer.
 */
export class VideoSender {
  readonly layers: readonly VideoLayer[];
  readonly codec: VideoCodec;
  /** Of what it encodes. */
  readonly scalabilityMode: ScalabilityMode;
  readonly #options: VideoSenderOptions;
  readonly #queue: VideoQueue;
  readonly #encoding: VideoEncoding;
  readonly #budget: VideoBudget;
  readonly #demand: LayerDemand;
  readonly #sourceRate: SourceRate;
  #attached = false;
  #closed = false;
  /** Set for the moment at which something has to be done next. */
  #timer: ClockTimer | undefined;
  #timerUs = Infinity;
  #showing: Showing = 'nothing';
  /** The last picture came encoded. */
  #writesEncoded = false;
  /** When the last picture was written, and when one last went out. */
  #lastRealUs = -Infinity;
  #lastSentUs = -Infinity;
  /** Time stamp of what was sent last, in µs. */
  #stampUs = -Infinity;
  #dry = true;
  #consumedUs = 0;
  /** Encoded chunks are of no use before a key frame. */
  #needsKeyChunk = true;
  framesDropped = 0;
  readonly #drains: (() => void)[] = [];
  readonly #beat = (): void => {
    this.#timer = undefined;
    this.#run();
  };
  readonly #onChunk = (chunk: LayerChunk): void => {
    if (this.#showing !== 'encoded') this.layers[chunk.layer]?.sendEncoded(chunk);
  };

  constructor(options: VideoSenderOptions) {
    const { codec, fps, layers = [{ rid: '', scale: 1 }] } = options;
    this.#options = options;
    this.codec = codec;
    this.#queue = new VideoQueue(1_000_000 / fps, options.reference);
    this.#sourceRate = new SourceRate(fps);
    this.layers = layers.map((plan, index) => new VideoLayer(index, plan, codec));
    this.scalabilityMode = planTemporalLayers(codec, fps);
    this.#demand = new LayerDemand(this.layers);
    this.#encoding = new VideoEncoding({
      codec,
      scalabilityMode: this.scalabilityMode,
      onChunk: this.#onChunk,
      onError: options.onError,
    });
    this.#budget = new VideoBudget(this.layers, fps, () => this.#encoding.size ?? options);
  }

  /** Where the packets of each layer go, once the server has taken the track; undefined for a layer that it did not take. */
  attach(streams: readonly (OutboundStream | undefined)[]): void {
    this.#attached = true;
    for (const [index, layer] of this.layers.entries()) {
      layer.stream = streams[index];
      layer.restart();
    }
    this.#budget.allocate(this.#options.clock.nowUs());
    // Whoever attaches it may say at once what it may send.
    this.#timer?.cancel();
    this.#timerUs = this.#options.clock.nowUs();
    this.#timer = this.#options.clock.after(0, this.#beat);
  }

  /** There is no server to send to: what is written waits. */
  detach(): void {
    this.#attached = false;
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const layer of this.layers) layer.stream = undefined;
    this.#demand.restart();
    // What was sent before is not there any more to go on from, and what waits begins when there is a server again.
    this.#needsKeyChunk = true;
    this.#queue.restart();
  }

  /** Media time that waits to be sent, in µs. */
  get heldUs(): number {
    return this.#queue.heldUs;
  }

  get framesSent(): number {
    return this.layers.reduce((sum, layer) => sum + layer.framesEncoded, 0);
  }

  get keyFramesSent(): number {
    return this.layers.reduce((sum, layer) => sum + layer.keyFramesEncoded, 0);
  }

  get framesLeftOut(): number {
    return this.framesDropped + this.#encoding.framesDropped;
  }

  /** The picture, and its memory, belong to the sender from now on. */
  write(value: VideoValue): void {
    this.#queue.push(value);
    this.#dry = false;
    this.#run();
  }

  /** Drops what is queued; the last picture stays. */
  clear(): void {
    this.#count(this.#queue.clear());
    this.#needsKeyChunk = true;
    this.#settleDrains();
    this.#run();
  }

  /** Resolves when everything written so far has left or was cleared. */
  drained(): Promise<void> {
    if (this.#queue.heldUs === 0) return Promise.resolve();
    return new Promise((resolve) => this.#drains.push(resolve));
  }

  /** A receiver of one layer lost the picture, or has just come. */
  requestKeyFrame(layer = 0): void {
    this.layers[layer]?.requestKeyFrame();
    this.#run();
  }

  /** Tells which layers are taken by anybody. */
  setWanted(wanted: readonly boolean[]): void {
    this.#demand.take(wanted);
    this.#budget.allocate(this.#options.clock.nowUs());
    this.#run();
  }

  /** Muted, what is written leaves as ever and nobody sees it: black at first, then nothing. A key frame follows. */
  setMuted(muted: boolean): void {
    if (muted === this.#demand.muted) return;
    this.#demand.mute(muted);
    this.#needsKeyChunk = true;
    this.#showing = 'nothing';
    for (const layer of this.layers) layer.restart();
    if (!muted && this.#writesEncoded) this.#options.onKeyFrameRequested();
    this.#budget.allocate(this.#options.clock.nowUs());
    this.#run();
  }

  /** Sets what all layers together may send, in bits per second. */
  setBudget(bps: number): void {
    const nowUs = this.#options.clock.nowUs();
    this.#budget.set(bps, nowUs);
    if (this.layers.some((layer) => layer.hasKeyRequest(nowUs))) this.#run();
  }

  /** What is sent comes encoded from the writer: it cannot be made smaller. */
  get passesThrough(): boolean {
    return this.#showing === 'encoded';
  }

  /** What it has use for, in bits per second; of what the writer encodes, what has been sent lately. */
  demand(sentBps: number): BitrateDemand {
    if (!this.passesThrough) return this.#budget.demand;
    return { minBps: sentBps, maxBps: sentBps * PASSED_HEADROOM, weight: sentBps };
  }

  /** Why a layer is not as good as it could be. */
  limitation(layer: VideoLayer): QualityLimitationReason {
    return this.passesThrough ? 'none' : this.#budget.limitation(layer, this.#options.clock.nowUs());
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#encoding.close();
    this.#count(this.#queue.clear());
    this.#settleDrains();
  }

  /** Sends what is due, and sees to it that this is called again in time. */
  #run(): void {
    if (!this.#attached || this.#closed) return;
    const nowUs = this.#options.clock.nowUs();
    this.#sendDue(nowUs);
    this.#schedule(nowUs);
  }

  #sendDue(nowUs: number): void {
    let sent = false;
    for (let value = this.#shiftDue(nowUs); value; value = this.#shiftDue(nowUs)) {
      this.#sendReal(value, this.#queue.dueUs, nowUs);
      this.#count(this.#queue.durationOf(value));
      sent = true;
    }
    this.#answerKeyRequests(nowUs);
    if (sent || this.#queue.heldUs > 0) return;
    if (!this.#dry && nowUs >= this.#dryAtUs) {
      this.#dry = true;
      this.#queue.restart();
      this.#options.onDrained();
      this.#settleDrains();
    }
    if (nowUs - this.#lastSentUs >= REPEAT_US) this.#sendFiller(nowUs);
  }

  /**
   * The next picture, if it is due now. One that waits alone may go a little earlier, with its own time: of a live source, whose first
   * picture is mostly late, all the others are early by that, and each would be held, and wake the thread once more.
   */
  #shiftDue(nowUs: number): VideoValue | undefined {
    const value = this.#queue.shiftDue(nowUs);
    if (value || this.#options.reference) return value;
    const intervalUs = 1_000_000 / this.#options.fps;
    const dueUs = this.#queue.heldUs > intervalUs ? undefined : this.#queue.nextDueUs(nowUs);
    return dueUs !== undefined && dueUs <= nowUs + EARLY_PART * intervalUs ? this.#queue.shiftDue(dueUs) : undefined;
  }

  /** When two pictures are missing. */
  get #dryAtUs(): number {
    return this.#lastRealUs + 2_000_000 / this.#options.fps;
  }

  #schedule(nowUs: number): void {
    const nextUs = Math.max(this.#nextUs(nowUs), nowUs + MIN_WAIT_US);
    // One that is set for earlier than needed looks again then.
    if (this.#timer && this.#timerUs <= nextUs) return;
    this.#timer?.cancel();
    this.#timerUs = nextUs;
    this.#timer = this.#options.clock.after((nextUs - nowUs) / 1000, this.#beat);
  }

  #nextUs(nowUs: number): number {
    let nextUs = this.#queue.nextDueUs(nowUs);
    if (nextUs === undefined) {
      nextUs = this.#showing === 'encoded' ? this.#lastRealUs + MAX_REPEAT_US : this.#lastSentUs + REPEAT_US;
      if (!this.#dry) nextUs = Math.min(nextUs, this.#dryAtUs);
    } else if (this.#options.reference) nextUs = Math.min(nextUs, nowUs + REFERENCE_US);
    for (const layer of this.layers) nextUs = Math.min(nextUs, layer.nextKeyUs);
    return nextUs;
  }

  #answerKeyRequests(nowUs: number): void {
    let asked = false;
    for (const layer of this.layers) {
      if (this.#showing === 'encoded') asked = layer.takeKeyRequest(nowUs) || asked;
      else if (layer.hasKeyRequest(nowUs) && nowUs - this.#lastRealUs >= NEXT_PICTURE_US) {
        // Do not let the receiver wait for the next beat of a still picture.
        this.#lastSentUs = -Infinity;
      }
    }
    if (asked) this.#options.onKeyFrameRequested();
  }

  #sendReal(value: VideoValue, dueUs: number, nowUs: number): void {
    this.#lastRealUs = nowUs;
    this.#writesEncoded = value.kind === 'encoded-video';
    if (this.#demand.muted) return;
    if (value.kind === 'encoded-video') this.#passThrough(value, dueUs, nowUs);
    else {
      this.#sourceRate.add(dueUs);
      this.#show(value, 'picture', dueUs, nowUs);
    }
  }

  #passThrough(chunk: EncodedVideoChunk, dueUs: number, nowUs: number): void {
    const layer = this.layers.findLast((one) => one.stream);
    if (this.#showing !== 'encoded') this.#needsKeyChunk = true;
    this.#showing = 'encoded';
    if (this.#needsKeyChunk && chunk.type !== 'key') {
      this.framesDropped++;
      layer?.askForKeyFrame();
      return;
    }
    this.#needsKeyChunk = false;
    this.#lastSentUs = nowUs;
    if (chunk.type === 'key') for (const one of this.layers) one.takeKeyRequest(nowUs);
    this.#demand.noteSent();
    layer?.send(chunk, this.#stamp(dueUs));
  }

  #show(frame: VideoFrame, showing: Showing, dueUs: number, nowUs: number): void {
    if (this.#showing === 'encoded') for (const layer of this.layers) layer.restart();
    this.#showing = showing;
    this.#encoding.load(frame);
    this.#encode(dueUs, nowUs);
  }

  #encode(dueUs: number, nowUs: number): void {
    this.#lastSentUs = nowUs;
    if (!this.#encoding.isOpen) {
      this.#encoding.open(() => {
        if (this.#showing !== 'encoded') this.#encode(dueUs, nowUs);
      });
      return;
    }
    if (!this.#encoding.isFree) {
      this.#encoding.leaveOut();
      this.#budget.noteBusy(nowUs);
      return;
    }
    const size = this.#encoding.size ?? this.#options;
    const orders: LayerOrder[] = [];
    for (const layer of this.layers) {
      const order = layer.order(size, this.#options.fps, this.#sourceRate.perSecond, dueUs);
      if (order) orders.push(order);
    }
    if (orders.length > 0) {
      this.#encoding.encode(this.#stamp(dueUs), orders);
      if (this.#demand.noteSent()) this.#budget.allocate(nowUs);
    } else if (this.layers.some((layer) => layer.targetBps > 0)) this.framesDropped++;
  }

  /** Something to see where nothing was written: the last picture, or black. */
  #sendFiller(nowUs: number): void {
    const recent = nowUs - this.#lastRealUs <= MAX_REPEAT_US;
    // A receiver of encoded pictures goes on showing the last one by itself.
    if (recent && this.#showing === 'encoded') return;
    if (this.#showing === 'black' || (recent && this.#showing === 'picture')) {
      this.#encode(nowUs, nowUs);
      return;
    }
    const { width, height } = this.#encoding.size ?? this.#options;
    this.#show(blackFrame(width, height), 'black', nowUs, nowUs);
  }

  /** Time stamps never stand still. */
  #stamp(dueUs: number): number {
    return (this.#stampUs = Math.max(dueUs, this.#stampUs + 1000));
  }

  #count(us: number): void {
    if (us === 0) return;
    this.#consumedUs += us;
    Atomics.store(this.#options.levels, PUBLISHER_LEVELS.videoConsumedUs, BigInt(Math.round(this.#consumedUs)));
    this.#options.onConsumed();
    if (this.#queue.heldUs === 0) this.#settleDrains();
  }

  #settleDrains(): void {
    for (const resolve of this.#drains.splice(0)) resolve();
  }
}
