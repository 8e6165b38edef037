import type { Clock, ClockTimer } from '../../media/clock.js';
import type { EncodedVideoChunk, VideoCodec } from '../../media/encoded-chunk.js';
import { CLOCK_RATES, MediaTimeline } from '../media-timeline.js';
import { type AssembledFrame, FrameAssembler } from '../rtp/frame-assembler.js';
import { NackGenerator } from '../rtp/nack.js';
import type { RtpPacket } from '../rtp/packet.js';
import { SequenceUnwrapper, TimestampUnwrapper } from '../rtp/sequence.js';
import { FrameTimes } from './frame-times.js';
import { HeldPictures } from './held-pictures.js';
import { KeyFrameRequests } from './key-frame-requests.js';

/** Takes encoded pictures in decode order. The data is shared with other consumers: it is not to be changed. */
export interface VideoConsumer {
  /** `discardable`: no later picture needs this one. `exclusive`: nobody else gets it, its data may be given away. */
  encodedVideo(chunk: EncodedVideoChunk, discardable: boolean, exclusive: boolean): void;
}

export interface VideoReceiverOptions {
  readonly clock: Clock;
  /** Where RTP times belong; one of its own when left out. */
  readonly timeline?: MediaTimeline;
  /** The way to the sender and back in µs; 0 while it is not known. */
  roundTripUs(): number;
  /** Asks the sender to send packets again; numbers as on the wire. */
  requestPackets(sequenceNumbers: readonly number[]): void;
  /** Asks the sender for a key frame; false while there is no sender to be asked. */
  requestKeyFrame(): boolean;
}

/** What a picture counts for where only its number is known, in µs. */
export const NOMINAL_FRAME_US = 33_333;
/** A picture that is blocked for longer, and longer than two round trips, may need a key frame, though retransmission goes on. In µs. */
const BLOCKED_US = 200_000;
/** The packets that come first may come in disorder: so long is waited for the beginning of a key frame, in µs. */
const ORDER_GRACE_US = 40_000;
/** The least time between two requests for a packet, in µs. */
const MIN_RETRY_US = 20_000;
/** While something is missing it is looked after at least this often, in µs. */
const MAX_WAKE_US = 50_000;
/** Timers may come a little early: this much counts as due, in µs. */
const DUE_SLACK_US = 500;

/**
 * Receives one video track: order, retransmission, pictures put together, key frames asked for. For nobody, it does
 * nothing; while nothing is missing, it has no timer.
 */
