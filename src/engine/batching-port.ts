interface PortLike {
  postMessage(value: unknown, transfer?: readonly ArrayBuffer[]): void;
}

/** What follows on it runs at the end of this run of JavaScript. */
const THIS_TURN = Promise.resolve();

/** Sends messages of one run of JavaScript as one batch, with the buffers of its media transferred. */
export class BatchingPort<M> {
  readonly #port: PortLike;
  #batch: M[] = [];
  #transfer: ArrayBuffer[] = [];
  readonly #flush = (): void => {
    this.flush();
  };

  constructor(port: PortLike) {
    this.#port = port;
  }

  /** `buffer` is transferred when the batch goes: its owner may not touch it any more. */
  send(message: M, buffer?: ArrayBufferLike): void {
    // Not queueMicrotask(), which makes a resource of Node's for each call.
    if (this.#batch.length === 0) void THIS_TURN.then(this.#flush);
    this.#batch.push(message);
    if (buffer instanceof ArrayBuffer) this.#transfer.push(buffer);
  }

  /** Sends what is there now instead of at the end of this run of JavaScript. */
  flush(): void {
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    const transfer = this.#transfer;
    this.#batch = [];
    this.#transfer = [];
    this.#port.postMessage(batch, transfer);
  }
}
