import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import type { IceUdpMuxListener } from 'node-datachannel';
import { SluiceError } from '../media/errors.js';
import { type NativeLease, acquireNative, guard } from './native.js';

/**
 * Listeners that nobody uses. The library keeps a port after `stop()`, mostly for good, and cannot listen on it again:
 * a listener is kept for the next who wants its port, and stopped only before the process ends.
 */
const idle = new Map<string, IceUdpMuxListener>();

/** Stops the listeners that nobody uses; whether there were any. The library is to be cleaned up after it. */
export function stopIdleListeners(): boolean {
  for (const listener of idle.values()) listener.stop();
  const any = idle.size > 0;
  idle.clear();
  return any;
}

/**
 * Holds one UDP port for any number of transports. The native library aborts the process when a transport cannot
 * bind its port; this takes the port first, where a failure is an ordinary error, and keeps it.
 */
export class UdpMux {
  readonly #lease: NativeLease;
  readonly #listener: IceUdpMuxListener;
  readonly port: number;
  readonly address: string;
  #unknownRequests = 0;

  private constructor(lease: NativeLease, listener: IceUdpMuxListener, port: number, address: string) {
    this.#lease = lease;
    this.#listener = listener;
    this.port = port;
    this.address = address;
    listener.onUnhandledStunRequest(
      guard(
        () => undefined,
        () => {
          this.#unknownRequests++;
        },
      ),
    );
  }

  /** Errors: SLUICE_ADDRESS_IN_USE. */
  static async listen(port: number, address: string): Promise<UdpMux> {
    const lease = await acquireNative();
    try {
      const key = `${address}:${port}`;
      let listener = idle.get(key);
      if (!listener) {
        await tryPort(port, address);
        listener = new lease.api.IceUdpMuxListener(port, address);
      }
      idle.delete(key);
      return new UdpMux(lease, listener, port, address);
    } catch (cause) {
      await lease.release();
      throw new SluiceError('SLUICE_ADDRESS_IN_USE', `UDP port ${port} on ${address} is taken`, {
        cause,
        mend: 'Stop the program that uses it, or choose another port.',
      });
    }
  }

  /** Requests to connect (STUN) that were for none of the transports. What else comes from strangers the native library drops unseen. */
  get unknownRequests(): number {
    return this.#unknownRequests;
  }

  async close(): Promise<void> {
    idle.set(`${this.address}:${this.port}`, this.#listener);
    await this.#lease.release();
  }
}

/** The native library writes about a port that is taken to standard output: it is only asked for one that was free. */
async function tryPort(port: number, address: string): Promise<void> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  try {
    socket.bind({ port, address, exclusive: true });
    await once(socket, 'listening');
  } finally {
    socket.close();
  }
}
