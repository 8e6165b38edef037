import { createOpusEncoder, type OpusEncoder, type OpusSampleRate } from '../../codecs/opus.js';
import type { AudioData } from '../../media/audio-data.js';
import type { AudioRing } from '../../media/audio-ring.js';
import type { Clock } from '../../media/clock.js';
import type { EncodedAudioChunk } from '../../media/encoded-chunk.js';
import { durationUs } from '../../media/media-value.js';
import { PUBLISHER_LEVELS, type AudioFormat } from '../port.js';
import type { OutboundStream } from '../outbound-stream.js';
import { AudioPackets, OPUS_SILENCE } from './audio-packets.js';
import { PcmQueue } from './pcm-queue.js';
import { PeriodConverter } from './period-converter.js';
import { PERIOD_US, type BeatTask } from './send-beat.js';
import { WriterRhythm } from './writer-rhythm.js';

const BEATS_PER_LOSS_CHECK = 50;
/** What is left of an earlier loss at each check. */
const LOSS_MEMORY = 0.8;
const OPUS_RATES: readonly number[] = [8000, 12000, 16000, 24000, 48000];
/** Sound that was cut off ends with so many packets of silence: without them receivers would make up more of it, for 40 ms and longer. */
const CUT_OFF_PACKETS = 2;
/** So long receivers draw out a sound that has stopped. */
const DRAWN_OUT_US = 100_000;
/** Who has written so much ahead is not waited for, and says nothing of when it writes. */
const AHEAD_US = 200_000;

export interface AudioSenderOptions {
  readonly format: AudioFormat;
  readonly stereo: boolean;
  readonly dtx: boolean;
  readonly silenceToleranceMs: number;
  readonly levels: BigInt64Array;
  /** That of the beats, and of the times of writing in the ring. */
  readonly clock: Clock;
  /** By which raw audio comes as well, marked with the number of calls of `write` and `clear` before it. */
  readonly ring?: AudioRing;
  /** The queue ran dry; not told again before it was filled. */
  readonly onDrained: () => void;
  /** The queue shrank. */
  readonly onConsumed: () => void;
  readonly onError: (error: unknown) => void;
}

/**
 * Sends one audio track, a packet each 20 ms, from what is written to it, and keeps it going when nothing is:
 * silence until the first data, then nothing for as long as a short gap lasts, then silence again; silence at once where what was
 * written is dropped.
 */
export class AudioSender implements BeatTask {
  readonly #options: AudioSenderOptions;
  readonly #queue = new PcmQueue();
  readonly #rhythm = new WriterRhythm();
  readonly #encoder: OpusEncoder;
  readonly #converter: PeriodConverter | undefined;
  readonly #period: Int16Array;
  readonly #silence: Int16Array;
  readonly #packets: AudioPackets;
  /** Time for which packets were not sent yet; one period is added at each beat. */
  #dueUs = 0;
  #timelineUs: number | undefined;
  #dry = true;
  /** What is due has not come, and until when it is waited for. */
  #waits = false;
  #waitUntilUs = 0;
  /** The writer is at it as fast as there is room. */
  #isHeldBack = false;
  #resuming = true;
  /** The length of the gap that there is, or was last. */
  #gapUs = Infinity;
  /** Nothing was sent for a while, and silence was not either. */
  #inGap = false;
  /** Packets of silence still to send, since what was to be sent was dropped. */
  #cutOff = 0;
  #beats = 0;
  #loss = 0;
  #lossPercent = 0;
  /** Media time that has left the queue, sent or dropped; and that which was sent. */
  #consumedUs = 0;
  #sentUs = 0;
  #drains: (() => void)[] = [];
  /** Calls of `write` and `clear`, 32 bits. */
  #calls = 0;

  private constructor(options: AudioSenderOptions, encoder: OpusEncoder, converter: PeriodConverter | undefined) {
    this.#options = options;
    this.#encoder = encoder;
    this.#converter = converter;
    this.#packets = new AudioPackets(options.dtx);
    const { sampleRate, numberOfChannels } = options.format;
    this.#period = new Int16Array((sampleRate / 50) * numberOfChannels);
    this.#silence = new Int16Array(this.#period.length);
  }

  static async open(options: AudioSenderOptions): Promise<AudioSender> {
    const { format } = options;
    const numberOfChannels = options.stereo && format.numberOfChannels === 2 ? 2 : 1;
    const sampleRate = OPUS_RATES.includes(format.sampleRate) ? (format.sampleRate as OpusSampleRate) : 48000;
    const encoder = await createOpusEncoder({
      sampleRate,
      numberOfChannels,
      dtx: options.dtx,
      fec: true,
      packetLossPercent: 0,
    });
    const converts = sampleRate !== format.sampleRate || numberOfChannels !== format.numberOfChannels;
    const converter = converts ? await PeriodConverter.open(format, { sampleRate, numberOfChannels }) : undefined;
    return new AudioSender(options, encoder, converter);
  }

