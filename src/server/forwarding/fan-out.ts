/** A queue of packets that leave when their turn comes. */
export interface FanOutMember {
  /** Sends what may leave now, which is a few packets; returns how many it sent. */
  flush(nowUs: number): number;
}

export interface FanOutOptions {
  nowUs(): number;
  /** Runs a task soon: after what has arrived meanwhile was taken in, and before any timer. */
  soon(task: () => void): void;
  onFault(error: unknown): void;
  /** Packets that leave between two looks at what has arrived. Default 48, about half a millisecond's work. */
  readonly packetsPerTurn?: number;
}

/**
 * Spreads what many subscribers get at the same moment: a picture for all of them is not one burst that fills the socket and keeps
 * everything else waiting, but turns of some packets, with the network's own packets in between. One subscriber gets all that is
 * due to it in one turn, since only a whole picture is of use. Whoever was last to ask is the last to be served.
 */
export class FanOut {
  readonly #options: FanOutOptions;
  readonly #packetsPerTurn: number;
  readonly #waiting = new Set<FanOutMember>();
  #armed = false;
  readonly #turn = (): void => {
    this.#run();
  };

  constructor(options: FanOutOptions) {
    this.#options = options;
    this.#packetsPerTurn = options.packetsPerTurn ?? 48;
  }

  /** Gives a member its turn soon. */
  wake(member: FanOutMember): void {
    this.#waiting.add(member);
    this.#arm();
  }

  remove(member: FanOutMember): void {
    this.#waiting.delete(member);
  }

  #arm(): void {
    if (this.#armed) return;
    this.#armed = true;
    this.#options.soon(this.#turn);
  }

  #run(): void {
    this.#armed = false;
    const nowUs = this.#options.nowUs();
    let sent = 0;
    for (const member of this.#waiting) {
      this.#waiting.delete(member);
      try {
        sent += member.flush(nowUs);
      } catch (error) {
        this.#options.onFault(error);
      }
      if (sent >= this.#packetsPerTurn) break;
    }
    if (this.#waiting.size > 0) this.#arm();
  }
}
