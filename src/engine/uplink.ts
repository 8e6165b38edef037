import { randomUUID } from 'node:crypto';
import type { SubscribedQualityUpdate, TrackPublishedResponse, VideoQuality } from '@livekit/protocol';
import type { Clock } from '../media/clock.js';
import { SluiceError } from '../media/errors.js';
import { DataLink, RELIABLE_CHANNEL } from './data-link.js';
import type { OutboundStream } from './outbound-stream.js';
import { isRtcp } from './rtp/packet.js';
import { negotiateSent, type SentSection } from './sdp/negotiated.js';
import { offerPublisher } from './sdp/offer.js';
import { parseSessionDescription, writeSessionDescription } from './sdp/session-description.js';
import type { LiveKitSignal } from './signalling/livekit.js';
import type { Ticker } from './ticker.js';
import { Transport, type TransportState } from './transport.js';
import { UplinkSender } from './uplink-sender.js';
import { UplinkEntry, type UplinkTrack } from './uplink-track.js';
import { Waits, sessionLeft } from './waits.js';

/** Longest wait for the server to take a track, or to answer an offer, in ms. */
const ANSWER_TIMEOUT_MS = 10_000;
/** With the data channel, as many m-lines as descriptions may have. */
const MAX_TRACKS = 63;
/** Candidates of the server that are kept until its first answer. */
const MAX_EARLY_CANDIDATES = 64;

export interface UplinkOptions {
  readonly clock: Clock;
  /** A beat of a few milliseconds, for pacing. */
  readonly ticker: Ticker;
  readonly signal: LiveKitSignal;
  readonly bindAddress: string | undefined;
  readonly onFault: (error: unknown) => void;
  /** The transport broke; nothing that is published arrives any more. */
  readonly onFailed: () => void;
  /** A data packet of the server, over a reliable channel. */
  readonly onData: (packet: Buffer) => void;
}

/** A track that the server took. */
export interface PublishedTrack {
  readonly trackSid: string;
  /** One for audio and for each layer of video; undefined for layers that the server does not take. */
  readonly streams: readonly (OutboundStream | undefined)[];
}

/** The publishing side of a participant: one transport, described by our offers, carrying all that it sends. */
export class Uplink {
  readonly #options: UplinkOptions;
  readonly #sender: UplinkSender;
  /** What is sent over the data channel. */
  readonly data = new DataLink();
  /** In the order of their m-lines. */
  readonly #entries: UplinkEntry[] = [];
  readonly #cname = randomUUID();
  readonly #pendingTracks = new Map<string, (response: TrackPublishedResponse) => void>();
  #transport: Transport | undefined;
  #accepted = false;
  #version = 0;
  #answer: { readonly id: number; readonly offer: string; resolve(sdp: string): void } | undefined;
  /** Offers follow one another: a server matches answers by order as well as by id. */
  #negotiation: Promise<void> = Promise.resolve();
  readonly #waits: Waits;
  readonly #connecting = new Set<() => void>();
  #earlyCandidates: string[] = [];
  #closed = false;
  /** Packets that came: what the server tells about those that it got. */
  received = 0;

  constructor(options: UplinkOptions) {
    const { clock, ticker } = options;
    this.#options = options;
    this.#sender = new UplinkSender(clock, ticker, this.#cname);
    this.#waits = new Waits(clock, ANSWER_TIMEOUT_MS);
  }

  /** What is sent, and how it fares. */
  get sender(): UplinkSender {
    return this.#sender;
  }

  /** The way to the server and back in µs, by its reports; undefined before one tells. */
  get roundTripUs(): number | undefined {
    return this.#sender.roundTripUs;
  }

  /** undefined before anything was published. */
  get transportState(): TransportState | undefined {
    return this.#transport?.state;
  }

  /** What the path is believed to bear, in bits per second; undefined before anything was sent. */
  get availableBps(): number | undefined {
    return this.#transport && this.#sender.availableBps;
  }

