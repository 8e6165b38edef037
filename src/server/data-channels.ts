import type { TransportDataChannel } from '../engine/transport.js';
import type { ServerContext } from './context.js';
import { RateLimit } from './rate-limit.js';

/** How a data packet travels: in order and without loss, or neither. */
export type DataKind = 'reliable' | 'lossy';

/** The longest packet that is taken, in bytes: 15 KiB for its user, the rest for what is said about it. */
export const MAX_DATA_PACKET_BYTES = 16 * 1024;

/** The names that clients give the channels. */
const KINDS: Readonly<Record<string, DataKind>> = { _reliable: 'reliable', _lossy: 'lossy' };

/** Packets that one participant may send per second, and at once. */
const PACKETS_PER_SECOND = 5_000;
const PACKETS_AT_ONCE = 20_000;
/** Bytes that may wait for a receiver. Lossy packets are worth nothing when they are late. */
const MAX_LOSSY_BACKLOG = 64 * 1024;
const MAX_RELIABLE_BACKLOG = 8 * 1024 * 1024;
/** Reliable packets for a client whose channel is not open yet: how many, how many bytes, and for how long. */
const MAX_WAITING = 128;
const MAX_WAITING_BYTES = 64 * 1024;
const MAX_WAIT_US = 10_000_000;

export interface DataChannelsOptions {
  /** A packet from the client, not longer than it may be. */
  onPacket(kind: DataKind, data: Buffer): void;
  /** The client sends more than can be passed on, or takes less than it is sent: it has to go. Called once. */
  onOverflow(reason: string): void;
}

interface Waiting {
  readonly data: Buffer;
  readonly sinceUs: number;
}

/** The data channels of one client, with bounds on what it sends and on what waits for it. What is over them is counted. */
export class DataChannels {
  readonly #context: Pick<ServerContext, 'clock' | 'counters'>;
  readonly #options: DataChannelsOptions;
  readonly #channels = new Map<DataKind, TransportDataChannel>();
  readonly #rate = new RateLimit(PACKETS_PER_SECOND, PACKETS_AT_ONCE);
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #ended = false;

  constructor(context: Pick<ServerContext, 'clock' | 'counters'>, options: DataChannelsOptions) {
    this.#context = context;
    this.#options = options;
  }

  /** Takes a channel that the client opened; one of another name is left alone. */
  adopt(channel: TransportDataChannel): void {
    const kind = Object.hasOwn(KINDS, channel.label) ? KINDS[channel.label] : undefined;
    if (!kind || this.#ended) return;
    this.#channels.set(kind, channel);
    channel.onMessage = (data) => {
      this.#receive(kind, data);
    };
    channel.onClosed = () => {
      if (this.#channels.get(kind) === channel) this.#channels.delete(kind);
    };
    if (kind !== 'reliable') return;
    channel.onOpen = () => {
      this.#sendWaiting();
    };
    if (channel.open) this.#sendWaiting();
  }

  /** Sends a packet to the client, or counts why not. */
  send(kind: DataKind, data: Buffer): void {
    if (this.#ended) return;
    const channel = this.#channels.get(kind);
    if (channel?.open !== true) {
      if (kind === 'reliable') this.#keep(data);
      else this.#context.counters.data.dropped.noChannel++;
      return;
    }
    this.#sendOn(channel, kind, data);
  }

  close(): void {
    this.#ended = true;
    this.#context.counters.data.dropped.noChannel += this.#waiting.length;
    this.#waiting = [];
    this.#channels.clear();
  }

  #receive(kind: DataKind, data: Buffer): void {
    if (this.#ended) return;
    const counters = this.#context.counters.data;
    counters.packetsReceived++;
    counters.bytesReceived += data.length;
    if (data.length > MAX_DATA_PACKET_BYTES) {
      counters.dropped.tooLarge++;
    } else if (this.#rate.take(this.#context.clock.nowUs())) {
      this.#options.onPacket(kind, data);
    } else {
      counters.dropped.rate++;
      // A stream that lost a part is worth nothing, and only an end keeps packets from piling up before they come here.
      if (kind === 'reliable') this.#overflow('it sends more data than can be passed on');
    }
  }

  #sendOn(channel: TransportDataChannel, kind: DataKind, data: Buffer): void {
    const counters = this.#context.counters.data;
    const limit = kind === 'lossy' ? MAX_LOSSY_BACKLOG : MAX_RELIABLE_BACKLOG;
    if (channel.bufferedAmount + data.length > limit) {
      counters.dropped.backlog++;
      if (kind === 'reliable') this.#overflow('it does not take the data it is sent');
    } else if (channel.send(data)) {
      counters.packetsSent++;
      counters.bytesSent += data.length;
    } else {
      counters.dropped.noChannel++;
    }
  }

  #keep(data: Buffer): void {
    const nowUs = this.#context.clock.nowUs();
    this.#waiting.push({ data, sinceUs: nowUs });
    this.#waitingBytes += data.length;
    for (let first = this.#waiting[0]; first; first = this.#waiting[0]) {
      const late = nowUs - first.sinceUs > MAX_WAIT_US;
      if (!late && this.#waiting.length <= MAX_WAITING && this.#waitingBytes <= MAX_WAITING_BYTES) return;
      this.#waiting.shift();
      this.#waitingBytes -= first.data.length;
      this.#context.counters.data.dropped.noChannel++;
    }
  }

  #sendWaiting(): void {
    const waiting = this.#waiting;
    const channel = this.#channels.get('reliable');
    if (!channel?.open) return;
    this.#waiting = [];
    this.#waitingBytes = 0;
    const nowUs = this.#context.clock.nowUs();
    for (const { data, sinceUs } of waiting) {
      if (nowUs - sinceUs > MAX_WAIT_US) this.#context.counters.data.dropped.noChannel++;
      else this.#sendOn(channel, 'reliable', data);
    }
  }

  #overflow(reason: string): void {
    if (this.#ended) return;
    this.close();
    this.#options.onOverflow(reason);
  }
}
