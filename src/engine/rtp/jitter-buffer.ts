import { emptyJitterBufferStats, type JitterBufferStats } from './jitter-buffer-stats.js';
import { isOpusDtx, opusDurationSamples } from './opus-duration.js';
import { hasOpusFec } from './opus-fec.js';
import { PlayoutDelay, type PlayoutDelayOptions } from './playout-delay.js';

const SAMPLES_PER_MS = 48;
/** What is due in less than this is played at once: nearer than this the beats of the player do not hit, which each wake a thread. In µs. */
const EARLY_US = 4500;
/** A packet that is not there when it is due is waited for this long: the player can do without the next 20 ms for a moment. */
const GRACE_US = 10_000;
/** Whether it has come the player looks with each packet, and by itself so much later only: each time wakes a thread. */
const WATCH_US = 30_000;
/** An underrun is concealed in small steps, so that the delay grows by no more than the packet is late. */
const UNDERRUN_STEP_SAMPLES = 10 * SAMPLES_PER_MS;
/**
 * How long an underrun is concealed before it counts as the source's pause, whose first step fades out: both together are
 * the 100 ms that Opus draws out a sound, before it makes noise as loud as the sound was.
 */
const MAX_UNDERRUN_SAMPLES = 90 * SAMPLES_PER_MS;
/** Steps of a pause: short, since sound goes on between two of them; long where comfort noise has to be made for each. */
const IDLE_STEP_SAMPLES = 10 * SAMPLES_PER_MS;
const DTX_STEP_SAMPLES = 20 * SAMPLES_PER_MS;
/** A player that was away for longer does not make up for it. */
const MAX_BEHIND_US = 1_000_000;
/** So many late packets in a row are a source that started anew, not lateness. */
const RESYNC_AFTER_LATE = 25;
const MAX_PACKETS = 256;
/** How far back a packet that comes again is told from one that is late; a power of two. */
const MISSED = 128;
/** A source that sends copies has sent one among so many packets. */
const FEC_MEMORY_PACKETS = 200;

export interface AudioPacket {
  /** Unwrapped. */
  readonly sequence: number;
  /** Unwrapped, in samples at 48 kHz. */
  readonly timestamp: number;
  readonly payload: Uint8Array;
  readonly arrivalUs: number;
  readonly durationSamples: number;
}

/**
 * What to play next, for `durationSamples` samples at 48 kHz.
 * `packet`: decode it, and stretch it by about `stretchMs` if that is not 0 (negative: shorten); `excessMs` is how much longer it waited
 * than wanted. `lost`: conceal; with `next`, that packet holds a copy of the lost one. `empty`: play silence, `idle` for nothing has come,
 * `buffering` while what has come waits, `dtx` while the source pauses.
 */
export type JitterBufferResult =
  | {
      readonly type: 'packet';
      readonly packet: AudioPacket;
      readonly durationSamples: number;
      readonly stretchMs: number;
      readonly excessMs: number;
    }
  | { readonly type: 'lost'; readonly next?: AudioPacket; readonly durationSamples: number }
  | { readonly type: 'empty'; readonly reason: 'idle' | 'buffering' | 'dtx'; readonly durationSamples: number };

export interface JitterBufferOptions extends PlayoutDelayOptions {
  /** Most media held; beyond it the oldest goes, down to the target. Default 500. */
  readonly maxMs?: number;
  /** Told of each packet that is left out since too much was held, in order: for who keeps packets instead of playing them. */
  readonly onLeftOut?: (packet: AudioPacket) => void;
}

/**
 * The receiving end of one Opus stream: takes packets in any order and hands them out in order, each when what was played before it
 * ends. That moment follows from the first packet's and from what was played since, so the player gets 48 samples a millisecond of its
 * own clock, always; the delay is changed only by playing something longer or shorter than it was sent, which `stretched` tells.
 */
export class JitterBuffer {
  readonly stats: JitterBufferStats = emptyJitterBufferStats();
  readonly #maxSamples: number;
  readonly #onLeftOut: ((packet: AudioPacket) => void) | undefined;
  readonly #delay: PlayoutDelay;
  /** Ascending by sequence. */
  #held: AudioPacket[] = [];
  /** When what plays next is due, on the clock of arrivals; undefined before the first packet. */
  #playUs: number | undefined;
  #playing = false;
  #nextSequence = -Infinity;
  #nextTimestamp = 0;
  #lastDuration = 20 * SAMPLES_PER_MS;
  #lastWasDtx = false;
  #concealing = false;
  /** Concealed in the underrun that is going on. */
  #underrunSamples = 0;
  #lateRun = 0;
  #fecMemory = 0;
  /** Those of the last packets that were not there in time, each at its place. */
  readonly #missed = new Float64Array(MISSED).fill(NaN);
  /** The packet that plays next has stood for the one before it. */
  #repaired = false;

