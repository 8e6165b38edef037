import { read16 } from '../bytes.js';
import { parseTwccFeedback } from '../twcc.js';
import { ByteRate } from './byte-rate.js';
import { DelayTrend, type PathUse } from './delay-trend.js';
import { FeedbackWatch } from './feedback-watch.js';
import { LossLimit } from './loss-limit.js';
import { type ProbeCluster, Probing } from './probing.js';
import { RateControl } from './rate-control.js';
import { PACKET_STATE, SentPackets } from './sent-packets.js';

export type { PathUse, ProbeCluster };

export interface BandwidthEstimatorOptions {
  /** What is assumed before anything is known, in bit/s; probes go on from there. */
  readonly startBps: number;
  /** The estimate never falls below this. Default 30,000. */
  readonly minBps?: number;
  /** Nor rises above this. Default 30,000,000. */
  readonly maxBps?: number;
  /** How often a probe goes out while more is wanted. Default 5000. */
  readonly probeIntervalMs?: number;
}

const ACKNOWLEDGED_SPAN_US = 500_000;
/** A shorter look at what arrives, for when the path has become narrower. */
const RECENT_SPAN_US = 300_000;
const DEFAULT_ROUND_TRIP_US = 200_000;
/** A packet counts as lost only when one that left this much later has arrived: packets overtake one another. */
const REORDERING_US = 100_000;
/** Feedback about more packets than this is not believed. */
const MAX_STATUSES = 16_384;
/** Receiver reports closer together than this are one. */
const MIN_REPORT_US = 100_000;
/** A REMB is the estimate when transport-wide feedback has not come for so long. */
const FEEDBACK_AWAITED_US = 2_000_000;
/** So long after a decrease the path counts as calm. */
const CALM_US = 1_500_000;
const CALM_QUEUE_MS = 60;
/** A fall below this part of the rate before is made up for by a probe. */
const STEEP_FALL = 0.66;
const RECOVERED_PART = 0.85;
const TICK_US = 20_000;
/** Less than the first part of the target is sent: the application limits; more than the second: the path does. */
const LIMITED_BELOW = 0.65;
const LIMITED_UNTIL = 0.8;

/**
 * How much may be sent through one transport, estimated by its sender, pure. Delay growth, acknowledged rate and loss come from
 * transport-wide feedback; where the receiver sends none, REMB and receiver reports rule. Rates count RTP packets as they are
 * given to `packetSent`, without SRTP, UDP and IP. All times are of one monotonic clock, in microseconds.
 * Source: draft-ietf-rmcat-gcc-02; draft-holmer-rmcat-transport-wide-cc-extensions-01.
 */
export class BandwidthEstimator {
  readonly #startBps: number;
  readonly #minBps: number;
  readonly #maxBps: number;
  readonly #sent = new SentPackets();
  readonly #sentRate = new ByteRate();
  readonly #acknowledged = new ByteRate();
  readonly #trend = new DelayTrend();
  readonly #loss = new LossLimit();
  readonly #rate: RateControl;
  readonly #probing: Probing;
  readonly #watch = new FeedbackWatch();
  #rembBps = Infinity;
  #roundTripUs: number | undefined;
  #applicationLimited = false;
  #nextTickUs = 0;

  /** Bytes of packets without a number: they count with the next one that has one. */
  #untrackedBytes = 0;
  /** Since the last receiver report. */
  #reportedPackets = 0;
  #reportedBytes = 0;
  #lastReportUs: number | undefined;

  #newestArrived = -1;
  #newestArrivedSentUs = -Infinity;
  #countedUpTo = 0;
  #recoverBps = 0;

  constructor(options: BandwidthEstimatorOptions) {
    this.#minBps = options.minBps ?? 30_000;
    this.#maxBps = options.maxBps ?? 30_000_000;
    this.#startBps = Math.max(this.#minBps, Math.min(options.startBps, this.#maxBps));
    this.#rate = new RateControl(this.#startBps, this.#minBps);
    this.#probing = new Probing(this.#startBps, options.probeIntervalMs);
  }

