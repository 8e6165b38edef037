import { ProbeMeasurement } from './probe-measurement.js';

/** A short burst at a rate above the estimate, to learn whether the path bears it. */
export interface ProbeCluster {
  /** Given to `packetSent` with every packet that leaves while the cluster lasts; 1 and up. */
  readonly id: number;
  /** What the packets of the cluster, media and padding together, are paced at. */
  readonly bitrateBps: number;
  /** The cluster is over when so many packets and so many bytes have left. */
  readonly minPackets: number;
  readonly minBytes: number;
}

/** Long enough that a receiver that stamps some milliseconds late does not blur the rate. */
const PROBE_US = 30_000;
const MIN_PACKETS = 5;
/** Part of a cluster that must have arrived. */
const MIN_ARRIVED = 0.8;
/** From this part of what was tried on, more is tried at once. */
const PASSED = 0.75;
const DEFAULT_INTERVAL_MS = 5000;
/** After a cluster that told nothing. */
const RETRY_US = 1_000_000;
const RESULT_TIMEOUT_US = 1_000_000;
/** Packets that overtake one another are waited for so long. */
const REORDERING_US = 60_000;
/** Never above this many times what is wanted. */
const HEADROOM = 1.25;
const FIRST_STEPS = [3, 6] as const;

/** Plans probe clusters, one at a time, and reads their results. */
export class Probing {
  readonly #startBps: number;
  readonly #intervalUs: number;
  readonly #measurement = new ProbeMeasurement();
  /** Rates to try at once, one after the other. */
  readonly #next: number[] = [];
  #started = false;
  #dueUs = 0;
  #id = 0;
  #current: ProbeCluster | undefined;
  #begunUs = 0;
  #sentPackets = 0;
  #sentBytes = 0;
  #lastSentUs = 0;

  constructor(startBps: number, intervalMs = DEFAULT_INTERVAL_MS) {
    this.#intervalUs = intervalMs * 1000;
    this.#startBps = startBps;
  }

  /** The next cluster, when it is due and more is wanted than the target: the first ones at once, then every few seconds, each followed by larger ones while they pass. */
  next(targetBps: number, wantedBps: number, nowUs: number): ProbeCluster | undefined {
    if (this.#current) return undefined;
    if (!this.#started) {
      this.#started = true;
      this.#dueUs = nowUs + this.#intervalUs;
      for (const step of FIRST_STEPS) this.#next.push(step * this.#startBps);
    }
    if (this.#next.length === 0) {
      if (nowUs < this.#dueUs) return undefined;
      this.#next.push(2 * targetBps);
    }
    return this.#begin(Math.min(wantedBps * HEADROOM, this.#next.shift()!), nowUs);
  }

  /** Tries this rate as soon as may be. */
  suggest(bps: number): void {
    this.#next.length = 0;
    this.#next.push(bps);
  }

  sent(probeId: number, sizeBytes: number, nowUs: number): void {
    if (probeId !== this.#current?.id) return;
    this.#sentPackets++;
    this.#sentBytes += sizeBytes;
    this.#lastSentUs = nowUs;
  }

  /** In the order of sending. */
  arrived(probeId: number, sizeBytes: number, sentUs: number, arrivalUs: number): void {
    if (probeId === this.#current?.id) this.#measurement.add(sizeBytes, sentUs, arrivalUs);
  }

  /**
   * The rate that the running cluster has shown, once; undefined while it runs or when it told nothing. `newestSentUs`: when the
   * newest packet left that is known to have arrived.
   */
  result(newestSentUs: number, nowUs: number): number | undefined {
    const cluster = this.#current;
    if (!cluster) return undefined;
    const complete = this.#sentPackets >= cluster.minPackets && this.#sentBytes >= cluster.minBytes;
    const allArrived = complete && this.#measurement.packets === this.#sentPackets;
    const past = this.#sentPackets > 0 && newestSentUs > this.#lastSentUs + REORDERING_US;
    if (!allArrived && !past && nowUs - this.#begunUs < RESULT_TIMEOUT_US) return undefined;
    this.#current = undefined;
    const { packets, bytes } = this.#measurement;
    const enough = packets >= MIN_ARRIVED * cluster.minPackets && bytes >= MIN_ARRIVED * cluster.minBytes;
    const measuredBps = enough ? this.#measurement.bps() : undefined;
    if (measuredBps === undefined) {
      this.#next.length = 0;
      this.#dueUs = Math.min(this.#dueUs, nowUs + RETRY_US);
      return undefined;
    }
    const bps = Math.min(measuredBps, cluster.bitrateBps);
    const passed = bps >= PASSED * cluster.bitrateBps;
    if (!passed) this.#next.length = 0;
    else if (this.#next.length === 0) this.#next.push(2 * bps);
    return bps;
  }

  /** Probes of old tell nothing about a new path. */
  reset(): void {
    this.#started = false;
    this.#current = undefined;
    this.#next.length = 0;
  }

  #begin(bitrateBps: number, nowUs: number): ProbeCluster {
    this.#id++;
    this.#begunUs = this.#lastSentUs = nowUs;
    this.#dueUs = nowUs + this.#intervalUs;
    this.#sentPackets = this.#sentBytes = 0;
    this.#measurement.reset();
    const minBytes = Math.round((bitrateBps / 8e6) * PROBE_US);
    this.#current = { id: this.#id, bitrateBps, minPackets: MIN_PACKETS, minBytes };
    return this.#current;
  }
}
