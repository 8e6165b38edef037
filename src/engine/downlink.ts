import type { Clock, ClockTimer } from '../media/clock.js';
import { InboundMedia } from './inbound-media.js';
import type { InboundTrack } from './inbound-track.js';
import { answerSubscriber } from './sdp/answer.js';
import { negotiateReceived } from './sdp/negotiated.js';
import { parseSessionDescription, writeSessionDescription } from './sdp/session-description.js';
import type { SessionDescription } from './sdp/media-section.js';
import type { LiveKitSignal } from './signalling/livekit.js';
import type { TransportDescription } from './sdp/transport-description.js';
import { Transport, type TransportState } from './transport.js';

const REPLACEMENT_TIMEOUT_MS = 5000;
/** Offers and candidates that wait for those before them; a server that sends more is not followed. */
const MAX_NEGOTIATIONS = 256;

export interface DownlinkOptions {
  readonly clock: Clock;
  readonly signal: LiveKitSignal;
  readonly bindAddress: string | undefined;
  /** The way to the server and back in µs as others measured it; 0 while it is not known. */
  readonly roundTripUs: () => number;
  readonly onFault: (error: unknown) => void;
  /** The transport broke. */
  readonly onFailed: () => void;
}

/** The subscribing side of a participant: one transport, described by the server's offers, and the tracks that come in on it. */
export class Downlink {
  readonly #options: DownlinkOptions;
  readonly #media: InboundMedia;
  #transport: Transport | undefined;
  #remoteUfrag = '';
  #remoteFingerprint = '';
  #version = 0;
  #negotiation: Promise<void> = Promise.resolve();
  #negotiations = 0;
  #replacementTimer: ClockTimer | undefined;
  #closed = false;

  constructor(options: DownlinkOptions) {
    this.#options = options;
    const { clock, roundTripUs, onFault } = options;
    this.#media = new InboundMedia({
      clock,
      roundTripUs,
      onError: onFault,
      send: (packet) => this.#transport?.send(packet),
    });
  }

  get tracks(): IterableIterator<InboundTrack> {
    return this.#media.tracks;
  }

  /** Packets that belong to no track, or to another stream than its track's. */
  get packetsDiscarded(): number {
    return this.#media.packetsDiscarded;
  }

  /** undefined before the server's first offer. */
  get transportState(): TransportState | undefined {
    return this.#transport?.state;
  }

  /** The way to the server and back, in µs; 0 while it is not known. */
  get roundTripUs(): number {
    return this.#media.roundTripUs;
  }

  /** The receiver of a track; made when it is asked for, whether or not the server sends it already. Those of one participant share a time line. */
  track(trackSid: string, kind: 'audio' | 'video', participantSid: string): InboundTrack {
    return this.#media.track(trackSid, kind, participantSid);
  }

  /** Lets a track go that has left the session. */
  forget(trackSid: string): void {
    this.#media.forget(trackSid);
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

  async close(): Promise<void> {
    this.#closed = true;
    this.#media.close();
    // A transport that is being made is there after this.
    await this.#negotiation;
    this.#replacementTimer?.cancel();
    await this.#transport?.close();
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
    if (this.#closed) return;
    const offer = parseSessionDescription(sdp);
    const transport = await this.#transportFor(offer);
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
    if (this.#restartsIce(remote)) this.#options.onFailed();
    this.#replacementTimer?.cancel();
    await this.#transport?.close();
    this.#remoteUfrag = remote.iceUfrag;
    this.#remoteFingerprint = remote.fingerprint.value;
    this.#transport = await Transport.answer(remote, {
      name: 'subscriber',
      dataChannels: remote.dataChannel !== undefined,
      // The server is active wherever it leaves the choice: two libraries that wait for each other lose a second.
      dtlsRole: remote.setup === 'passive' ? 'active' : 'passive',
      ...(this.#options.bindAddress !== undefined && { bindAddress: this.#options.bindAddress }),
      onPacket: (packet) => {
        this.#media.receive(packet);
      },
      onState: (state) => {
        if (state === 'failed') this.#awaitReplacement();
      },
      onFault: this.#options.onFault,
    });
    this.#media.restart();
    return this.#transport;
  }

  /**
   * A server that starts ICE anew under a DTLS connection that it keeps, as LiveKit's does when signalling is back: the native
   * library can do neither that nor take the connection over to another transport.
   */
  #restartsIce(remote: TransportDescription): boolean {
    return this.#transport?.state === 'connected' && remote.fingerprint.value === this.#remoteFingerprint;
  }

  /** A server offers a new transport for one that broke; when it does not, the session is lost. */
  #awaitReplacement(): void {
    this.#replacementTimer?.cancel();
    this.#replacementTimer = this.#options.clock.after(REPLACEMENT_TIMEOUT_MS, () => {
      this.#options.onFailed();
    });
  }
}
