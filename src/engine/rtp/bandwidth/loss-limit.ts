/** A window is looked at when it is this long and has so many packets. */
const WINDOW_US = 250_000;
const WINDOW_PACKETS = 20;
/** With few packets a window is looked at after so long, if at least a few packets are in it. */
const LONG_WINDOW_US = 2_000_000;
/** Loss beyond what is inherent that is put up with. */
const TOLERATED = 0.02;
/** Loss beyond what is inherent that is acted on even when it cannot be tested. */
const HEAVY = 0.1;
/** Never taken for inherent: a path that loses more is overloaded or useless. */
const MAX_INHERENT = 0.25;
/** Standard errors from which on a loss is no chance. */
const SIGNIFICANT = 2.5;
/** Fewer lost packets than this are chance in a window of few. */
const LEAST_LOST = 2;
/** Neither loss alone nor a short queue goes below this, in bit/s: audio and the lowest layer of a video need about as much. */
export const ENOUGH_BPS = 120_000;
/** Beyond this loss nothing is enough. */
const USELESS = 0.35;
/** Evidence (log of the odds) that settles a trial. */
const SETTLED = 4;
/** A trial takes this part of what got through, and at once at least this part of what was sent. */
const CLEARLY_LESS = 0.9;
const LOWEST_STEP = 0.75;
/** While a trial has not settled, each window goes down to this part. */
const FURTHER = 0.95;
/** A trial that takes longer has not changed what is sent: loss that is not heavy is then taken for inherent. */
const MAX_TRIAL_PACKETS = 400;
/** What a path that is not too narrow may lose now and then. */
const LEAST_LOSS = 0.01;
/** Packets that the average of the inherent loss is taken over. */
const SLOW_PACKETS = 1_000;
/** No probe before it has been quiet for so long. */
const QUIET_US = 1_500_000;
/** Times a second, how fast the limit is lifted once the loss is gone. */
const LIFT_PER_S = 1.15;

/** Packets of one stretch of time, all of them known to have arrived or not. */
export interface LossSample {
  readonly packets: number;
  readonly lost: number;
  readonly bytes: number;
  readonly durationUs: number;
}

/** A lower rate on trial: does the loss go (the path is too narrow), or stay (it is the path's own)? */
interface Trial {
  /** The window that began it. */
  readonly packetsBefore: number;
  readonly lostBefore: number;
  /** What got through then, in bit/s: what the path bears, if it is too narrow. */
  readonly deliveredBps: number;
  packets: number;
  lost: number;
  /** Sum over the packets of the loss that a path too narrow would show at the lower rates. */
  lostIfNarrow: number;
}

/**
 * The rate that loss allows. Loss that appears makes it try a lower rate: if the loss shrinks as it would on a path too narrow, the
 * rate stays below what got through; if it stays, it has nothing to do with the rate, and is inherent from then on.
 */
export class LossLimit {
  /** Infinity while loss limits nothing. */
  bps = Infinity;
  /** Of the last window, 0 to 1. */
  ratio = 0;
  /** Loss that does not depend on the rate. */
  inherent = 0;
  /** What the last trial found. */
  #learned = 0;
  #trial: Trial | undefined;
  /** How long no window has lost more than it may. */
  #quietUs = Infinity;
  #startUs: number | undefined;
  #packets = 0;
  #lost = 0;
  #bytes = 0;

  /** True while there is no loss to speak of, and has not been for a while. */
  get quiet(): boolean {
    return this.#trial === undefined && this.#quietUs > QUIET_US;
  }

