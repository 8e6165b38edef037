import type { EncodedVideoChunk, VideoCodec } from '../../media/encoded-chunk.js';
import { MediaTimeline } from '../media-timeline.js';
import { type AssembledFrame, FrameAssembler } from '../rtp/frame-assembler.js';
import { NackGenerator } from '../rtp/nack.js';
import type { RtpPacket } from '../rtp/packet.js';
import { SequenceUnwrapper, TimestampUnwrapper } from '../rtp/sequence.js';

/** Takes encoded pictures in decode order. The data is shared with other consumers: it is not to be changed. */
export interface VideoConsumer {
  encodedVideo(chunk: EncodedVideoChunk): void;
}

export interface VideoReceiverOptions {
  /** Asks the sender to send packets again; numbers as on the wire. */
  requestPackets(sequenceNumbers: readonly number[]): void;
  /** Asks the sender for a key frame. */
  requestKeyFrame(): void;
}

const CLOCK_RATE = 90_000;
/** Requests for a key frame that were not answered are repeated after this, in µs. */
const KEY_FRAME_RETRY_US = 300_000;
/** What a picture counts for where only its number is known, in µs. */
export const NOMINAL_FRAME_US = 33_333;

/** Receives one video track: order, retransmission, pictures put together, key frames asked for. For nobody, it does nothing. */
export class VideoReceiver {
  readonly #options: VideoReceiverOptions;
  readonly #consumers = new Set<VideoConsumer>();
  readonly #sequences = new SequenceUnwrapper();
  readonly #timestamps = new TimestampUnwrapper();
  readonly #timeline = new MediaTimeline(CLOCK_RATE);
  #nack = new NackGenerator();
  #assembler: FrameAssembler | undefined;
  #codec: VideoCodec | undefined;
  #lastKeyRequestUs = -Infinity;
  #keyWanted = false;
  #lastTimestampUs = 0;
  packetsReceived = 0;
  packetsDropped = 0;
  framesReceived = 0;
  keyFramesReceived = 0;
  pliCount = 0;
  nackCount = 0;

  constructor(options: VideoReceiverOptions) {
    this.#options = options;
  }

  /** Gives a consumer all pictures from the next key frame on. */
  add(consumer: VideoConsumer): void {
    this.#consumers.add(consumer);
    this.#keyWanted = true;
  }

  remove(consumer: VideoConsumer): void {
    this.#consumers.delete(consumer);
    if (this.#consumers.size === 0) this.restart();
  }

  /** A consumer has lost its place, and can go on with a key frame only. */
  requestKeyFrame(): void {
    this.#keyWanted = true;
  }

  /** Takes a packet of this track, with its original numbers. Its buffer is kept. */
  receive(packet: RtpPacket, codec: VideoCodec, nowUs: number): void {
    this.packetsReceived++;
    if (this.#consumers.size === 0) return;
    if (codec !== this.#codec || !this.#assembler) {
      this.restart();
      this.#codec = codec;
      this.#assembler = new FrameAssembler({ codec });
    }
    const sequence = this.#sequences.unwrap(packet.sequenceNumber);
    const timestamp = this.#timestamps.unwrap(packet.timestamp);
    this.#nack.receive(sequence, nowUs);
    if (packet.payloadLength > 0) this.#timeline.observe(timestamp, nowUs);
    if (!this.#assembler.insert(packet, sequence, timestamp, nowUs)) this.packetsDropped++;
    this.#drain(nowUs);
  }

  /** A beat of a few milliseconds: asks for what is missing. */
  tick(nowUs: number, roundTripUs: number): void {
    if (this.#consumers.size === 0) return;
    const missing = this.#nack.poll(nowUs, roundTripUs);
    if (missing.length > 0) {
      this.nackCount += missing.length;
      this.#options.requestPackets(missing.map((sequence) => sequence & 0xffff));
    }
    const assembler = this.#assembler;
    if (assembler) {
      for (const sequence of this.#nack.takeGivenUp()) assembler.giveUp(sequence);
      this.#drain(nowUs);
    }
    if ((this.#keyWanted || assembler?.needsKeyFrame) && nowUs - this.#lastKeyRequestUs >= KEY_FRAME_RETRY_US) {
      this.#lastKeyRequestUs = nowUs;
      this.pliCount++;
      this.#options.requestKeyFrame();
    }
  }

  /** Forgets what is held: nobody reads, or the source was replaced by another. */
  restart(): void {
    this.#assembler = undefined;
    this.#nack = new NackGenerator();
    this.#sequences.reset();
    this.#timestamps.reset();
    this.#timeline.reset();
    this.#keyWanted = this.#consumers.size > 0;
    this.#lastKeyRequestUs = -Infinity;
  }

  #drain(nowUs: number): void {
    const assembler = this.#assembler;
    if (!assembler) return;
    for (let frame = assembler.next(nowUs); frame; frame = assembler.next(nowUs)) this.#deliver(frame);
  }

  #deliver(frame: AssembledFrame): void {
    this.framesReceived++;
    if (frame.type === 'key') {
      this.keyFramesReceived++;
      this.#keyWanted = false;
    }
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
    for (const consumer of this.#consumers) consumer.encodedVideo(chunk);
  }
}
