import type { EncodedAudioChunk } from '../../media/encoded-chunk.js';
import { OPUS_LAG_US } from '../../codecs/opus-packet.js';
import { MediaTimeline } from '../media-timeline.js';
import { DriftEstimator } from '../rtp/drift-estimator.js';
import { type AudioPacket, JitterBuffer, type JitterBufferResult } from '../rtp/jitter-buffer.js';
import { NackGenerator } from '../rtp/nack.js';
import { SequenceUnwrapper, TimestampUnwrapper } from '../rtp/sequence.js';
import type { AudioFormat } from '../port.js';
import type { AudioConsumer, AudioFlow, EncodedAudioConsumer } from './audio-consumer.js';
import { AudioDecoding } from './audio-decoding.js';
import { AudioStatistics, type AudioReceiverStats } from './audio-statistics.js';
import { DelayControl } from './delay-control.js';

const CLOCK_RATE = 48_000;
/** What would come later than the longest delay is not asked for: half of that is left for noticing that it is missing. */
const MAX_ROUND_TRIP_US = 150_000;
const NACK = { maxTries: 5, giveUpMs: 250, maxBehind: 25 };
/** Timers may come a little early: this much counts as due, in µs. */
const DUE_SLACK_US = 500;

export interface AudioReceiverOptions {
  readonly onError: (error: unknown) => void;
  /** Where RTP times belong; one of its own when left out. */
  readonly timeline?: MediaTimeline;
  /** The way to the sender and back in µs; 0 while it is not known. */
  readonly roundTripUs?: () => number;
  /** Asks the sender to send packets again; numbers as on the wire. Nothing is asked for when left out. */
  readonly requestPackets?: (sequenceNumbers: readonly number[]) => void;
}

type PacketResult = Extract<JitterBufferResult, { type: 'packet' }>;

/**
 * Receives one audio track: order, loss, jitter and the drift of the source's clock, and decoding for those who read it, and for nobody
 * else. A packet is played when it is due, at its arrival where that is in time, so that beats add no delay.
 */