export class VideoReceiver {
  readonly #options: VideoReceiverOptions;
  readonly #consumers = new Set<VideoConsumer>();
  readonly #sequences = new SequenceUnwrapper();
  readonly #timestamps = new TimestampUnwrapper();
  readonly #timeline: MediaTimeline;
  readonly #keyRequests = new KeyFrameRequests();
  readonly #held: HeldPictures;
  #nack = new NackGenerator();
  #assembler: FrameAssembler | undefined;
  #codec: VideoCodec | undefined;
  /** A consumer begins, or has lost its place. */
  #keyWanted = false;
  #draining = false;
  #lastTimestampUs = 0;
  #framesDropped = 0;
  #timer: ClockTimer | undefined;
  #wakeUs = Infinity;
  readonly #wake = (): void => {
    this.#timer = undefined;
    this.#wakeUs = Infinity;
    this.#service(this.#options.clock.nowUs());
  };
  /** When pictures were handed on. */
  readonly times = new FrameTimes();
  packetsDropped = 0;
  packetsDuplicated = 0;
  keyFramesReceived = 0;
  /** Pictures of more than one packet, and how long it took to have all of those, in µs. */
  framesAssembled = 0;
  totalAssemblyUs = 0;
  /** Requests for retransmission: packets of them, not numbers in them. */
  nackCount = 0;
  /** Of the last key frame, where its codec tells. */
  width = 0;
  height = 0;

  constructor(options: VideoReceiverOptions) {
    this.#options = options;
    this.#timeline = options.timeline ?? new MediaTimeline(CLOCK_RATES.video);
    this.#held = new HeldPictures(options.clock, (frame, nowUs) => {
      this.#handOn(frame, nowUs);
    });
  }

  /** Pictures handed on. */
  get framesReceived(): number {
    return this.times.frames;
  }

  /** Pictures that came, in part or whole, and could not be handed on. */
  get framesDropped(): number {
    return this.#framesDropped + (this.#assembler?.stats.framesDropped ?? 0);
  }

  /** Requests for key frames. */
  get pliCount(): number {
    return this.#keyRequests.count;
  }

  /** Gives a consumer all pictures from the next key frame on. */
  add(consumer: VideoConsumer): void {
    this.#consumers.add(consumer);
    this.requestKeyFrame();
  }

  remove(consumer: VideoConsumer): void {
    if (this.#consumers.delete(consumer) && this.#consumers.size === 0) this.#forget();
  }

  /** A consumer can go on with a key frame only. */
  requestKeyFrame(): void {
    if (this.#consumers.size === 0 || this.#held.holdsKeyFrame) return;
    this.#keyWanted = true;
    // Asked for by who is just being given a picture: the others get it first.
    if (!this.#draining) this.#service(this.#options.clock.nowUs());
  }

  /**
   * Takes a packet of this track, with its original numbers. Its buffer is kept. `resent`: whether it is a
   * retransmission; undefined where those look like all others.
   */
  receive(packet: RtpPacket, codec: VideoCodec, nowUs: number, resent?: boolean): void {
    if (this.#consumers.size === 0) return;
    if (resent === true && !this.#isAwaited(packet.sequenceNumber)) {
      this.packetsDuplicated++;
      return;
    }
    if (codec !== this.#codec) this.#changeTo(codec);
    const assembler = (this.#assembler ??= new FrameAssembler({ codec }));
    const sequence = this.#sequences.unwrap(packet.sequenceNumber);
    const timestamp = this.#timestamps.unwrap(packet.timestamp);
    const repaired = this.#nack.repaired;
    // Nobody fills so large a gap: what is behind it begins anew.
    if (!this.#nack.receive(sequence, nowUs, resent)) assembler.abandonBefore(sequence);
    if (this.#nack.repaired > repaired) {
      // It is missed when the next picture comes, and asked for; half a round trip after the answer should have come, again.
      const askingUs = 2.5 * Math.max(this.#roundTripUs, MIN_RETRY_US);
      this.#held.lost(NOMINAL_FRAME_US + this.#nack.reorderUs + askingUs, nowUs);
    }
    // A retransmission says nothing of how long the way takes.
    if (packet.payloadLength > 0 && resent !== true) this.#timeline.observe(timestamp, nowUs);
    const { packetsDuplicated } = assembler.stats;
    if (!assembler.insert(packet, sequence, timestamp, nowUs)) {
      if (assembler.stats.packetsDuplicated > packetsDuplicated) this.packetsDuplicated++;
      else this.packetsDropped++;
    }
    this.#drain(assembler, nowUs);
    if (this.#nack.pending > 0 || this.#keyWanted || assembler.needsKeyFrame) this.#service(nowUs);
  }

  /** The source was replaced by another. */
  restart(): void {
    this.#held.flush();
    this.#forget();
    this.#timestamps.reset();
    this.#timeline.reset();
  }

  /** Nothing more comes. */
  close(): void {
    this.#consumers.clear();
    this.#forget();
  }

  /** A retransmission is of use only for what is missing; senders also fill probes with others. */
  #isAwaited(sequenceNumber: number): boolean {
    const sequence = this.#sequences.peek(sequenceNumber);
    return sequence !== undefined && this.#nack.isMissing(sequence);
  }

  #changeTo(codec: VideoCodec): void {
    this.#held.flush();
    this.#forget();
    this.#codec = codec;
  }

  /** What is known of the way to the sender and back; the answers themselves know best. */
  get #roundTripUs(): number {
    return Math.max(this.#nack.answerUs, this.#options.roundTripUs());
  }

  #forget(): void {
    this.#framesDropped = this.framesDropped;
    this.#assembler = undefined;
    this.#held.clear();
    this.#nack = new NackGenerator();
    this.#sequences.reset();
    this.#keyRequests.reset();
    this.#keyWanted = this.#consumers.size > 0;
    if (!this.#keyWanted) this.times.interrupt();
    this.#sleep();
  }

  /** Asks for what is missing, gives up what will not come, and sees to it that this is done again in time. */
  #service(nowUs: number): void {
    if (this.#consumers.size === 0) return;
    const roundTripUs = this.#roundTripUs;
    const assembler = this.#assembler;
    if (assembler && this.#nack.pending > 0) {
      const missing = this.#nack.poll(nowUs + DUE_SLACK_US, roundTripUs);
      if (missing.length > 0) {
        this.nackCount++;
        this.#options.requestPackets(missing.map((sequence) => sequence & 0xffff));
      }
      for (const sequence of this.#nack.takeGivenUp()) assembler.giveUp(sequence);
      this.#drain(assembler, nowUs);
    }
    this.#requestKeyIfNeeded(nowUs, roundTripUs);
    this.#sleepUntilNeeded(nowUs, roundTripUs);
  }

  #needsKey(nowUs: number, roundTripUs: number): boolean {
    const assembler = this.#assembler;
    if (!assembler) return this.#keyWanted;
    const sinceUs = assembler.waitsSinceUs;
    // One that is on its way in is not asked for again; what came first may be out of order.
    if (assembler.needsKeyFrame || (this.#keyWanted && !assembler.holdsKeyFrame))
      return this.times.frames > 0 || (sinceUs !== undefined && nowUs - sinceUs > ORDER_GRACE_US);
    return sinceUs !== undefined && nowUs - sinceUs > Math.max(BLOCKED_US, 2 * roundTripUs);
  }

  #requestKeyIfNeeded(nowUs: number, roundTripUs: number): void {
    if (nowUs + DUE_SLACK_US < this.#keyRequests.nextUs || !this.#needsKey(nowUs, roundTripUs)) return;
    if (this.#options.requestKeyFrame()) this.#keyRequests.asked(nowUs, roundTripUs);
  }

  #sleepUntilNeeded(nowUs: number, roundTripUs: number): void {
    let wakeUs = Infinity;
    if (this.#nack.pending > 0) wakeUs = Math.min(this.#nack.nextUs(roundTripUs), nowUs + MAX_WAKE_US);
    else if (this.#assembler && (this.#keyWanted || this.#assembler.needsKeyFrame))
      wakeUs = Math.min(nowUs + MAX_WAKE_US, Math.max(nowUs + 5000, this.#keyRequests.nextUs));
    if (wakeUs === Infinity || (this.#timer && this.#wakeUs <= wakeUs)) return;
    this.#sleep();
    this.#wakeUs = wakeUs;
    this.#timer = this.#options.clock.after(Math.max(0, (wakeUs - nowUs) / 1000), this.#wake);
  }

  #sleep(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#wakeUs = Infinity;
  }

  #drain(assembler: FrameAssembler, nowUs: number): void {
    this.#draining = true;
    for (let frame = assembler.next(nowUs); frame; frame = assembler.next(nowUs)) this.#deliver(frame, nowUs);
    this.#draining = false;
    // What the assembler has gone past is of no use any more.
    if (this.#nack.pending > 0 && assembler.position !== undefined) this.#nack.forgetBefore(assembler.position);
  }

  #deliver(frame: AssembledFrame, nowUs: number): void {
    if (frame.type === 'key') {
      this.keyFramesReceived++;
      this.#keyWanted = false;
      this.#keyRequests.answered(nowUs);
      this.width = frame.width ?? this.width;
      this.height = frame.height ?? this.height;
    }
    if (frame.lastSequence > frame.firstSequence) {
      this.framesAssembled++;
      this.totalAssemblyUs += frame.arrivalUs - frame.firstArrivalUs;
    }
    this.#held.add(frame, this.#timeline.latenessUs(frame.timestamp, nowUs), nowUs);
  }

  #handOn(frame: AssembledFrame, nowUs: number): void {
    this.times.add(nowUs);
    const timestampUs = Math.max(this.#lastTimestampUs, Math.round(this.#timeline.timestampUs(frame.timestamp)));
    this.#lastTimestampUs = timestampUs;
    const chunk: EncodedVideoChunk = {
      kind: 'encoded-video',
      codec: this.#codec ?? 'vp8',
      type: frame.type,
      data: frame.data,
      timestamp: timestampUs,
      duration: 0,
    };
    const exclusive = this.#consumers.size === 1;
    for (const consumer of this.#consumers) consumer.encodedVideo(chunk, frame.discardable, exclusive);
  }
}
