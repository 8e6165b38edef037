/** A cluster that seems to arrive this much faster than it left was clumped on the way. */
const MAX_COMPRESSION = 2;
const SATURATED = 0.9;
/** What a path that was filled is said to bear, as a part of what came through. */
const SATURATED_PART = 0.95;

/**
 * The packets of one probe cluster that arrived: how fast they left, and how fast they came. Each rate is that of a line through
 * time over bytes, so that bursts of the sender and jitter of the path weigh little.
 */
export class ProbeMeasurement {
  packets = 0;
  bytes = 0;
  #firstSentUs = 0;
  #firstArrivalUs = 0;
  /** Sums for the lines; x is the number of bytes before a packet, times are in microseconds since the first packet's. */
  #x = 0;
  #xx = 0;
  #sent = 0;
  #xSent = 0;
  #arrival = 0;
  #xArrival = 0;

  reset(): void {
    this.packets = this.bytes = 0;
    this.#x = this.#xx = this.#sent = this.#xSent = this.#arrival = this.#xArrival = 0;
  }

  /** In the order they were sent. */
  add(sizeBytes: number, sentUs: number, arrivalUs: number): void {
    if (this.packets === 0) {
      this.#firstSentUs = sentUs;
      this.#firstArrivalUs = arrivalUs;
    }
    // The packet's own bytes have passed the path when it arrives, those of the first one too.
    const x = this.bytes + sizeBytes;
    const sent = sentUs - this.#firstSentUs;
    const arrival = arrivalUs - this.#firstArrivalUs;
    this.packets++;
    this.bytes += sizeBytes;
    this.#x += x;
    this.#xx += x * x;
    this.#sent += sent;
    this.#xSent += x * sent;
    this.#arrival += arrival;
    this.#xArrival += x * arrival;
  }

  /** The rate in bit/s that the path was seen to bear; undefined when the times do not tell one. */
  bps(): number | undefined {
    const spread = this.packets * this.#xx - this.#x * this.#x;
    const sentSlope = this.packets * this.#xSent - this.#x * this.#sent;
    const arrivalSlope = this.packets * this.#xArrival - this.#x * this.#arrival;
    if (spread <= 0 || sentSlope <= 0 || arrivalSlope <= 0) return undefined;
    const sendBps = (8e6 * spread) / sentSlope;
    const arriveBps = (8e6 * spread) / arrivalSlope;
    if (arriveBps > MAX_COMPRESSION * sendBps) return undefined;
    return arriveBps < SATURATED * sendBps ? SATURATED_PART * arriveBps : Math.min(sendBps, arriveBps);
  }
}
