import type { Clock, ClockTimer } from '../media/clock.js';
import { RELIABLE_CHANNEL } from './data-link.js';
import type { InboundMedia } from './inbound-media.js';
import { answerSubscriber } from './sdp/answer.js';
import { negotiateReceived } from './sdp/negotiated.js';
import { parseSessionDescription, writeSessionDescription } from './sdp/session-description.js';
import type { SessionDescription } from './sdp/media-section.js';
import type { LiveKitSignal } from './signalling/livekit.js';
import type { TransportDescription } from './sdp/transport-description.js';
import { Transport, type TransportDataChannel, type TransportState } from './transport.js';
import { Waits } from './waits.js';

const REPLACEMENT_TIMEOUT_MS = 5000;
/** Longest wait for a data channel of the server, in ms. */
const DATA_TIMEOUT_MS = 10_000;
/** Offers and candidates that wait for those before them; a server that sends more is not followed. */
const MAX_NEGOTIATIONS = 256;

export interface DownlinkOptions {
  readonly clock: Clock;
  readonly signal: LiveKitSignal;
  readonly bindAddress: string | undefined;
  /** Where what comes in goes; it outlives the transport. */
  readonly media: InboundMedia;
  readonly onFault: (error: unknown) => void;
  /** The transport broke. */
  readonly onFailed: () => void;
  /** The server began anew on the transport that there is, which cannot be followed. */
  readonly onRestarted: () => void;
  /** A data packet of the server, over a reliable channel. */
  readonly onData: (packet: Buffer) => void;
}

/** The subscribing side of a stay at a server: one transport, described by the server's offers. */
export class Downlink {
  readonly #options: DownlinkOptions;
  readonly #media: InboundMedia;
  /** Packets that came. */
  received = 0;
  #transport: Transport | undefined;
  #remoteUfrag = '';
  #remoteFingerprint = '';
  #version = 0;
  #negotiation: Promise<void> = Promise.resolve();
  #negotiations = 0;
  readonly #waits: Waits;
  /** The server's reliable channel is open. */
  #dataIsOpen = false;
  readonly #dataOpened = new Set<() => void>();
  #replacementTimer: ClockTimer | undefined;
  #closed = false;

  constructor(options: DownlinkOptions) {
    this.#options = options;
    this.#media = options.media;
    this.#waits = new Waits(options.clock, DATA_TIMEOUT_MS, 'SLUICE_SUBSCRIBE_FAILED');
  }

  /** undefined before the server's first offer. */
  get transportState(): TransportState | undefined {
    return this.#transport?.state;
  }

  /** Sends the server an RTCP packet. */
  send(packet: Buffer): void {
    this.#transport?.send(packet);
  }

  /** Answers an offer of the server; offers are taken one after another. */
  onOffer(sdp: string, id: number): void {
    this.#next(() => this.#answer(sdp, id));
  }

  /** Takes a candidate of the server, after the offers that came before it. */
  onCandidate(candidate: string): void {
    this.#next(() => {
      this.#transport?.addRemoteCandidate(candidate);
    });
  }

  /** Resolves when data of the server gets through. Errors: SLUICE_SUBSCRIBE_FAILED, SLUICE_SESSION_CLOSED. */
  async openData(): Promise<void> {
    if (this.#dataIsOpen) return;
    let opened = (): void => undefined;
    await this.#waits.wait<undefined>(
      'the server opened no data channel',
      (resolve) => {
        opened = () => {
          resolve(undefined);
        };
        this.#dataOpened.add(opened);
      },
      () => this.#dataOpened.delete(opened),
    );
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#waits.close();
    // A transport that is being made is there after this.
    await this.#negotiation;
    this.#replacementTimer?.cancel();
    await this.#transport?.close();
  }

  #isClosed(): boolean {
    return this.#closed;
  }

  #next(task: () => Promise<void> | void): void {
    if (this.#negotiations >= MAX_NEGOTIATIONS) return;
    this.#negotiations++;
    this.#negotiation = this.#negotiation
      .then(task)
      .catch(this.#options.onFault)
      .finally(() => this.#negotiations--);
  }

  async #answer(sdp: string, id: number): Promise<void> {
    if (this.#isClosed()) return;
    const offer = parseSessionDescription(sdp);
    if (this.#restartsIce(offer.transport)) {
      this.#options.onRestarted();
      return;
    }
    const transport = await this.#transportFor(offer);
    // Closed meanwhile: what is received is another link's.
    if (this.#isClosed()) return;
    const answer = answerSubscriber(offer, {
      transport: transport.local,
      dataChannel: true,
      transportCc: true,
      sessionVersion: ++this.#version,
    });
    this.#media.setSections(negotiateReceived(offer, answer).values());
    this.#options.signal.sendAnswer(writeSessionDescription(answer), id);
  }

  /** The transport of an offer: the one that is there, or a new one when the server describes another. */
  async #transportFor(offer: SessionDescription): Promise<Transport> {
    const remote = offer.transport;
    if (this.#transport && remote.iceUfrag === this.#remoteUfrag) return this.#transport;
    this.#replacementTimer?.cancel();
    await this.#transport?.close();
    this.#dataIsOpen = false;
    this.#remoteUfrag = remote.iceUfrag;
    this.#remoteFingerprint = remote.fingerprint.value;
    this.#transport = await Transport.answer(remote, {
      name: 'subscriber',
      dataChannels: remote.dataChannel !== undefined,
      // The server is active wherever it leaves the choice: two libraries that wait for each other lose a second.
      dtlsRole: remote.setup === 'passive' ? 'active' : 'passive',
      ...(this.#options.bindAddress !== undefined && { bindAddress: this.#options.bindAddress }),
      onPacket: (packet) => {
        this.received++;
        this.#media.receive(packet);
      },
      onState: (state) => {
        if (state === 'failed') this.#awaitReplacement();
      },
      onDataChannel: (channel) => {
        if (channel.label === RELIABLE_CHANNEL) this.#takeData(channel);
      },
      onFault: this.#options.onFault,
    });
    this.#media.restart();
    return this.#transport;
  }

  #takeData(channel: TransportDataChannel): void {
    const open = (): void => {
      this.#dataIsOpen = true;
      for (const opened of [...this.#dataOpened]) opened();
    };
    channel.onMessage = this.#options.onData;
    channel.onOpen = open;
    if (channel.open) open();
  }

  /**
   * A server that starts ICE anew under a DTLS connection that it keeps, as LiveKit's does when signalling is back: the native
   * library can do neither that nor take the connection over to another transport.
   */
  #restartsIce(remote: TransportDescription): boolean {
    return (
      this.#transport?.state === 'connected' &&
      remote.iceUfrag !== this.#remoteUfrag &&
      remote.fingerprint.value === this.#remoteFingerprint
    );
  }

  /** A server offers a new transport for one that broke; when it does not, the session is lost. */
  #awaitReplacement(): void {
    this.#replacementTimer?.cancel();
    this.#replacementTimer = this.#options.clock.after(REPLACEMENT_TIMEOUT_MS, () => {
      this.#options.onFailed();
    });
  }
}
