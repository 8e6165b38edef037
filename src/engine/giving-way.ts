/** After a thread was busy, lets packets that came meanwhile get in before what would find them missing: for one turn of the event loop. */
export class GivingWay {
  #gaveWay = false;

  /** Whether to come again in the next turn. `isLate`: this one was to come some time ago. */
  givesWay(isLate: boolean): boolean {
    const givesWay = isLate && !this.#gaveWay;
    this.#gaveWay = isLate;
    return givesWay;
  }
}