export class AudioReceiver {
  readonly #jitterBuffer = new JitterBuffer({
    // What is left out since too much is held is still a packet for those who keep them.
    onLeftOut: (packet) => {
      if (this.#encoded.size > 0) this.#passOn(packet);
    },
  });
  readonly #timeline: MediaTimeline;
  readonly #drift = new DriftEstimator();
  readonly #control = new DelayControl();
  readonly #statistics = new AudioStatistics();
  readonly #sequences = new SequenceUnwrapper();
  readonly #timestamps = new TimestampUnwrapper();
  readonly #options: AudioReceiverOptions;
  readonly #nack = new NackGenerator(NACK);
  readonly #decodings = new Map<string, AudioDecoding>();
  /** The decodings, the one of the highest rate first: it sets the pace. */
  #ranked: readonly AudioDecoding[] = [];
  readonly #encoded = new Set<EncodedAudioConsumer>();
  #started = false;
  #closed = false;
  #lastEncodedUs = 0;
  /** What the first decoding gave last, in samples at 48 kHz. */
  #paceSamples = 0;
  /** The sender sends again what is asked for. */
  repeats = false;
  /** Requests for retransmission: packets of them, not numbers in them. */
  nackCount = 0;

  constructor(options: AudioReceiverOptions) {
    this.#options = options;
    this.#timeline = options.timeline ?? new MediaTimeline(CLOCK_RATE);
  }

  get stats(): AudioReceiverStats {
    return this.#statistics.with(this.#jitterBuffer.stats);
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** The delay aimed at, in ms: what jitter and the repair of losses need, and one packet. */
  get targetDelayMs(): number {
    return this.#jitterBuffer.targetDelayMs;
  }

  /** When what was given out ends, on the clock of arrivals in µs; undefined before there was any sound. */
  get playedUntilUs(): number | undefined {
    return this.#started ? this.#jitterBuffer.playUs : undefined;
  }

  /** Nothing is being opened that the sound needs. */
  get isOpen(): boolean {
    return this.#ranked.every((decoding) => decoding.isOpen);
  }

  /** When `tick` may have something to do, in µs; Infinity while there is nothing, or nobody reads. */
  get dueUs(): number {
    if (!this.#isRead()) return Infinity;
    const playUs = this.#paces ? this.#jitterBuffer.dueUs : Infinity;
    return this.#nack.pending === 0 ? playUs : Math.min(playUs, this.#nack.nextUs(this.#roundTripUs));
  }

  /** Parts per million by which the source's clock is faster than this machine's, as far as it is known. */
  get driftPpm(): number {
    return this.#drift.ppm;
  }

  add(consumer: AudioConsumer): void {
    this.#decoding(consumer.format)?.consumers.add(consumer);
  }

  remove(consumer: AudioConsumer): void {
    for (const decoding of this.#ranked) decoding.consumers.delete(consumer);
    this.#endUnused();
  }

  /** The caller sees to it that `tick` is called in time for what it takes. */
  addFlow(consumer: AudioFlow): void {
    this.#decoding(consumer.format)?.flows.add(consumer);
  }

  removeFlow(consumer: AudioFlow): void {
    for (const decoding of this.#ranked) decoding.flows.delete(consumer);
    this.#endUnused();
  }

  addEncoded(consumer: EncodedAudioConsumer): void {
    if (!this.#closed) this.#encoded.add(consumer);
  }

  removeEncoded(consumer: EncodedAudioConsumer): void {
    this.#encoded.delete(consumer);
    this.#restIfUnread();
  }

  /** Whether the packet of this number comes because it was asked for. */
  isAnswer(sequenceNumber: number): boolean {
    const sequence = this.#nack.pending === 0 ? undefined : this.#sequences.peek(sequenceNumber);
    return sequence !== undefined && this.#nack.wasRequested(sequence);
  }

  /** Takes a packet's payload, which is kept. `resent`: the packet was sent before, and says nothing of how long the way takes. */
  receive(sequenceNumber: number, rtpTimestamp: number, payload: Uint8Array, arrivalUs: number, resent = false): void {
    const sequence = this.#sequences.unwrap(sequenceNumber);
    const timestamp = this.#timestamps.unwrap(rtpTimestamp);
    if (!resent) {
      this.#timeline.observe(timestamp, arrivalUs);
      this.#drift.update(arrivalUs, (timestamp * 1_000_000) / CLOCK_RATE);
    }
    if (!this.#isRead()) return;
    this.#noteSequence(sequence, arrivalUs, resent);
    this.#jitterBuffer.insert(sequence, timestamp, payload, arrivalUs);
    if (this.#paces) this.#playDue(arrivalUs, true);
    else if (this.#nack.pending > 0) this.#requestMissing(arrivalUs);
  }

  /** Forgets the packets of a source that was replaced by another. */
  restart(): void {
    this.#jitterBuffer.reset();
    this.#nack.reset();
    this.#sequences.reset();
    this.#timestamps.reset();
    this.#timeline.reset();
    this.#drift.reset();
  }

  /** A beat of a few milliseconds: asks for what is missing, plays what is due. */
  tick(nowUs: number): void {
    if (this.#isRead()) this.#playDue(nowUs, false);
  }

  /** For a consumer that cannot wait for what is due: plays what is there, or something in its place. */
  hurry(nowUs: number): void {
    if (!this.#started || !this.#isRead()) return;
    const result = this.#jitterBuffer.pull(nowUs, true);
    if (result) this.#play(result);
    for (const decoding of this.#ranked) decoding.deliver();
  }

  close(): void {
    this.#closed = true;
    for (const decoding of this.#decodings.values()) decoding.close();
    this.#decodings.clear();
    this.#rank();
    this.#encoded.clear();
  }

  /** Somebody waits for each packet; a flow is looked after by who takes it, at beats of its own. */
  get #paces(): boolean {
    if (this.#encoded.size > 0) return true;
    for (const decoding of this.#ranked) if (decoding.consumers.size > 0) return true;
    return false;
  }

  #isRead(): boolean {
    return this.#ranked.length > 0 || this.#encoded.size > 0;
  }

  #decoding(format: AudioFormat): AudioDecoding | undefined {
    if (this.#closed) return undefined;
    const key = `${format.sampleRate}/${format.numberOfChannels}`;
    let decoding = this.#decodings.get(key);
    if (!decoding) {
      decoding = new AudioDecoding(format, this.#options.onError);
      this.#decodings.set(key, decoding);
      this.#rank();
    }
    return decoding;
  }

  #endUnused(): void {
    for (const [key, decoding] of this.#decodings) {
      if (decoding.isUsed) continue;
      decoding.close();
      this.#decodings.delete(key);
    }
    this.#rank();
    this.#restIfUnread();
  }

  #rank(): void {
    this.#ranked = [...this.#decodings.values()].sort((a, b) => b.sampleRate - a.sampleRate);
  }

  #restIfUnread(): void {
    if (this.#isRead()) return;
    this.#jitterBuffer.rest();
    this.#nack.reset();
    this.#started = false;
  }

  /** The way to the sender and back; the answers themselves know best. */
  get #roundTripUs(): number {
    return Math.max(this.#nack.answerUs, this.#options.roundTripUs?.() ?? 0);
  }

  #noteSequence(sequence: number, nowUs: number, resent: boolean): void {
    if (this.repeats && this.#roundTripUs < MAX_ROUND_TRIP_US) this.#nack.receive(sequence, nowUs, resent);
    else if (this.#nack.pending > 0) this.#nack.reset();
  }

  #requestMissing(nowUs: number): void {
    const missing = this.#nack.poll(nowUs + DUE_SLACK_US, this.#roundTripUs);
    if (missing.length === 0) return;
    this.nackCount++;
    this.#options.requestPackets?.(missing.map((sequence) => sequence & 0xffff));
  }

  /** `arriving`: a packet has just come. */
  #playDue(nowUs: number, arriving: boolean): void {
    if (this.#nack.pending > 0) this.#requestMissing(nowUs);
    for (;;) {
      const result = this.#jitterBuffer.pull(nowUs, false, arriving);
      if (!result) break;
      this.#play(result);
    }
    for (const decoding of this.#ranked) decoding.deliver();
  }

  #play(result: JitterBufferResult): void {
    const { durationSamples } = result;
    switch (result.type) {
      case 'packet':
        this.#playPacket(result);
        break;
      case 'lost': {
        const ppm = this.#control.ppm;
        for (const decoding of this.#ranked) {
          const samples = decoding.conceal(result.next?.payload, durationSamples, ppm);
          this.#keepPace(decoding, samples, durationSamples, 0);
        }
        this.#statistics.played(this.#meanSquare(), durationSamples, result.next === undefined);
        break;
      }
      case 'empty':
        if (!this.#started) break;
        for (const decoding of this.#ranked) {
          const samples = decoding.pause(durationSamples, result.reason === 'dtx', this.#control.ppm);
          this.#keepPace(decoding, samples, durationSamples, 0);
        }
        this.#statistics.played(this.#meanSquare(), durationSamples, false);
        break;
    }
  }

  #playPacket({ packet, durationSamples, stretchMs, excessMs }: PacketResult): void {
    this.#started = true;
    if (this.#encoded.size > 0) this.#passOn(packet);
    if (this.#ranked.length === 0) {
      // Nobody hears it: the delay is what is wanted, at once.
      if (stretchMs !== 0) this.#jitterBuffer.stretched((stretchMs * CLOCK_RATE) / 1000, false);
      return;
    }
    const plan = this.#control.plan(stretchMs, durationSamples);
    const ppm = this.#control.compensation(this.#drift.ppm, excessMs);
    // Sound comes out of a decoder later than it went into the encoder; packets have the time of that.
    const timestampUs = this.#timeline.timestampUs(packet.timestamp) - OPUS_LAG_US;
    for (const decoding of this.#ranked) {
      decoding.align(timestampUs);
      const samples = decoding.decode(packet.payload, durationSamples, plan, ppm);
      const lag = plan?.splice ? (plan.splice.lag * CLOCK_RATE) / plan.rate : 0;
      this.#keepPace(decoding, samples, durationSamples, stretchMs > 0 ? lag : -lag);
    }
    if (plan?.splice) this.#control.stretched();
    this.#statistics.played(this.#meanSquare(), durationSamples, false);
  }

  /** What the first decoding gives is how long the sound is; the others are told. */
  #keepPace(decoding: AudioDecoding, samples: number, durationSamples: number, stretched: number): void {
    if (decoding !== this.#ranked[0]) {
      decoding.follow(samples, this.#paceSamples);
      return;
    }
    this.#paceSamples = samples;
    if (stretched !== 0) this.#jitterBuffer.stretched(stretched, true);
    const drifted = samples - durationSamples - stretched;
    if (drifted !== 0) this.#jitterBuffer.stretched(drifted, false);
  }

  #meanSquare(): number {
    return this.#ranked[0]?.meanSquare ?? 0;
  }

  #passOn(packet: AudioPacket): void {
    // A better estimate of the time line must not turn time back.
    this.#lastEncodedUs = Math.max(this.#lastEncodedUs, Math.round(this.#timeline.timestampUs(packet.timestamp)));
    const chunk: EncodedAudioChunk = {
      kind: 'encoded-audio',
      codec: 'opus',
      data: packet.payload,
      timestamp: this.#lastEncodedUs,
      duration: (packet.durationSamples * 1_000_000) / CLOCK_RATE,
    };
    for (const consumer of this.#encoded) consumer.encodedAudio(chunk);
  }
}
