import { DelayEstimator } from './delay-estimator.js';
import { isOpusDtx, opusDurationSamples } from './opus-duration.js';

const SAMPLES_PER_MS = 48;
const TICK_SAMPLES = 20 * SAMPLES_PER_MS;
/** How long an underrun is concealed before it counts as the source's pause. */
const MAX_UNDERRUN_SAMPLES = 100 * SAMPLES_PER_MS;
/** How much more than needed may be held before silence, or anything, is left out. */
const EXCESS_SILENT_SAMPLES = 20 * SAMPLES_PER_MS;
const EXCESS_SAMPLES = 60 * SAMPLES_PER_MS;
/** How long the excess has to last. */
const SHRINK_WINDOW_SAMPLES = 1000 * SAMPLES_PER_MS;
/** So many late packets in a row are a source that started anew, not lateness. */
const RESYNC_AFTER_LATE = 25;
const MAX_PACKETS = 256;

export interface AudioPacket {
  /** Unwrapped. */
  readonly sequence: number;
  /** Unwrapped, in samples at 48 kHz. */
  readonly timestamp: number;
  readonly payload: Uint8Array;
  readonly arrivalUs: number;
  readonly durationSamples: number;
  /** The sender says that there is nothing to hear in it. */
  readonly silent: boolean;
}

/**
 * What to play next, for `durationSamples` samples at 48 kHz.
 * `packet`: decode it. `lost`: conceal; with `next`, that packet may hold the lost one as FEC. `empty`: play silence;
 * `idle` nothing has come, `buffering` gathering the target delay, `dtx` the source pauses.
 */
export type JitterBufferResult =
  | { readonly type: 'packet'; readonly packet: AudioPacket; readonly durationSamples: number }
  | { readonly type: 'lost'; readonly next?: AudioPacket; readonly durationSamples: number }
  | { readonly type: 'empty'; readonly reason: 'idle' | 'buffering' | 'dtx'; readonly durationSamples: number };

/**
 * Counters by the names of W3C webrtc-stats where it has them; samples at 48 kHz, jitterBufferDelay in seconds times samples.
 * `packetsReceived = packetsEmitted + packetsDiscarded + packetsDuplicated + packetsEmpty + held`.
 */
export interface JitterBufferStats {
  packetsReceived: number;
  packetsEmitted: number;
  /** Too late, malformed, or left out because too much was held. */
  packetsDiscarded: number;
  packetsDuplicated: number;
  /** Without payload: they only close a gap in the sequence. */
  packetsEmpty: number;
  packetsLate: number;
  concealedSamples: number;
  concealmentEvents: number;
  jitterBufferDelay: number;
  jitterBufferEmittedCount: number;
  /** Concealed while waiting for a packet that then came: the delay grew by so much. */
  insertedSamplesForDeceleration: number;
  /** Left out to make the delay shorter. */
  removedSamplesForAcceleration: number;
}

export interface JitterBufferOptions {
  /** Bounds of the target delay. Default 20 and 200. */
  readonly minDelayMs?: number;
  readonly maxDelayMs?: number;
  /** Most media held; beyond it the oldest goes, down to the target. Default 500. */
  readonly maxMs?: number;
  /** Told of each packet that is left out to make the delay shorter, in order: for who keeps packets instead of playing them. */
  readonly onLeftOut?: (packet: AudioPacket) => void;
}

/**
 * The receiving end of one Opus stream: takes packets in any order, hands them out in order and in time. `pull` is asked for as long as
 * the player has less than its next 20 ms, so that packets of 10 to 120 ms work alike. A packet not there in time is concealed; when
 * nothing at all is there, playing waits and the delay grows; when more is held than jitter needs for a second, a packet is left out.
 */
export class JitterBuffer {
  readonly stats: JitterBufferStats = {
    packetsReceived: 0,
    packetsEmitted: 0,
    packetsDiscarded: 0,
    packetsDuplicated: 0,
    packetsEmpty: 0,
    packetsLate: 0,
    concealedSamples: 0,
    concealmentEvents: 0,
    jitterBufferDelay: 0,
    jitterBufferEmittedCount: 0,
    insertedSamplesForDeceleration: 0,
    removedSamplesForAcceleration: 0,
  };

  readonly #minDelayMs: number;
  readonly #maxDelayMs: number;
  readonly #maxSamples: number;
  readonly #onLeftOut: ((packet: AudioPacket) => void) | undefined;
  #delay = new DelayEstimator();
  /** Ascending by sequence. */
  #held: AudioPacket[] = [];
  #playing = false;
  #bufferingSinceUs = 0;
  #nextSequence = -Infinity;
  #nextTimestamp = 0;
  #lastDuration = TICK_SAMPLES;
  #lastWasDtx = false;
  #concealing = false;
  /** Concealed in the underrun that is going on. */
  #underrunSamples = 0;
  #lateRun = 0;
  #windowSamples = 0;
  #windowLeast = Infinity;
  #windowMost = 0;

