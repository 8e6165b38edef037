/** How fast the offset may follow a clock that runs slow: µs per second. Two clocks of ±200 ppm differ by 400. */
const LEAK_US_PER_SECOND = 500;
/**
 * How the clock of one sender, as its sender reports tell it, relates to this machine's: by the packets of all its
 * streams that met the least delay. So what belongs together stays together, however different the ways are. Pure.
 */
export class SenderClock {
  /** Counts the times that the sender's clock was set anew: what was learned before does not hold any more. */
  generation = 0;
  #offsetUs: number | undefined;
  #lastArrivalUs = 0;

  /** Local time minus the sender's, in µs, without the least delay on the way; undefined before the first packet. */
  get offsetUs(): number | undefined {
    return this.#offsetUs;
  }

  /** Notes the arrival of a packet that was made at `ntpUs` of the sender's clock. */
  observe(ntpUs: number, arrivalUs: number): void {
    const offsetUs = arrivalUs - ntpUs;
    if (this.#offsetUs === undefined) this.#offsetUs = offsetUs;
    const passedUs = Math.max(0, arrivalUs - this.#lastArrivalUs);
    this.#offsetUs = Math.min(offsetUs, this.#offsetUs + (passedUs * LEAK_US_PER_SECOND) / 1_000_000);
    this.#lastArrivalUs = Math.max(this.#lastArrivalUs, arrivalUs);
  }

  /** The clock was set anew. */
  restart(): void {
    this.generation++;
    this.#offsetUs = undefined;
  }
}
