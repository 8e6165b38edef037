import type { DataChannel, PeerConnection, Track } from 'node-datachannel';
import { SluiceError } from '../media/errors.js';
import { type NativeLease, acquireNative, guard, retainUntilClosed } from './native.js';
import { type TransportDescription, readTransportSdp, writeTransportSdp } from './sdp/transport-description.js';

/** `new` until both descriptions are known; `failed` and `closed` are final. */
export type TransportState = 'new' | 'connecting' | 'connected' | 'failed' | 'closed';

export interface TransportOptions {
  /** Shows up in the native library's log. */
  readonly name: string;
  /** Local address to bind; all interfaces when left out. It must be one of this machine: the native library aborts on others. */
  readonly bindAddress?: string;
  /** UDP port shared with other transports; it must be held by a UdpMux. An ephemeral port when left out. */
  readonly udpPort?: number;
  /** Have an SCTP association for data channels. */
  readonly dataChannels: boolean;
  /** Label of the reliable channel that the offering side opens with it. */
  readonly channelLabel?: string;
  /** The DTLS role to take when answering, and to be described with when offering; `active` sends the ClientHello. */
  readonly dtlsRole: 'active' | 'passive';
  /** Every RTP and RTCP packet, decrypted. The buffer belongs to the callee. Exceptions are caught and reported by `onFault`. */
  readonly onPacket: (packet: Buffer) => void;
  readonly onState: (state: TransportState) => void;
  /** A data channel that the other side opened, ready to use. */
  readonly onDataChannel?: (channel: TransportDataChannel) => void;
  /** The longest message that is taken, in bytes; the other side is told. Default 256 KiB. Longer ones are cut off there. */
  readonly maxMessageBytes?: number;
  /** An exception thrown by one of these callbacks. */
  readonly onFault: (error: unknown) => void;
}

/** One data channel. All methods are safe after close. */
export interface TransportDataChannel {
  readonly label: string;
  /** Messages can be sent. */
  readonly open: boolean;
  /** Bytes that `send` took and that have not left yet. */
  readonly bufferedAmount: number;
  onMessage: ((data: Buffer) => void) | undefined;
  /** Called once, also for a channel that was open from the beginning. */
  onOpen: (() => void) | undefined;
  /** Called when most of what was buffered has left. */
  onRoom: (() => void) | undefined;
  onClosed: (() => void) | undefined;
  /** Sends a message or keeps it until it can be sent; false when the channel is not open, or the message longer than the other side takes. */
  send(data: Buffer): boolean;
  close(): void;
}

/** Channels of one transport beyond this many are closed at once: each takes memory. */
const MAX_CHANNELS = 32;

/** So many bytes that still wait in a channel, and there is room again. */
const LOW_WATER_BYTES = 16 * 1024;

/** UDP payloads above this are refused: they would be fragmented (DTLS-SRTP adds up to 30 bytes). */
const MAX_PACKET_BYTES = 1400;

/**
 * One ICE + DTLS + SRTP pipe: a PeerConnection with a single raw track that carries every RTP and RTCP packet.
 * What the packets mean, and the session descriptions that the other side sees, are the caller's.
 *
 * Exists in the media thread only. Ownership: whoever made it calls `close()`, on every path.
 */
export class Transport {
  readonly #options: TransportOptions;
  readonly #lease: NativeLease;
  readonly #pc: PeerConnection;
  // The wrapper of the track closes the native track when it is collected: hold exactly one, for as long as it lives.
  #track: Track | undefined;
  readonly #channels = new Set<DataChannel>();
  #channel: TransportDataChannel | undefined;
  #state: TransportState = 'new';
  #connected = false;
  #local: TransportDescription | undefined;
  #sendFailures = 0;