  constructor(options: JitterBufferOptions = {}) {
    this.#delay = new PlayoutDelay(options);
    this.#onLeftOut = options.onLeftOut;
    this.#maxSamples = Math.max(options.maxMs ?? 500, this.#delay.maxMs) * SAMPLES_PER_MS;
  }

  /** Packets held. */
  get held(): number {
    return this.#held.length;
  }

  /** From what plays next to the end of the newest packet, in milliseconds of media. */
  get heldMs(): number {
    return this.#span() / SAMPLES_PER_MS;
  }

  /** The delay aimed at, in ms: what jitter and the repair of losses need, and one packet. */
  get targetDelayMs(): number {
    return this.#delay.targetMs;
  }

  /** When what plays next is due, in µs; undefined before the first packet. */
  get playUs(): number | undefined {
    return this.#playUs;
  }

  /** When `pull` may have something to give if no packet comes before, in µs; Infinity before the first packet. */
  get dueUs(): number {
    if (this.#playUs === undefined) return this.#held.length > 0 ? 0 : Infinity;
    const first = this.#held[0];
    const isAwaited = first
      ? this.#playing && first.sequence > this.#nextSequence && !this.#repairs(first)
      : !this.#lastWasDtx;
    // Also silence, where it goes on: what ends it comes with a packet.
    return isAwaited ? this.#playUs + GRACE_US + WATCH_US : this.#playUs;
  }

  /** Takes a packet. `payload` is kept, not copied. False when the packet is of no use: late, double, or no Opus. */
  insert(sequence: number, timestamp: number, payload: Uint8Array, arrivalUs: number): boolean {
    this.stats.packetsReceived++;
    const durationSamples = opusDurationSamples(payload);
    if (durationSamples === 0 && payload.length > 0) {
      this.stats.packetsDiscarded++;
      return false;
    }
    if (sequence < this.#nextSequence && !this.#resyncs()) {
      this.#countLate(sequence, timestamp, arrivalUs, durationSamples);
      return false;
    }
    this.#lateRun = 0;
    let at = this.#held.length;
    while (at > 0 && this.#held[at - 1]!.sequence > sequence) at--;
    if (this.#held[at - 1]?.sequence === sequence) {
      this.stats.packetsDuplicated++;
      return false;
    }
    this.#held.splice(at, 0, { sequence, timestamp, payload, arrivalUs, durationSamples });
    if (durationSamples > 0) this.#delay.arrived(arrivalUs, timestamp, durationSamples);
    if (this.#span() > this.#maxSamples || this.#held.length > MAX_PACKETS) this.#shedToTarget();
    return true;
  }

  /**
   * What to play next; undefined while that is not due. `hurry`: the player cannot wait. `arriving`: packets are coming in, and after a
   * thread was busy the next ones follow in the same moment.
   */
  pull(nowUs: number, hurry = false, arriving = false): JitterBufferResult | undefined {
    if (!this.#playing && !this.#start(nowUs)) return this.#rest(nowUs, hurry);
    const playUs = this.#playUs!;
    if (nowUs < playUs - EARLY_US && !hurry) return undefined;
    const waited = hurry || nowUs >= playUs + GRACE_US;
    for (;;) {
      const first = this.#held[0];
      if (!first) return (waited && !arriving) || this.#lastWasDtx ? this.#underrun(nowUs, hurry) : undefined;
      if (first.sequence > this.#nextSequence) {
        if (!waited && !this.#repairs(first)) return undefined;
        const lost = this.#conceal(first, nowUs);
        if (lost) return lost;
      } else if (first.durationSamples === 0) {
        this.#held.shift();
        this.#nextSequence = first.sequence + 1;
        this.stats.packetsEmpty++;
      } else return this.#pause(first) ?? this.#emit(first, nowUs);
    }
  }

  /** What was given out last has become longer (shorter, when negative) by so many samples; `heard` when that was time stretching. */
  stretched(samples: number, heard: boolean): void {
    if (this.#playUs !== undefined) this.#playUs += (samples * 1000) / SAMPLES_PER_MS;
    if (!heard) return;
    if (samples > 0) this.stats.insertedSamplesForDeceleration += samples;
    else this.stats.removedSamplesForAcceleration -= samples;
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
    this.#fecMemory = 0;
    this.#delay.reset();
  }

  /** As `reset`, for a player that stops: what is played next need not follow on what was played before. */
  rest(): void {
    this.reset();
    this.#playUs = undefined;
  }

  #span(): number {
    const last = this.#held[this.#held.length - 1];
    if (!last) return 0;
    return Math.max(
      0,
      last.timestamp + last.durationSamples - (this.#playing ? this.#nextTimestamp : this.#held[0]!.timestamp),
    );
  }

  #countLate(sequence: number, timestamp: number, arrivalUs: number, durationSamples: number): void {
    if (this.#nextSequence - sequence <= MISSED && this.#missed[sequence & (MISSED - 1)] !== sequence) {
      this.stats.packetsDuplicated++;
      return;
    }
    this.stats.packetsLate++;
    this.stats.packetsDiscarded++;
    // It says how long waiting would have been worth while.
    if (durationSamples > 0) this.#delay.arrived(arrivalUs, timestamp, durationSamples);
  }

  #resyncs(): boolean {
    if (++this.#lateRun < RESYNC_AFTER_LATE) return false;
    this.reset();
    return true;
  }

  #start(nowUs: number): boolean {
    const first = this.#held[0];
    if (!first) return false;
    const dueUs = this.#delay.dueUs(first.timestamp);
    if (this.#playUs === undefined) {
      if (nowUs < dueUs - EARLY_US) return false;
      this.#playUs = Math.max(dueUs, nowUs - EARLY_US);
    }
    // What is silent until then is played first; half a sample is as good as none.
    if (this.#playUs < dueUs - 500 / SAMPLES_PER_MS) return false;
    this.#playing = true;
    this.#moveTo(first);
    return true;
  }

  #moveTo(packet: AudioPacket): void {
    this.#nextSequence = packet.sequence;
    this.#nextTimestamp = packet.timestamp;
    this.#underrunSamples = 0;
  }

  /** Silence until there is something to play. */
  #rest(nowUs: number, hurry: boolean): JitterBufferResult | undefined {
    if (this.#playUs === undefined || (nowUs < this.#playUs - EARLY_US && !hurry)) return undefined;
    if (nowUs - this.#playUs > MAX_BEHIND_US) this.#playUs = nowUs;
    const first = this.#held[0];
    let durationSamples = this.#lastWasDtx ? DTX_STEP_SAMPLES : IDLE_STEP_SAMPLES;
    if (first) {
      const waitSamples = ((this.#delay.dueUs(first.timestamp) - this.#playUs) * SAMPLES_PER_MS) / 1000;
      durationSamples = Math.max(1, Math.min(durationSamples, Math.round(waitSamples)));
    }
    const reason = first ? 'buffering' : this.#lastWasDtx ? 'dtx' : 'idle';
    return { type: 'empty', reason, durationSamples: this.#advance(durationSamples) };
  }

  #advance(durationSamples: number): number {
    this.#playUs! += (durationSamples * 1000) / SAMPLES_PER_MS;
    return durationSamples;
  }

  #emit(packet: AudioPacket, nowUs: number): JitterBufferResult {
    const { durationSamples } = packet;
    const excessMs = this.#delay.excessMs(this.#playUs!, packet.timestamp);
    this.#held.shift();
    this.#nextSequence = packet.sequence + 1;
    this.#nextTimestamp = packet.timestamp + durationSamples;
    this.#lastDuration = durationSamples;
    this.#lastWasDtx = isOpusDtx(packet.payload);
    this.#underrunSamples = 0;
    this.#fecMemory = Math.max(0, this.#fecMemory - 1);
    if (hasOpusFec(packet.payload)) {
      this.#fecMemory = FEC_MEMORY_PACKETS;
      this.stats.fecPacketsReceived++;
      if (!this.#repaired) this.stats.fecPacketsDiscarded++;
    }
    this.#repaired = this.#concealing = false;
    this.#delay.wasDue(false, this.#fecMemory > 0);
    const { stats } = this;
    stats.packetsEmitted++;
    stats.totalSamplesReceived += durationSamples;
    stats.jitterBufferEmittedCount += durationSamples;
    stats.jitterBufferDelay += (Math.max(0, nowUs - packet.arrivalUs) / 1e6) * durationSamples;
    stats.jitterBufferTargetDelay += (this.#delay.targetMs / 1000) * durationSamples;
    stats.jitterBufferMinimumDelay += (this.#delay.unboundedMs / 1000) * durationSamples;
    const stretchMs = this.#delay.stretchMs(excessMs);
    return { type: 'packet', packet, durationSamples: this.#advance(durationSamples), stretchMs, excessMs };
  }

  /** A timestamp that jumps without a loss is a pause of the source: it is kept, unless it is a jump of its clock. */
  #pause(first: AudioPacket): JitterBufferResult | undefined {
    const gap = first.timestamp - this.#nextTimestamp;
    if (gap <= 0 || gap > this.#delay.maxMs * SAMPLES_PER_MS) return undefined;
    // Late as it is, a shorter pause is what helps.
    if (this.#delay.excessMs(this.#playUs!, first.timestamp) > 0) return undefined;
    const durationSamples = Math.min(gap, this.#lastWasDtx ? DTX_STEP_SAMPLES : UNDERRUN_STEP_SAMPLES);
    this.#nextTimestamp += durationSamples;
    // One that was not announced may be a writer who is late: it sounds like an underrun.
    if (!this.#lastWasDtx && this.#underrunSamples < MAX_UNDERRUN_SAMPLES) {
      this.#underrunSamples += durationSamples;
      return this.#lost(durationSamples);
    }
    const reason = this.#lastWasDtx ? 'dtx' : 'idle';
    return { type: 'empty', reason, durationSamples: this.#advance(durationSamples) };
  }

  /** Whether the copy in a packet stands for the one that is due. */
  #repairs(first: AudioPacket): boolean {
    return first.sequence === this.#nextSequence + 1 && hasOpusFec(first.payload);
  }

  /** Stands for the packets missing before `first`, one a call; undefined when there is nothing (more) to stand for. */
  #conceal(first: AudioPacket, nowUs: number): JitterBufferResult | undefined {
    const missing = first.sequence - this.#nextSequence;
    const gap = first.timestamp - this.#nextTimestamp;
    if (gap <= 0) {
      this.#moveTo(first);
      return undefined;
    }
    if (missing * this.#lastDuration > this.#delay.maxMs * SAMPLES_PER_MS) {
      this.#playing = false;
      return this.#start(nowUs) ? undefined : this.#rest(nowUs, true);
    }
    const repairs = this.#repairs(first);
    const durationSamples = Math.min(gap, this.#lastDuration);
    this.#missed[this.#nextSequence & (MISSED - 1)] = this.#nextSequence;
    this.#nextSequence++;
    this.#nextTimestamp += durationSamples;
    this.#delay.wasDue(true, this.#fecMemory > 0);
    if (repairs) {
      this.#repaired = true;
      this.#underrunSamples = 0;
      this.stats.totalSamplesReceived += durationSamples;
      return { type: 'lost', next: first, durationSamples: this.#advance(durationSamples) };
    }
    // The underrun before already stood for (a part of) it.
    const stoodFor = Math.min(this.#underrunSamples, durationSamples);
    this.#underrunSamples -= stoodFor;
    if (stoodFor === durationSamples) return undefined;
    return this.#lost(durationSamples - stoodFor);
  }

  #underrun(nowUs: number, hurry: boolean): JitterBufferResult | undefined {
    if (this.#lastWasDtx || this.#underrunSamples >= MAX_UNDERRUN_SAMPLES) {
      this.#playing = false;
      this.#underrunSamples = 0;
      return this.#rest(nowUs, hurry);
    }
    const durationSamples = Math.min(this.#lastDuration, UNDERRUN_STEP_SAMPLES);
    this.#underrunSamples += durationSamples;
    return this.#lost(durationSamples);
  }

  #lost(durationSamples: number): JitterBufferResult {
    if (!this.#concealing) this.stats.concealmentEvents++;
    this.#concealing = true;
    this.stats.concealedSamples += durationSamples;
    this.stats.totalSamplesReceived += durationSamples;
    return { type: 'lost', durationSamples: this.#advance(durationSamples) };
  }

  #shedToTarget(): void {
    const target = Math.max(this.targetDelayMs * SAMPLES_PER_MS, this.#lastDuration);
    while (this.#held.length > 1 && (this.#span() > target || this.#held.length > MAX_PACKETS)) {
      const dropped = this.#held.shift()!;
      this.stats.packetsDiscarded++;
      if (this.#playing) this.#moveTo(this.#held[0]!);
      else this.#nextSequence = Math.max(this.#nextSequence, dropped.sequence + 1);
      this.#onLeftOut?.(dropped);
    }
  }
}
