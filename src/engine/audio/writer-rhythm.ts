/** What a chunk waits at least before it leaves: timers are as exact as this. */
const MARGIN_US = 3000;
/** The same while little is known of a writer, which may be less regular than it has been so far: beats do not come earlier for it. */
const UNSURE_US = 8000;
/** Known is who has written so often, for so many periods. */
const SURE_WRITES = 5;
const SURE_PERIODS = 25;
/** A chunk is worth waiting for until it is so late. Less than a period: where one is left out, the next is not taken for it. */
const PATIENCE_US = 18_000;
/** Who has more than this waiting at all times writes ahead, and needs no low delay. */
const LIVE_US = 40_000;
/** A period this late was not the writer's fault: the machine slept. */
const ASLEEP_US = -20_000;
/** Chunks that come closer than this are written at one time. */
const AT_ONCE_US = 2000;
/** What the least wait is taken of: so many spans of so many periods, 2 s in all; 30 s after a stall. */
const SPANS = 4;
const SPAN_PERIODS = 25;
const STALL_SPAN_PERIODS = 375;

/**
 * When a writer of audio writes, next to when it is sent: how long each period of 20 ms has been waiting when its beat comes. Tells by how
 * much beats may come earlier, or have to come later, for a live writer. Pure; all times are of one clock.
 */
export class WriterRhythm {
  #lastWriteUs = -Infinity;
  /** Media time that was written at one time, and how often something was. */
  #burstUs = 0;
  #writes = 0;
  /** The least wait of each span. */
  readonly #spans = new Float64Array(SPANS).fill(Infinity);
  #span = 0;
  #spanPeriods = SPAN_PERIODS;
  /** Periods in the newest span, and in all. */
  #inSpan = 0;
  #periods = 0;
  /** What a stall has made everything later by since. */
  #stalledUs = 0;

  /** Notes a write. */
  wrote(atUs: number, durationUs: number): void {
    const isNew = atUs - this.#lastWriteUs >= AT_ONCE_US;
    this.#burstUs = isNew ? durationUs : this.#burstUs + durationUs;
    if (isNew) this.#writes++;
    this.#lastWriteUs = atUs;
  }

  /** Until when it is worth waiting for what follows on the last write, if that has been sent. */
  get expectedUntilUs(): number {
    return this.#lastWriteUs + this.#burstUs + this.#behindUs + PATIENCE_US;
  }

  /** Notes a period whose last sample had waited for so long at its beat; less than 0 when it came later. */
  sent(waitUs: number): void {
    if (waitUs < ASLEEP_US) return;
    this.#spans[this.#span] = Math.min(waitUs, this.#spans[this.#span] ?? Infinity);
    this.#periods++;
    if (++this.#inSpan < this.#spanPeriods) return;
    this.#begin((this.#span + 1) % SPANS);
    if (this.#periods < SPANS * this.#spanPeriods) return;
    this.#spanPeriods = SPAN_PERIODS;
    if (this.#leastUs() <= LIVE_US) this.#stalledUs = 0;
  }

  /** How much longer than they need periods wait at their beats; less than 0 when beats come too early, undefined where it does not matter. */
  get excessUs(): number | undefined {
    const leastUs = this.#leastUs();
    if (leastUs > LIVE_US + this.#stalledUs) return undefined;
    const isSure = this.#periods >= SURE_PERIODS && this.#writes >= SURE_WRITES;
    return isSure ? leastUs - MARGIN_US : Math.min(0, leastUs - UNSURE_US);
  }

  /** Beats come later by so much from now on; earlier, when negative. */
  beatsMoved(byUs: number): void {
    for (let span = 0; span < SPANS; span++) this.#spans[span] = (this.#spans[span] ?? Infinity) + byUs;
    if (this.#stalledUs > 0) this.#stalledUs = Math.max(0, this.#stalledUs + byUs);
  }

  /** Nothing came for a moment, so that all is that much later from now on. It stays so for a while: there may be more such moments. */
  stalled(forUs: number): void {
    if (this.#leastUs() > LIVE_US + this.#stalledUs) {
      this.forget();
      return;
    }
    const behindUs = this.#behindUs;
    // Who has just begun is slow once.
    const isNew = this.#spanPeriods === SPAN_PERIODS && this.#periods < SPANS * SPAN_PERIODS;
    this.#restart(isNew ? SPAN_PERIODS : STALL_SPAN_PERIODS);
    this.#stalledUs = behindUs + forUs;
  }

  /** What was written is not sent any more. */
  cleared(): void {
    this.forget();
    this.#lastWriteUs = -Infinity;
  }

  /** Forgets how it was: the writer does not keep to a time, or begins anew. */
  forget(): void {
    this.#restart(SPAN_PERIODS);
    this.#stalledUs = 0;
  }

  /** What is later since a stall. Nothing is where nothing waits for longer: who writes when told that all is gone does not catch up. */
  get #behindUs(): number {
    return this.#leastUs() < this.#stalledUs ? 0 : this.#stalledUs;
  }

  #restart(spanPeriods: number): void {
    this.#spans.fill(Infinity);
    this.#spanPeriods = spanPeriods;
    this.#periods = this.#writes = 0;
    this.#begin(0);
  }

  #begin(span: number): void {
    this.#span = span;
    this.#spans[span] = Infinity;
    this.#inSpan = 0;
  }

  #leastUs(): number {
    let leastUs = Infinity;
    for (const us of this.#spans) if (us < leastUs) leastUs = us;
    return leastUs;
  }
}