  /** A probe went through at this rate. */
  raise(bps: number): void {
    if (this.#trial === undefined && bps > this.bps) this.bps = Infinity;
  }

  /** Counts a packet that left at `sentUs` and is known to have arrived or not. */
  count(sizeBytes: number, lost: boolean, sentUs: number): void {
    this.#startUs ??= sentUs;
    this.#packets++;
    this.#bytes += sizeBytes;
    if (lost) this.#lost++;
  }

  /** Judges what was counted when there is enough of it. `targetBps`: what may be sent now. `congested`: delay says so already. */
  update(targetBps: number, congested: boolean, nowSentUs: number): void {
    if (this.#startUs === undefined) return;
    const durationUs = nowSentUs - this.#startUs;
    const full = durationUs >= WINDOW_US && this.#packets >= WINDOW_PACKETS;
    if (!full && durationUs < LONG_WINDOW_US) return;
    const sample = { packets: this.#packets, lost: this.#lost, bytes: this.#bytes, durationUs };
    this.#startUs = undefined;
    this.#packets = this.#lost = this.#bytes = 0;
    this.judge(sample, targetBps, congested);
  }

  judge(sample: LossSample, targetBps: number, congested: boolean): void {
    const { packets, lost, bytes, durationUs } = sample;
    if (packets < 5 || durationUs <= 0) return;
    const loss = (this.ratio = lost / packets);
    const sentBps = (bytes * 8e6) / durationUs;
    const excess = loss - this.inherent;
    const error = Math.sqrt((Math.max(0.005, this.inherent) * (1 - this.inherent)) / packets);
    if (this.#trial && !congested) this.#weigh(this.#trial, sample, sentBps, targetBps);
    else if (lost >= LEAST_LOST && excess > TOLERATED && excess > SIGNIFICANT * error)
      this.#brake(sample, sentBps, targetBps, congested);
    else this.#accept(sample, loss, error, targetBps);
  }

  reset(): void {
    this.bps = Infinity;
    this.ratio = this.inherent = this.#learned = 0;
    this.#trial = undefined;
    this.#quietUs = Infinity;
    this.#startUs = undefined;
    this.#packets = this.#lost = this.#bytes = 0;
  }

  #brake({ packets, lost }: LossSample, sentBps: number, targetBps: number, congested: boolean): void {
    this.#quietUs = 0;
    const excess = lost / packets - this.inherent;
    if (sentBps < 0.7 * targetBps) {
      // Little is sent: a lower limit would change nothing, so nothing can be tried; it comes down towards what is sent.
      if (excess > HEAVY) this.#lower(Math.max(sentBps, targetBps * (1 - 0.5 * excess)), lost / packets);
      return;
    }
    const deliveredBps = sentBps * (1 - excess);
    this.#lower(Math.max(CLEARLY_LESS * deliveredBps, LOWEST_STEP * sentBps), lost / packets);
    if (congested) return;
    this.#trial = { packetsBefore: packets, lostBefore: lost, deliveredBps, packets: 0, lost: 0, lostIfNarrow: 0 };
  }

  #weigh(trial: Trial, { packets, lost }: LossSample, sentBps: number, targetBps: number): void {
    trial.packets += packets;
    trial.lost += lost;
    trial.lostIfNarrow += packets * Math.max(LEAST_LOSS, this.inherent, 1 - trial.deliveredBps / sentBps);
    const together = (trial.lost + trial.lostBefore) / (trial.packets + trial.packetsBefore);
    const evidence =
      likelihood(trial.packets, trial.lost, together) +
      likelihood(trial.packetsBefore, trial.lostBefore, together) -
      likelihood(trial.packets, trial.lost, trial.lostIfNarrow / trial.packets) -
      likelihood(trial.packetsBefore, trial.lostBefore, trial.lostBefore / trial.packetsBefore);
    if (evidence > SETTLED && together <= MAX_INHERENT) {
      this.inherent = this.#learned = together;
      this.#trial = undefined;
      this.bps = Infinity;
    } else if (evidence < -SETTLED || trial.packets > MAX_TRIAL_PACKETS) {
      if (evidence >= -SETTLED && together <= HEAVY) this.inherent = this.#learned = together;
      this.#trial = undefined;
    } else if (lost >= LEAST_LOST && lost / packets - this.inherent > TOLERATED) {
      // Not clear yet, or too much to bear: further down.
      this.#lower(Math.min(this.bps, FURTHER * Math.min(sentBps, targetBps)), lost / packets);
    }
  }

  #lower(bps: number, loss: number): void {
    this.bps = loss > USELESS ? bps : Math.max(bps, Math.min(this.bps, ENOUGH_BPS));
  }

  #accept({ packets, durationUs }: LossSample, loss: number, error: number, targetBps: number): void {
    const weight = loss < this.inherent - SIGNIFICANT * error ? 0.5 : packets / (packets + SLOW_PACKETS);
    this.#quietUs += durationUs;
    this.inherent = Math.min(this.#learned, this.inherent + weight * (loss - this.inherent));
    if (this.bps === Infinity) return;
    this.bps *= LIFT_PER_S ** Math.min(2, durationUs / 1e6);
    if (this.bps > 1.5 * targetBps) this.bps = Infinity;
  }
}

/** Log of the likelihood that of `packets` so many are lost, when each is with this probability. */
function likelihood(packets: number, lost: number, probability: number): number {
  const p = Math.min(0.999, Math.max(0.0005, probability));
  return lost * Math.log(p) + (packets - lost) * Math.log(1 - p);
}
