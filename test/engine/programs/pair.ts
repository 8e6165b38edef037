import {
  Transport,
  type TransportDataChannel,
  type TransportOptions,
  type TransportState,
} from '../../../src/engine/transport.js';

/** One end of a pair and what happened at it. */
export class End {
  readonly states: TransportState[] = [];
  readonly packets: Buffer[] = [];
  readonly faults: string[] = [];
  readonly channels: TransportDataChannel[] = [];
  onPacket: ((packet: Buffer) => void) | undefined;
  onState: ((state: TransportState) => void) | undefined;
  onDataChannel: ((channel: TransportDataChannel) => void) | undefined;
  #transport: Transport | undefined;
  #waiting: { readonly until: () => boolean; resolve(): void }[] = [];

  get transport(): Transport {
    if (!this.#transport) throw new Error('there is no transport yet');
    return this.#transport;
  }

  set transport(transport: Transport) {
    this.#transport = transport;
  }

  options(name: string, more: Partial<TransportOptions> = {}): TransportOptions {
    return {
      name,
      bindAddress: '127.0.0.1',
      dataChannels: false,
      dtlsRole: 'passive',
      onPacket: (packet) => {
        this.packets.push(packet);
        this.#check();
        this.onPacket?.(packet);
      },
      onState: (state) => {
        this.states.push(state);
        this.#check();
        this.onState?.(state);
      },
      onDataChannel: (channel) => {
        this.channels.push(channel);
        this.#check();
        this.onDataChannel?.(channel);
      },
      onFault: (error) => {
        this.faults.push(error instanceof Error ? error.message : String(error));
        this.#check();
      },
      ...more,
    };
  }

  /** Looks whenever something happens here. */
  until(condition: () => boolean): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push({ until: condition, resolve });
    });
  }

  connected(): Promise<void> {
    return this.until(() => this.states.includes('connected'));
  }

  #check(): void {
    this.#waiting = this.#waiting.filter(({ until, resolve }) => {
      if (!until()) return true;
      resolve();
      return false;
    });
  }
}

export interface Pair {
  /** The side that offers: DTLS passive, as a participant that publishes. */
  readonly a: End;
  /** The side that answers: DTLS active, as the server. */
  readonly b: End;
  close(): Promise<void>;
}

/** Two ends that know of each other, but of which `b` knows no candidates: nothing connects yet. */
export async function introduce(
  more: { a?: Partial<TransportOptions>; b?: Partial<TransportOptions> } = {},
): Promise<Pair> {
  const a = new End();
  const b = new End();
  a.transport = await Transport.offer(a.options('a', more.a));
  b.transport = await Transport.answer(
    { ...a.transport.local, candidates: [] },
    b.options('b', { dtlsRole: 'active', ...more.b }),
  );
  return {
    a,
    b,
    close: async () => {
      await Promise.all([a.transport.close(), b.transport.close()]);
    },
  };
}

/** Lets two ends connect, the candidates of the offering side last. */
export function join({ a, b }: Pair): void {
  a.transport.accept(b.transport.local);
  for (const candidate of a.transport.local.candidates) b.transport.addRemoteCandidate(candidate);
}

/** A pair that is connected. */
export async function connect(more: Parameters<typeof introduce>[0] = {}): Promise<Pair> {
  const pair = await introduce(more);
  join(pair);
  await Promise.all([pair.a.connected(), pair.b.connected()]);
  return pair;
}

/** An RTP packet with its sequence number as payload. */
export function rtp(sequence: number, ssrc = 1, payloadType = 96, length = 40): Buffer {
  const packet = Buffer.alloc(length, sequence & 0xff);
  packet[0] = 0x80;
  packet[1] = payloadType;
  packet.writeUInt16BE(sequence & 0xffff, 2);
  packet.writeUInt32BE(sequence * 960, 4);
  packet.writeUInt32BE(ssrc, 8);
  return packet;
}

export const sequenceOf = (packet: Buffer): number => packet.readUInt16BE(2);

/** One line of JSON for the test that runs this program. */
export function report(result: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