  /** What may be sent now, in bit/s: the least of what delay, loss and REMB allow, within the bounds. */
  get targetBps(): number {
    return Math.max(this.#minBps, Math.min(this.#rate.bps, this.#loss.bps, this.#rembBps, this.#maxBps));
  }

  /** What arrived in the last half second of feedback, in bit/s; undefined while too little has. */
  get acknowledgedBps(): number | undefined {
    return this.#acknowledged.bps(ACKNOWLEDGED_SPAN_US);
  }

  /** Smoothed; undefined before anything tells. With transport-wide feedback it includes the time that the receiver collects it for. */
  get roundTripUs(): number | undefined {
    return this.#roundTripUs;
  }

  /** Part of the packets that was lost lately, 0 to 1. */
  get lossRatio(): number {
    return this.#loss.ratio;
  }

  get pathUse(): PathUse {
    return this.#trend.use;
  }

  /** How long packets wait on the path, in milliseconds beyond the least of the last seconds. */
  get queueMs(): number {
    return this.#trend.queueMs;
  }

  /** True while clearly less is sent than `targetBps` allows: the estimate then rises by probes only. */
  get applicationLimited(): boolean {
    return this.#applicationLimited;
  }

  /**
   * Notes a packet that leaves now. `transportSequence` is its transport-wide sequence number as the caller counts it, from any
   * start, one up for each packet, never wrapping; the low 16 bits are in the packet. Undefined for a packet without that number:
   * its bytes count as sent and its arrival is not known. `probeId`: the cluster that it belongs to, 0 for none.
   */
  packetSent(transportSequence: number | undefined, sizeBytes: number, nowUs: number, probeId = 0): void {
    this.#sentRate.add(nowUs, sizeBytes);
    this.#reportedPackets++;
    this.#reportedBytes += sizeBytes;
    if (transportSequence === undefined) {
      this.#untrackedBytes += sizeBytes;
      return;
    }
    this.#sent.add(transportSequence, sizeBytes + this.#untrackedBytes, nowUs, probeId);
    this.#untrackedBytes = 0;
    this.#watch.awaitingUs ??= nowUs;
    if (probeId !== 0) this.#probing.sent(probeId, sizeBytes, nowUs);
  }

  /** Takes transport-wide feedback: `packet` of a `twcc` report of `parseRtcp`. False when it is malformed or about nothing that was sent. */
  feedback(packet: Uint8Array, nowUs: number): boolean {
    if (this.#sent.newest === -1 || packet.length < 20 || read16(packet, 14) > MAX_STATUSES) return false;
    const report = parseTwccFeedback(packet);
    if (!report) return false;
    const base = this.#sent.unwrap(report.baseSequence);
    const { arrivalUs } = report;
    const end = Math.min(base + arrivalUs.length, this.#sent.newest + 1);
    const begin = Math.max(base, this.#sent.oldest);
    if (begin >= end) return false;
    for (let sequence = begin; sequence < end; sequence++) this.#status(sequence, arrivalUs[sequence - base]!);
    const newest = this.#newestArrived;
    const waiting = this.#sent.has(newest + 1) ? this.#sent.sentUs(newest + 1) : undefined;
    this.#watch.came(waiting, nowUs);
    if (newest >= begin && newest < end) this.#noteRoundTrip(nowUs - this.#newestArrivedSentUs);
    this.#countLosses();
    this.#control(nowUs);
    return true;
  }

  /**
   * Takes what receiver reports say, all SSRCs together: `fractionLost` 0 to 1, weighted by packets. Loss counts only while there
   * is no transport-wide feedback, which knows better; the round trip always.
   */
  receiverReport(fractionLost: number, roundTripUs: number | undefined, nowUs: number): void {
    if (roundTripUs !== undefined) this.#noteRoundTrip(roundTripUs);
    const durationUs = nowUs - (this.#lastReportUs ?? nowUs);
    if (this.#watch.lastUs !== undefined || (this.#lastReportUs !== undefined && durationUs < MIN_REPORT_US)) return;
    const sample = {
      packets: this.#reportedPackets,
      lost: fractionLost * this.#reportedPackets,
      bytes: this.#reportedBytes,
      durationUs,
    };
    this.#lastReportUs = nowUs;
    this.#reportedPackets = this.#reportedBytes = 0;
    this.#loss.judge(sample, this.targetBps, false);
    const sentBps = this.#sentRate.bps(ACKNOWLEDGED_SPAN_US, nowUs);
    this.#rate.update(
      'normal',
      0,
      (sentBps ?? 0) * (1 - fractionLost),
      this.#roundTrip(),
      this.#limitedOtherwise(),
      nowUs,
    );
  }

  /** Takes a REMB: a cap at once; without transport-wide feedback also the estimate, with loss as brake. */
  remb(bitrateBps: number, nowUs: number): void {
    this.#rembBps = bitrateBps;
    const { lastUs, awaitingUs } = this.#watch;
    const awaited = awaitingUs !== undefined && nowUs - awaitingUs < FEEDBACK_AWAITED_US;
    if (lastUs === undefined && !awaited) this.#rate.bps = bitrateBps;
  }

  /** Lets time act (feedback that stays away, results of probes). To be called every 5 to 100 ms while something is sent. */
  tick(nowUs: number): void {
    if (nowUs < this.#nextTickUs) return;
    this.#nextTickUs = nowUs + TICK_US;
    const sentBps = this.#sentRate.bps(ACKNOWLEDGED_SPAN_US, nowUs) ?? 0;
    this.#applicationLimited = sentBps < this.targetBps * (this.#applicationLimited ? LIMITED_UNTIL : LIMITED_BELOW);
    this.#takeProbeResult(nowUs);
    const fallbackBps = this.#watch.check(this.targetBps, this.#roundTrip(), nowUs);
    if (fallbackBps !== undefined) this.#rate.lower(fallbackBps);
  }

  /**
   * The probe that is to be sent now: then paced out and told by `packetSent`. Undefined while none is due.
   * `wantedBps`: what the caller would send if it could; nothing far above is probed, and nothing at all when `targetBps` covers it.
   */
  probe(nowUs: number, wantedBps: number): ProbeCluster | undefined {
    const target = this.targetBps;
    if (wantedBps <= target || this.#rembBps <= target || this.#maxBps <= target || !this.#calm(nowUs))
      return undefined;
    if (this.#recoverBps > 0) {
      if (this.#recoverBps > target) this.#probing.suggest(this.#recoverBps);
      this.#recoverBps = 0;
    }
    return this.#probing.next(target, Math.min(wantedBps, this.#maxBps), nowUs);
  }

  /** The path is another one (a new transport, an ICE restart): begins again from the start rate; the counting of packets goes on. */
  reset(): void {
    this.#rate.reset(this.#startBps);
    this.#trend.reset();
    this.#loss.reset();
    this.#probing.reset();
    this.#acknowledged.reset();
    this.#watch.reset();
    this.#roundTripUs = this.#lastReportUs = undefined;
    this.#countedUpTo = this.#sent.newest + 1;
    this.#newestArrived = this.#sent.newest;
    this.#rembBps = Infinity;
    this.#recoverBps = 0;
  }

  #status(sequence: number, arrivalUs: number): void {
    const state = this.#sent.state(sequence);
    if (state === PACKET_STATE.none || state === PACKET_STATE.received) return;
    if (Number.isNaN(arrivalUs)) {
      this.#sent.setState(sequence, PACKET_STATE.lost);
      return;
    }
    this.#sent.setState(sequence, PACKET_STATE.received);
    const sentUs = this.#sent.sentUs(sequence);
    const size = this.#sent.sizeBytes(sequence);
    this.#acknowledged.add(arrivalUs, size);
    const probeId = this.#sent.probeId(sequence);
    if (probeId !== 0) this.#probing.arrived(probeId, size, sentUs, arrivalUs);
    if (sequence <= this.#newestArrived) return;
    this.#newestArrived = sequence;
    this.#newestArrivedSentUs = sentUs;
    this.#trend.packet(sentUs, arrivalUs);
  }

  #noteRoundTrip(sampleUs: number): void {
    this.#roundTripUs =
      this.#roundTripUs === undefined ? sampleUs : this.#roundTripUs + (sampleUs - this.#roundTripUs) / 8;
  }

  #roundTrip(): number {
    return this.#roundTripUs ?? DEFAULT_ROUND_TRIP_US;
  }

  #countLosses(): void {
    const sent = this.#sent;
    let at = Math.max(this.#countedUpTo, sent.oldest);
    for (; at < this.#newestArrived; at++) {
      if (sent.sentUs(at) > this.#newestArrivedSentUs - REORDERING_US) break;
      const state = sent.state(at);
      // Probes may fill the path; and feedback may itself have been lost.
      if (state < PACKET_STATE.received || sent.probeId(at) !== 0) continue;
      this.#loss.count(sent.sizeBytes(at), state === PACKET_STATE.lost, sent.sentUs(at));
    }
    if (at > this.#countedUpTo && sent.has(at)) {
      this.#countedUpTo = at;
      this.#loss.update(this.targetBps, this.#trend.use === 'overuse', sent.sentUs(at));
    }
  }

  #control(nowUs: number): void {
    const { use, queueMs } = this.#trend;
    const span = use === 'overuse' ? RECENT_SPAN_US : ACKNOWLEDGED_SPAN_US;
    const before = this.#rate.bps;
    const [arrivedBps, frozen] = [this.#acknowledged.bps(span), this.#limitedOtherwise()];
    this.#rate.update(use, queueMs, arrivedBps, this.#roundTrip(), frozen, nowUs, this.#applicationLimited);
    if (this.#rate.bps < before && this.#rate.bps < STEEP_FALL * this.#rate.bpsBeforeDecrease) {
      this.#recoverBps = RECOVERED_PART * this.#rate.bpsBeforeDecrease;
    }
    this.#takeProbeResult(nowUs);
  }

  #takeProbeResult(nowUs: number): void {
    const bps = this.#probing.result(this.#newestArrivedSentUs, nowUs);
    if (bps === undefined || this.#trend.use === 'overuse') return;
    this.#rate.raise(Math.min(bps, this.#maxBps));
    this.#loss.raise(bps);
  }

  #limitedOtherwise(): boolean {
    return this.#loss.bps < this.#rate.bps || this.#rembBps < this.#rate.bps || this.#maxBps < this.#rate.bps;
  }

  #calm(nowUs: number): boolean {
    return (
      this.#trend.use === 'normal' &&
      this.#trend.queueMs < CALM_QUEUE_MS &&
      this.#loss.quiet &&
      this.#watch.givenUpBps === undefined &&
      nowUs - this.#rate.decreasedUs > CALM_US
    );
  }
}