  /**
   * Publishes tracks together; media gets through when it resolves. The server is told of the tracks and of their
   * description in one go. Errors: SLUICE_PUBLISH_FAILED, SLUICE_SESSION_CLOSED.
   */
  async publish(tracks: readonly UplinkTrack[]): Promise<PublishedTrack[]> {
    const entries: UplinkEntry[] = [];
    try {
      for (const track of tracks) entries.push(this.#place(track));
      const added = entries.map((entry) => this.#addTrack(entry));
      await Promise.all([...added, this.#negotiate()]);
      const published = entries.map((entry) => publishedTrack(entry));
      await this.#connect();
      return published;
    } catch (error) {
      // None of them is published then: the server need not wait for their media.
      this.#end(entries).catch(() => undefined);
      throw error;
    }
  }

  /** Connects, whether anything is published or not: data gets through when it resolves. Errors: SLUICE_PUBLISH_FAILED, SLUICE_SESSION_CLOSED. */
  async openData(): Promise<void> {
    if (!this.#transport) await this.#negotiate();
    await this.#connect();
    await this.#waits.wait<undefined>(
      'the server did not take the data channel',
      (resolve) => {
        // What keeps it from it ends the waiting as well.
        const ready = this.data.ready().then(() => {
          resolve(undefined);
        });
        ready.catch(() => undefined);
      },
      () => undefined,
    );
  }

  /** Ends tracks; their m-lines stay, inactive, until another track takes them. */
  async unpublish(trackSids: readonly string[]): Promise<void> {
    await this.#end(this.#entries.filter((entry) => entry.active && trackSids.includes(entry.sid)));
  }

  /** Has the server tell everyone whether a track is muted. */
  mute(trackSid: string, muted: boolean): void {
    this.#options.signal.muteTrack(trackSid, muted);
  }

  onTrackPublished(response: TrackPublishedResponse): void {
    this.#pendingTracks.get(response.cid)?.(response);
    this.#pendingTracks.delete(response.cid);
  }

  /** The server tells which layers of a track anybody takes. */
  onSubscribedQuality({ trackSid, subscribedCodecs }: SubscribedQualityUpdate): void {
    const entry = this.#entries.find((one) => one.active && one.sid === trackSid);
    if (entry?.track.kind !== 'video') return;
    const codec = subscribedCodecs.find((one) => one.codec.toLowerCase().endsWith(entry.track.videoCodec));
    if (!codec) return;
    const enabled = new Set<VideoQuality>();
    for (const { quality, enabled: taken } of codec.qualities) if (taken) enabled.add(quality);
    entry.track.onWanted(entry.wantedLayers(enabled));
  }

  /** Signalling is back: what waits for the server, which may not have heard of it, is said again. */
  resume(): void {
    const { signal } = this.#options;
    for (const entry of this.#entries) if (this.#pendingTracks.has(entry.cid)) signal.addTrack(entry.request());
    if (this.#answer) signal.sendOffer(this.#answer.offer, this.#answer.id);
  }

  onAnswer(sdp: string, id: number): void {
    // Servers that do not know ids leave 0.
    if (this.#answer && (id === 0 || id === this.#answer.id)) this.#answer.resolve(sdp);
  }

  onCandidate(candidate: string): void {
    if (this.#accepted) this.#transport?.addRemoteCandidate(candidate);
    else if (this.#earlyCandidates.length < MAX_EARLY_CANDIDATES) this.#earlyCandidates.push(candidate);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#waits.close();
    this.data.close();
    // A transport that is being made is there after this.
    await this.#negotiation;
    this.#sender.close();
    await this.#transport?.close();
  }

  /** Gives a track its m-line: one that has become free, or a new one. Mid 0 is the data channel's. */
  #place(track: UplinkTrack): UplinkEntry {
    const free = this.#entries.findIndex((entry) => entry.released && entry.track.kind === track.kind);
    const freed = this.#entries[free];
    if (!freed && this.#entries.length >= MAX_TRACKS) {
      throw new SluiceError('SLUICE_PUBLISH_FAILED', `a participant publishes at most ${MAX_TRACKS} tracks`);
    }
    const entry = new UplinkEntry(track, freed?.mid ?? String(this.#entries.length + 1));
    if (!freed) this.#entries.push(entry);
    else this.#entries[free] = entry;
    return entry;
  }

  async #addTrack(entry: UplinkEntry): Promise<void> {
    await this.#waits.wait<undefined>(
      'the server did not take the track; its token may not grant publishing',
      (resolve) => {
        this.#pendingTracks.set(entry.cid, ({ track }) => {
          entry.sid = track?.sid ?? '';
          resolve(undefined);
        });
        this.#options.signal.addTrack(entry.request());
      },
      () => this.#pendingTracks.delete(entry.cid),
    );
  }

  async #end(entries: readonly UplinkEntry[]): Promise<void> {
    for (const entry of entries) {
      this.#sender.remove(entry);
      entry.end();
    }
    if (entries.length === 0 || this.#closed) return;
    await this.#negotiate().catch((error: unknown) => {
      if (!this.#closed) throw error;
    });
  }

  #negotiate(): Promise<void> {
    const next = this.#negotiation.then(() => this.#offerOnce());
    this.#negotiation = next.catch(() => undefined);
    return next;
  }

  async #offerOnce(): Promise<void> {
    if (this.#closed) throw sessionLeft();
    const transport = (this.#transport ??= await this.#open());
    const id = ++this.#version;
    const entries = [...this.#entries];
    const offer = offerPublisher({
      transport: { ...transport.local, setup: 'actpass', candidates: this.#accepted ? transport.local.candidates : [] },
      sections: entries.map((entry) => entry.offered(this.#cname)),
      dataMid: '0',
      sessionVersion: id,
    });
    const sdp = await this.#waits.wait<string>(
      'the server did not answer the offer',
      (resolve) => {
        const text = writeSessionDescription(offer);
        this.#answer = { id, offer: text, resolve };
        this.#options.signal.sendOffer(text, id);
      },
      () => {
        this.#answer = undefined;
      },
    );
    const answer = parseSessionDescription(sdp);
    if (!this.#accepted) {
      transport.accept(answer.transport);
      this.#accepted = true;
      for (const candidate of this.#earlyCandidates.splice(0)) transport.addRemoteCandidate(candidate);
      for (const candidate of transport.local.candidates) this.#options.signal.sendCandidate('publisher', candidate);
    }
    this.#apply(entries, negotiateSent(offer, answer));
  }

  /** Waits until media gets through: what is sent before is lost. */
  async #connect(): Promise<void> {
    if (this.#transport?.state === 'connected') return;
    let connected = (): void => undefined;
    await this.#waits.wait<undefined>(
      'no media connection to the server could be made',
      (resolve) => {
        connected = () => {
          resolve(undefined);
        };
        this.#connecting.add(connected);
      },
      () => this.#connecting.delete(connected),
    );
  }

  /** Opens the streams of the tracks that were in the offer and that the answer takes. */
  #apply(entries: readonly UplinkEntry[], sections: ReadonlyMap<string, SentSection>): void {
    for (const entry of entries) {
      const section = sections.get(entry.mid);
      // Not offered as ended if it has ended since.
      if (!section && !entry.active) entry.released = true;
      if (!entry.active || entry.streams.length > 0 || !section?.accepted) continue;
      this.#sender.add(entry, section);
    }
  }

  async #open(): Promise<Transport> {
    const transport = await Transport.offer({
      name: 'publisher',
      dataChannels: true,
      channelLabel: RELIABLE_CHANNEL,
      dtlsRole: 'passive',
      ...(this.#options.bindAddress !== undefined && { bindAddress: this.#options.bindAddress }),
      onPacket: (packet) => {
        this.received++;
        if (isRtcp(packet)) this.#sender.receive(packet);
      },
      onState: (state) => {
        if (state === 'connected') for (const connected of [...this.#connecting]) connected();
        if (state === 'failed') this.#options.onFailed();
      },
      onFault: this.#options.onFault,
    });
    this.#sender.attach(transport);
    const { channel } = transport;
    if (channel) {
      channel.onMessage = this.#options.onData;
      this.data.attach(channel);
    }
    return transport;
  }
}

function publishedTrack({ sid, streams, track }: UplinkEntry): PublishedTrack {
  if (streams.length === 0) {
    throw new SluiceError('SLUICE_PUBLISH_FAILED', `the server does not take ${track.kind} in this codec`);
  }
  return { trackSid: sid, streams };
}