  constructor(options: JitterBufferOptions = {}) {
    this.#minDelayMs = options.minDelayMs ?? 20;
    this.#maxDelayMs = Math.max(this.#minDelayMs, options.maxDelayMs ?? 200);
    this.#onLeftOut = options.onLeftOut;
    this.#maxSamples = Math.max(options.maxMs ?? 500, this.#maxDelayMs) * SAMPLES_PER_MS;
  }

  /** Packets held. */
  get held(): number {
    return this.#held.length;
  }

  /** From what plays next to the end of the newest packet, in milliseconds of media. */
  get heldMs(): number {
    return this.#span() / SAMPLES_PER_MS;
  }

  /** The delay aimed at, from the jitter measured: one packet more than 97 % of packets need. */
  get targetDelayMs(): number {
    const wanted = this.#delay.delayMs() + this.#lastDuration / SAMPLES_PER_MS;
    return Math.min(this.#maxDelayMs, Math.max(this.#minDelayMs, wanted));
  }

  /**
   * Takes a packet. `payload` is kept, not copied. `silent` may say that the sender measured silence (its audio level), which is left out
   * first when the delay has to shrink. False when the packet is of no use: late, double, or no Opus.
   */
  insert(sequence: number, timestamp: number, payload: Uint8Array, arrivalUs: number, silent = false): boolean {
    this.stats.packetsReceived++;
    if (sequence < this.#nextSequence && !this.#resyncs()) {
      this.stats.packetsLate++;
      this.stats.packetsDiscarded++;
      return false;
    }
    this.#lateRun = 0;
    const durationSamples = opusDurationSamples(payload);
    if (durationSamples === 0 && payload.length > 0) {
      this.stats.packetsDiscarded++;
      return false;
    }
    let at = this.#held.length;
    while (at > 0 && this.#held[at - 1]!.sequence > sequence) at--;
    if (this.#held[at - 1]?.sequence === sequence) {
      this.stats.packetsDuplicated++;
      return false;
    }
    if (this.#held.length === 0 && !this.#playing) this.#bufferingSinceUs = arrivalUs;
    this.#held.splice(at, 0, { sequence, timestamp, payload, arrivalUs, durationSamples, silent });
    if (durationSamples > 0) this.#delay.update(arrivalUs, (timestamp * 1000) / SAMPLES_PER_MS);
    if (this.#span() > this.#maxSamples || this.#held.length > MAX_PACKETS) this.#shedToTarget();
    return true;
  }

  /** What to play next. */
  pull(nowUs: number): JitterBufferResult {
    if (!this.#playing && !this.#start(nowUs)) {
      const reason = this.#held.length > 0 ? 'buffering' : this.#lastWasDtx ? 'dtx' : 'idle';
      return { type: 'empty', reason, durationSamples: TICK_SAMPLES };
    }
    this.#shrink();
    for (;;) {
      const first = this.#held[0];
      if (!first) return this.#underrun();
      if (first.sequence > this.#nextSequence) {
        const lost = this.#conceal(first);
        if (lost) return lost;
      } else if (first.durationSamples === 0) {
        this.#held.shift();
        this.#nextSequence = first.sequence + 1;
        this.stats.packetsEmpty++;
      } else return this.#pause(first) ?? this.#emit(first, nowUs);
    }
  }

  /** Lets go of what is held (counted as discarded) and starts anew with the next packet, for another SSRC. */
  reset(): void {
    this.stats.packetsDiscarded += this.#held.length;
    this.#held = [];
    this.#playing = false;
    this.#nextSequence = -Infinity;
    this.#underrunSamples = 0;
    this.#lastWasDtx = false;
    this.#lateRun = 0;
    this.#delay = new DelayEstimator();
  }

  #span(): number {
    const last = this.#held[this.#held.length - 1];
    if (!last) return 0;
    return Math.max(
      0,
      last.timestamp + last.durationSamples - (this.#playing ? this.#nextTimestamp : this.#held[0]!.timestamp),
    );
  }

  #resyncs(): boolean {
    if (++this.#lateRun < RESYNC_AFTER_LATE) return false;
    this.reset();
    return true;
  }

  #start(nowUs: number): boolean {
    const first = this.#held[0];
    if (!first) return false;
    const target = this.targetDelayMs;
    if (nowUs - this.#bufferingSinceUs < target * 1000 && this.#span() < target * SAMPLES_PER_MS) return false;
    this.#playing = true;
    this.#moveTo(first);
    this.#resetWindow();
    return true;
  }

  #moveTo(packet: AudioPacket): void {
    this.#nextSequence = packet.sequence;
    this.#nextTimestamp = packet.timestamp;
    this.#underrunSamples = 0;
  }

  #emit(packet: AudioPacket, nowUs: number): JitterBufferResult {
    const { durationSamples } = packet;
    this.#held.shift();
    this.#nextSequence = packet.sequence + 1;
    this.#nextTimestamp = packet.timestamp + durationSamples;
    this.#lastDuration = durationSamples;
    this.#lastWasDtx = isOpusDtx(packet.payload);
    this.#concealing = false;
    this.stats.insertedSamplesForDeceleration += this.#underrunSamples;
    this.#underrunSamples = 0;
    this.stats.packetsEmitted++;
    this.stats.jitterBufferDelay += (Math.max(0, nowUs - packet.arrivalUs) / 1e6) * durationSamples;
    this.stats.jitterBufferEmittedCount += durationSamples;
    this.#windowSamples += durationSamples;
    return { type: 'packet', packet, durationSamples };
  }

  /** A timestamp that jumps without a loss is a pause of the source: it is kept, unless more is held than needed or it is a jump of its clock. */
  #pause(first: AudioPacket): JitterBufferResult | undefined {
    const gap = first.timestamp - this.#nextTimestamp;
    if (gap <= 0 || gap > this.#maxDelayMs * SAMPLES_PER_MS || this.#span() > this.targetDelayMs * SAMPLES_PER_MS)
      return undefined;
    const durationSamples = Math.min(gap, TICK_SAMPLES);
    this.#nextTimestamp += durationSamples;
    return { type: 'empty', reason: 'dtx', durationSamples };
  }

  /** Stands for the packets missing before `first`, one a call; undefined when there is nothing (more) to stand for. */
  #conceal(first: AudioPacket): JitterBufferResult | undefined {
    const missing = first.sequence - this.#nextSequence;
    const gap = first.timestamp - this.#nextTimestamp;
    if (gap <= 0 || missing * this.#lastDuration > this.#maxDelayMs * SAMPLES_PER_MS) {
      this.#moveTo(first);
      return undefined;
    }
    const durationSamples = Math.min(gap, this.#lastDuration);
    this.#nextSequence++;
    this.#nextTimestamp += durationSamples;
    // The underrun before already stood for it.
    if (this.#underrunSamples >= durationSamples) {
      this.#underrunSamples -= durationSamples;
      return undefined;
    }
    this.#countConcealed(durationSamples);
    return missing === 1 ? { type: 'lost', next: first, durationSamples } : { type: 'lost', durationSamples };
  }

  #underrun(): JitterBufferResult {
    if (this.#lastWasDtx || this.#underrunSamples >= MAX_UNDERRUN_SAMPLES) {
      this.#playing = false;
      this.#underrunSamples = 0;
      return { type: 'empty', reason: this.#lastWasDtx ? 'dtx' : 'idle', durationSamples: TICK_SAMPLES };
    }
    this.#underrunSamples += this.#lastDuration;
    this.#countConcealed(this.#lastDuration);
    return { type: 'lost', durationSamples: this.#lastDuration };
  }

  #countConcealed(samples: number): void {
    if (!this.#concealing) this.stats.concealmentEvents++;
    this.#concealing = true;
    this.stats.concealedSamples += samples;
    this.#windowSamples += samples;
  }

  /** Once a second: leaves one packet out if even the least that was held in that time was more than needed. */
  #shrink(): void {
    const span = this.#span();
    this.#windowLeast = Math.min(this.#windowLeast, span);
    this.#windowMost = Math.max(this.#windowMost, span);
    if (this.#windowSamples < SHRINK_WINDOW_SAMPLES) return;
    const spare = this.#windowLeast - this.#lastDuration;
    const excess = Math.min(spare, this.#windowMost - this.targetDelayMs * SAMPLES_PER_MS);
    const first = this.#held[0];
    const needed = first?.silent ? EXCESS_SILENT_SAMPLES : EXCESS_SAMPLES;
    if (first?.sequence === this.#nextSequence && excess >= needed) {
      this.#dropFirst();
      this.#resetWindow();
    } else if (excess < EXCESS_SILENT_SAMPLES) this.#resetWindow();
  }

  #resetWindow(): void {
    this.#windowSamples = 0;
    this.#windowLeast = Infinity;
    this.#windowMost = 0;
  }

  #shedToTarget(): void {
    const target = Math.max(this.targetDelayMs * SAMPLES_PER_MS, this.#lastDuration);
    while (this.#held.length > 1 && (this.#span() > target || this.#held.length > MAX_PACKETS)) this.#dropFirst();
    if (this.#playing) this.#moveTo(this.#held[0]!);
  }

  #dropFirst(): void {
    const dropped = this.#held.shift()!;
    this.stats.packetsDiscarded++;
    this.stats.removedSamplesForAcceleration += dropped.durationSamples;
    this.#nextSequence = Math.max(this.#nextSequence, dropped.sequence + 1);
    if (this.#playing) this.#nextTimestamp = dropped.timestamp + dropped.durationSamples;
    this.#onLeftOut?.(dropped);
  }
}
