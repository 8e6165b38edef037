import type { IceUdpMuxListener } from 'node-datachannel';
import { SluiceError } from '../media/errors.js';
import { type NativeLease, acquireNative, guard } from './native.js';

/**
 * Holds one UDP port for any number of transports. The native library aborts the process when a transport cannot
 * bind its port; this takes the port first, where a failure is an ordinary error, and keeps it.
 */
export class UdpMux {
  readonly #lease: NativeLease;
  readonly #listener: IceUdpMuxListener;
  readonly port: number;
  readonly address: string;

  private constructor(lease: NativeLease, listener: IceUdpMuxListener, port: number, address: string) {
    this.#lease = lease;
    this.#listener = listener;
    this.port = port;
    this.address = address;
    listener.onUnhandledStunRequest(guard(() => undefined, () => undefined));
  }

  /** Errors: SLUICE_ADDRESS_IN_USE. */
  static async listen(port: number, address: string): Promise<UdpMux> {
    const lease = await acquireNative();
    try {
      return new UdpMux(lease, new lease.api.IceUdpMuxListener(port, address), port, address);
    } catch (cause) {
      await lease.release();
      throw new SluiceError('SLUICE_ADDRESS_IN_USE', `UDP port ${port} on ${address} is taken`, {
        cause,
        mend: 'Stop the program that uses it, or choose another port.',
      });
    }
  }

  async close(): Promise<void> {
    this.#listener.stop();
    await this.#lease.release();
  }
}