  /** Where packets go, once the server has taken the track; undefined while there is no server: what is written waits then. */
  attach(stream: OutboundStream | undefined): void {
    this.#packets.attach(stream);
    this.#dueUs = 0;
    this.#waits = false;
    this.#timelineUs = undefined;
  }

  /** Media time that waits to be sent, in µs. */
  get heldUs(): number {
    return this.#queue.heldUs;
  }

  write(value: AudioData | EncodedAudioChunk): void {
    this.#takeIn();
    this.#calls = (this.#calls + 1) | 0;
    this.#push(value, this.#options.clock.nowUs());
  }

  /** Muted, what is written leaves as ever, but nobody hears it: nothing is sent, or silence at the beginning. */
  setMuted(muted: boolean): void {
    this.#packets.isMuted = muted;
  }

  /** Drops what is queued; who listens hears silence at once. */
  clear(): void {
    this.#takeIn();
    this.#calls = (this.#calls + 1) | 0;
    if (this.#packets.isTalking && this.#queue.heldUs > 0) this.#cutOff = CUT_OFF_PACKETS;
    this.#count(this.#queue.clear());
    this.#rhythm.cleared();
    this.#settleDrains();
  }

  /** Resolves when everything written so far has left or was cleared. */
  drained(): Promise<void> {
    this.#takeIn();
    if (this.#queue.heldUs === 0) return Promise.resolve();
    return new Promise((resolve) => this.#drains.push(resolve));
  }

  /** Local time minus media time of what is being sent, in µs; none while nothing is. */
  readonly timelineUs = (): number | undefined => this.#timelineUs;

  /** One beat of 20 ms. */
  beat(beatUs: number): boolean {
    const { stream } = this.#packets;
    if (!stream) return false;
    const nowUs = this.#options.clock.nowUs();
    this.#packets.beatUs = beatUs;
    this.#isHeldBack = Atomics.load(this.#options.levels, PUBLISHER_LEVELS.audioAwaited) !== 0n;
    this.#dueUs += PERIOD_US;
    if (++this.#beats % BEATS_PER_LOSS_CHECK === 0) this.#prepareForLoss(stream);
    return this.#sendDue(nowUs);
  }

  look(): boolean {
    return this.#packets.stream !== undefined && this.#sendDue(this.#options.clock.nowUs());
  }

  get excessUs(): number | undefined {
    return this.#rhythm.excessUs;
  }

  beatsMoved(byUs: number): void {
    this.#rhythm.beatsMoved(byUs);
    this.#packets.beatsMoved(byUs);
  }

  close(): void {
    this.#encoder.close();
    this.#converter?.close();
    this.#count(this.#queue.clear());
    this.#settleDrains();
  }

  #push(value: AudioData | EncodedAudioChunk, writtenUs: number): void {
    this.#queue.push(value, writtenUs);
    this.#rhythm.wrote(writtenUs, durationUs(value));
    this.#dry = false;
  }

  /** Queues what came by the ring, as far as it was written before what has not been called yet. */
  #takeIn(): void {
    const { ring, format } = this.#options;
    if (!ring) return;
    while (ring.mark === this.#calls) {
      const { writtenUs } = ring;
      const chunk = ring.read(format.sampleRate, format.numberOfChannels);
      if (chunk) this.#push(chunk, writtenUs);
    }
  }

  /** FEC costs quality, so the encoder is told of real loss only; of loss that comes and goes for a while longer. */
  #prepareForLoss(stream: OutboundStream): void {
    const reported = stream.statistics.fractionLost * 100;
    this.#loss = Math.max(reported, this.#loss * LOSS_MEMORY);
    const percent = Math.round(this.#loss);
    if (percent === this.#lossPercent) return;
    this.#lossPercent = percent;
    this.#encoder.setPacketLossPercent(percent);
  }

  /** Sends what is due, as far as it has come. Whether the rest is worth waiting for. */
  #sendDue(nowUs: number): boolean {
    this.#takeIn();
    const { timestampUs } = this.#queue;
    if (timestampUs !== undefined) this.#timelineUs = this.#packets.beatUs - timestampUs;
    while (this.#dueUs > 0) {
      if (!this.#isReady() && this.#isWorthWaiting(nowUs)) return true;
      this.#dueUs -= this.#sendNext();
    }
    this.#waits = false;
    return false;
  }

  #isWorthWaiting(nowUs: number): boolean {
    if (!this.#waits) {
      this.#waits = true;
      // Where this thread is late, the writer may have been kept from it as well.
      this.#waitUntilUs = this.#rhythm.expectedUntilUs + Math.max(0, nowUs - this.#packets.beatUs);
    }
    return nowUs < this.#waitUntilUs;
  }

  /** Whether the next packet is there in full. */
  #isReady(): boolean {
    const { next } = this.#queue;
    const length = this.#period.length;
    return next === 'encoded-audio' || (next === 'audio' && this.#queue.available(length) === length);
  }

  /** Sends one packet, or lets one period of a gap pass; the media time that this took. */
  #sendNext(): number {
    const { next } = this.#queue;
    if (next === undefined) return this.#passGap();
    if (this.#resuming) this.#resume();
    const sentUs = next === 'audio' ? this.#sendRaw() : this.#sendEncoded();
    if (this.#isHeldBack) this.#rhythm.forget();
    else if (this.#queue.heldUs < AHEAD_US) this.#rhythm.sent(this.#packets.beatUs - this.#queue.readWrittenUs);
    return sentUs;
  }

  /** The writer goes on after a stall, or begins anew. */
  #resume(): void {
    this.#resuming = false;
    if (this.#isShortGap) this.#rhythm.stalled(this.#gapUs);
    else this.#rhythm.forget();
  }

  /** Whether the gap is passed without silence so far. */
  get #isShortGap(): boolean {
    return this.#gapUs <= this.#options.silenceToleranceMs * 1000;
  }

  #sendEncoded(): number {
    this.#inGap = false;
    const chunk = this.#queue.shiftEncoded();
    if (!chunk) return PERIOD_US;
    this.#packets.send(chunk.data, chunk.duration, undefined);
    this.#left(chunk.duration);
    return chunk.duration;
  }

  #sendRaw(): number {
    const period = this.#period;
    this.#cutOff = 0;
    const read = this.#queue.read(period);
    if (read < period.length) period.fill(0, read);
    this.#encode(period);
    this.#left((read * PERIOD_US) / period.length);
    return PERIOD_US;
  }

  #passGap(): number {
    if (!this.#dry) {
      this.#dry = true;
      this.#gapUs = 0;
      this.#options.onDrained();
      this.#settleDrains();
    }
    this.#resuming = true;
    this.#timelineUs = undefined;
    this.#gapUs += PERIOD_US;
    if (this.#cutOff > 0) this.#cutSound();
    else if (this.#isShortGap) {
      this.#inGap = true;
      this.#packets.skipPeriod();
    } else if (this.#gapUs <= DRAWN_OUT_US || this.#packets.followBeats()) this.#encode(this.#silence);
    return PERIOD_US;
  }

  /** Sends silence in place of what the encoder holds back of the sound that was cut off. */
  #cutSound(): void {
    if (this.#cutOff-- === CUT_OFF_PACKETS) this.#flush();
    this.#packets.send(OPUS_SILENCE, PERIOD_US, undefined);
  }

  #encode(period: Int16Array): void {
    if (this.#packets.isMuted) {
      this.#packets.send(OPUS_SILENCE, PERIOD_US, undefined);
      return;
    }
    // What is held back of the sound before a gap would be heard at the gap's end, as a click.
    if (this.#inGap && period === this.#silence) this.#flush();
    this.#inGap = false;
    const packet = this.#packetOf(period);
    this.#packets.send(packet ?? OPUS_SILENCE, PERIOD_US, packet && period);
  }

  /** The encoder holds back nothing but silence from here on. */
  #flush(): void {
    this.#packetOf(this.#silence);
  }

  /** Undefined where the encoder fails, which is told. */
  #packetOf(period: Int16Array): Uint8Array | undefined {
    try {
      return this.#encoder.encode(this.#converter ? this.#converter.convert(period) : period);
    } catch (error) {
      this.#options.onError(error);
      return undefined;
    }
  }

  #left(us: number): void {
    this.#sentUs += us;
    Atomics.store(this.#options.levels, PUBLISHER_LEVELS.audioPlayedUs, BigInt(Math.round(this.#sentUs)));
    this.#count(us);
    if (this.#queue.heldUs === 0) this.#settleDrains();
  }

  #count(us: number): void {
    if (us === 0) return;
    this.#consumedUs += us;
    Atomics.store(this.#options.levels, PUBLISHER_LEVELS.audioConsumedUs, BigInt(Math.round(this.#consumedUs)));
    this.#options.onConsumed();
  }

  #settleDrains(): void {
    const drains = this.#drains;
    this.#drains = [];
    for (const resolve of drains) resolve();
  }
}
