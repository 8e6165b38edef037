import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { LinkConditions } from './conditions.js';
import type { NetworkChange, NetworkStats, RelayReply, RelayRequest, RelayStart, UdpAddress } from './relay-port.js';

export type { NetworkChange, NetworkStats, UdpAddress } from './relay-port.js';

export interface RelayOptions {
  /** Decides what chance does; the same seed loses the same datagrams by their number. */
  readonly seed: number;
  /** From clients to the server. */
  readonly up?: LinkConditions;
  /** From the server to clients. */
  readonly down?: LinkConditions;
}

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never;

/**
 * Stands between clients and UDP ports of servers on this machine, in a thread of its own. All clients share the conditions of
 * each direction, as behind one access line; each has an upstream socket of its own.
 */
export class Relay {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, { resolve(reply: RelayReply): void; reject(error: Error): void }>();
  #id = 0;
  #closed: Promise<void> | undefined;
  #failure: Error | undefined;

  private constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', (reply: RelayReply) => {
      this.#waiting.get(reply.id)?.resolve(reply);
      this.#waiting.delete(reply.id);
    });
    worker.on('error', (error) => {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    });
    worker.on('exit', () => {
      this.#fail(new Error('the relay is closed'));
    });
  }

  static async start(options: RelayOptions): Promise<Relay> {
    const workerData: RelayStart = { seed: options.seed, up: options.up ?? {}, down: options.down ?? {} };
    const worker = new Worker(new URL('./relay-worker.js', import.meta.url), { workerData });
    const relay = new Relay(worker);
    // Conditions that cannot be are told here, by the thread's error.
    await once(worker, 'online');
    await relay.stats();
    return relay;
  }

  /** The address that clients send to in place of a server's. The same for the same address. */
  async open(target: UdpAddress): Promise<UdpAddress> {
    return (await this.#ask({ type: 'open', target })) as UdpAddress;
  }

  /** Changes conditions, and resolves when they are in force. Errors: what cannot be meant. */
  async set(change: NetworkChange): Promise<void> {
    await this.#ask({ type: 'set', change });
  }

  /** `windowMs`: how far the window looks back. Default 5000. */
  async stats(windowMs = 5000): Promise<NetworkStats> {
    return (await this.#ask({ type: 'stats', windowMs })) as NetworkStats;
  }

  /** Idempotent. What was on its way is lost. */
  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  async #close(): Promise<void> {
    if (this.#failure) return;
    const exit = once(this.#worker, 'exit');
    await this.#ask({ type: 'close' });
    await exit;
  }

  async #ask(request: WithoutId<RelayRequest>): Promise<UdpAddress | NetworkStats | undefined> {
    if (this.#failure) throw this.#failure;
    const id = ++this.#id;
    const reply = await new Promise<RelayReply>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ ...request, id });
    });
    if ('error' in reply) throw new Error(reply.error);
    return reply.value;
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