  private constructor(lease: NativeLease, options: TransportOptions) {
    this.#options = options;
    this.#lease = lease;
    this.#pc = new lease.api.PeerConnection(options.name, {
      iceServers: [],
      disableAutoNegotiation: true,
      forceMediaTransport: true,
      ...(options.maxMessageBytes !== undefined && { maxMessageSize: options.maxMessageBytes }),
      ...(options.bindAddress === undefined ? {} : { bindAddress: options.bindAddress }),
      ...(options.udpPort === undefined
        ? {}
        : { enableIceUdpMux: true, portRangeBegin: options.udpPort, portRangeEnd: options.udpPort }),
    });
    this.#pc.onStateChange(
      guard(options.onFault, (state: string) => {
        this.#onNativeState(state);
      }),
    );
    this.#pc.onDataChannel(
      guard(options.onFault, (channel: DataChannel) => {
        const adopted = this.#adoptChannel(channel);
        if (this.#channels.size > MAX_CHANNELS || this.#state === 'closed') adopted.close();
        else this.#options.onDataChannel?.(adopted);
      }),
    );
  }

  /** Makes the side that describes itself first. Its `local` description is complete when the promise resolves. */
  static async offer(options: TransportOptions): Promise<Transport> {
    const transport = new Transport(await acquireNative(), options);
    try {
      const { api } = transport.#lease;
      const video = new api.Video('0', 'SendRecv');
      video.addVP8Codec(96);
      transport.#adoptTrack(transport.#pc.addTrack(video));
      if (options.dataChannels) transport.#openFirstChannel();
      await transport.#describe('offer');
      return transport;
    } catch (error) {
      await transport.close();
      throw error;
    }
  }

  /** Makes the side that answers `remote`. Its `local` description is complete when the promise resolves. */
  static async answer(remote: TransportDescription, options: TransportOptions): Promise<Transport> {
    const transport = new Transport(await acquireNative(), options);
    try {
      const track = new Promise<void>((resolve) => {
        transport.#pc.onTrack(
          guard(options.onFault, (track: Track) => {
            transport.#adoptTrack(track);
            resolve();
          }),
        );
      });
      transport.#setRemote(remote, 'offer');
      await track;
      await transport.#describe('answer');
      return transport;
    } catch (error) {
      await transport.close();
      throw error;
    }
  }

  /** The channel that the offering side opened with the association. */
  get channel(): TransportDataChannel | undefined {
    return this.#channel;
  }

  /** ICE credentials, fingerprint and candidates of this side. */
  get local(): TransportDescription {
    if (!this.#local) throw new SluiceError('SLUICE_STATE_INVALID', 'the transport has not described itself yet');
    return this.#local;
  }

  get state(): TransportState {
    return this.#state;
  }

  /** Packets that the native library refused since the beginning. */
  get sendFailures(): number {
    return this.#sendFailures;
  }

  /**
   * Gives the offering side the answer of the other one. Errors: SLUICE_SDP_INVALID.
   *
   * The candidates of this side must not be told to the other one before: it would connect in the middle of this
   * call, where the native library does not know yet which fingerprint to expect, and the DTLS handshake would fail.
   */
  accept(remote: TransportDescription): void {
    this.#setRemote(remote, 'answer');
  }

  /**
   * Opens a data channel, ordered and reliable or neither. Only for transports with `dataChannels`.
   * Errors: SLUICE_STATE_INVALID (closed).
   */
  openChannel(label: string, { lossy }: { readonly lossy: boolean }): TransportDataChannel {
    if (this.#state === 'closed') throw new SluiceError('SLUICE_STATE_INVALID', 'the transport is closed');
    const reliability = lossy ? { unordered: true, maxRetransmits: 0 } : {};
    return this.#adoptChannel(this.#pc.createDataChannel(label, reliability));
  }

  /** Adds a candidate that came after the description; one that cannot be read is ignored. */
  addRemoteCandidate(candidate: string): void {
    if (this.#state === 'closed') return;
    try {
      this.#pc.addRemoteCandidate(candidate, '0');
    } catch (error) {
      this.#options.onFault(error);
    }
  }

  /**
   * Sends one RTP or RTCP packet. False when it could not be sent: not connected, closed, or too large.
   * Never throws; the buffer may be used again when it returns.
   */
  send(packet: Buffer): boolean {
    if (this.#state !== 'connected' || !this.#track || packet.length > MAX_PACKET_BYTES) {
      this.#sendFailures++;
      return false;
    }
    try {
      if (this.#track.sendMessageBinary(packet)) return true;
    } catch {
      // A track that closes between two packets, or a packet older than SRTP's replay window: counted below.
    }
    this.#sendFailures++;
    return false;
  }

  /** Closes track, channels and connection, in the order that the native library needs. Idempotent. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#setState('closed');
    for (const channel of this.#channels)
      attempt(() => {
        channel.close();
      });
    this.#channels.clear();
    const track = this.#track;
    if (track)
      attempt(() => {
        track.close();
      });
    attempt(() => {
      this.#pc.close();
    });
    this.#track = undefined;
    await this.#lease.release();
  }

  /** There is no data channel in an offer without one. */
  #openFirstChannel(): void {
    this.#channel = this.#adoptChannel(this.#pc.createDataChannel(this.#options.channelLabel ?? 'sluice'));
  }

  #setRemote(remote: TransportDescription, type: 'offer' | 'answer'): void {
    // The native side takes the complement of the role that the description gives the other end: an answer has chosen it.
    const wanted = this.#options.dtlsRole === 'active' ? 'passive' : 'active';
    const setup = type === 'answer' && remote.setup !== 'actpass' ? remote.setup : wanted;
    try {
      this.#pc.setRemoteDescription(
        writeTransportSdp({ ...remote, setup }, { dataChannel: this.#options.dataChannels }),
        type,
      );
    } catch (cause) {
      throw new SluiceError('SLUICE_SDP_INVALID', 'the transport refused the description of the other side', { cause });
    }
  }

  async #describe(type: 'offer' | 'answer'): Promise<void> {
    const gathered = new Promise<void>((resolve) => {
      this.#pc.onGatheringStateChange(
        guard(this.#options.onFault, (state: string) => {
          if (state === 'complete') resolve();
        }),
      );
    });
    this.#pc.setLocalDescription(type);
    if (this.#pc.gatheringState() !== 'complete') await gathered;
    const description = this.#pc.localDescription();
    if (!description) throw new SluiceError('SLUICE_ENGINE_FAILED', 'the transport did not describe itself');
    this.#local = { ...readTransportSdp(description.sdp), setup: this.#options.dtlsRole };
  }

  #adoptTrack(track: Track): void {
    this.#track = track;
    retainUntilClosed(track);
    track.onOpen(
      guard(this.#options.onFault, () => {
        this.#onNativeState('open');
      }),
    );
    track.onMessage(
      guard(this.#options.onFault, (packet: Buffer) => {
        if (this.#state !== 'closed') this.#options.onPacket(packet);
      }),
    );
  }

  #adoptChannel(channel: DataChannel): TransportDataChannel {
    const { onFault } = this.#options;
    this.#channels.add(channel);
    retainUntilClosed(channel, () => {
      this.#channels.delete(channel);
      guard(onFault, () => wrapper.onClosed?.())();
    });
    const wrapper = wrapChannel(channel);
    channel.onOpen(
      guard(onFault, () => {
        wrapper.onOpen?.();
      }),
    );
    channel.setBufferedAmountLowThreshold(LOW_WATER_BYTES);
    channel.onBufferedAmountLow(
      guard(onFault, () => {
        wrapper.onRoom?.();
      }),
    );
    channel.onMessage(
      guard(onFault, (data: string | Buffer | ArrayBuffer) => {
        if (this.#state === 'closed') return;
        wrapper.onMessage?.(typeof data === 'string' ? Buffer.from(data) : Buffer.from(data as ArrayBuffer));
      }),
    );
    return wrapper;
  }

  #onNativeState(state: string): void {
    if (this.#state === 'closed') return;
    // Connected is who can send: the track opens a moment before or after the connection.
    if (state === 'connected') this.#connected = true;
    if (state === 'connected' || state === 'open') {
      if (this.#connected && this.#track?.isOpen() === true) this.#setState('connected');
      return;
    }
    this.#connected = false;
    if (state === 'connecting' || state === 'failed') this.#setState(state);
    else if (state === 'disconnected') this.#setState('connecting');
    else if (state === 'closed') this.#setState('failed');
  }

  #setState(state: TransportState): void {
    if (this.#state === state || (this.#state === 'failed' && state !== 'closed')) return;
    this.#state = state;
    // Also called by close(), which an exception must not stop half way.
    guard(this.#options.onFault, this.#options.onState)(state);
  }
}

function wrapChannel(channel: DataChannel): TransportDataChannel {
  return {
    label: channel.getLabel(),
    get open() {
      return channel.isOpen();
    },
    get bufferedAmount() {
      return channel.bufferedAmount();
    },
    onMessage: undefined,
    onOpen: undefined,
    onRoom: undefined,
    onClosed: undefined,
    send: (data) => {
      try {
        // What it returns is whether the message left at once; what cannot be taken is an exception.
        if (!channel.isOpen()) return false;
        channel.sendMessageBinary(data);
        return true;
      } catch {
        return false;
      }
    },
    close: () => {
      attempt(() => {
        channel.close();
      });
    },
  };
}

function attempt(task: () => void): void {
  try {
    task();
  } catch {
    // Already closed on the native side.
  }
}
