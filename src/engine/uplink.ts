import { randomBytes, randomUUID } from 'node:crypto';
import { AddTrackRequest, TrackSource, TrackType, type TrackPublishedResponse } from '@livekit/protocol';
import type { Clock, ClockTimer } from '../media/clock.js';
import type { VideoCodec } from '../media/encoded-chunk.js';
import { SluiceError } from '../media/errors.js';
import { OutboundStream } from './outbound-stream.js';
import { PacketPort } from './packet-port.js';
import { isRtcp } from './rtp/packet.js';
import { parseRtcp, type RtcpReport } from './rtp/rtcp.js';
import { writeCompound, writeSourceDescription } from './rtp/rtcp-writer.js';
import { negotiateSent, type SentSection } from './sdp/negotiated.js';
import { OFFERED_PAYLOAD_TYPES, offerPublisher, type OfferedTrack } from './sdp/offer.js';
import { parseSessionDescription, writeSessionDescription } from './sdp/session-description.js';
import type { LiveKitSignal } from './signalling/livekit.js';
import type { Ticker } from './ticker.js';
import { Transport } from './transport.js';
import { Waits, sessionLeft } from './waits.js';

/** Longest wait for the server to take a track, or to answer an offer, in ms. */
const ANSWER_TIMEOUT_MS = 10_000;
const REPORT_INTERVAL_MS = 500;
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
}

/** One track that is offered to the server. */
export interface UplinkTrack {
  readonly kind: 'audio' | 'video';
  /** The stream that it belongs to, as others see it. */
  readonly streamName: string;
  readonly stereo: boolean;
  readonly dtx: boolean;
  readonly videoCodec: VideoCodec;
  readonly width: number;
  readonly height: number;
  onKeyFrameRequest(): void;
  /** The receiver's estimate of what can be sent, in bits per second. */
  onBitrateCap(bps: number): void;
}

/** A track that the server took. */
export interface PublishedTrack {
  readonly trackSid: string;
  readonly stream: OutboundStream;
}

interface Entry {
  readonly track: UplinkTrack;
  readonly cid: string;
  readonly ssrc: number;
  readonly rtxSsrc: number;
  readonly mid: string;
  active: boolean;
  sid: string;
  stream: OutboundStream | undefined;
}

/** The publishing side of a participant: one transport, described by our offers, carrying all that it sends. */
export class Uplink {
  readonly #options: UplinkOptions;
  readonly #port: PacketPort;
  readonly #entries: Entry[] = [];
  readonly #bySsrc = new Map<number, Entry>();
  readonly #cname = randomUUID();
  readonly #pendingTracks = new Map<string, (response: TrackPublishedResponse) => void>();
  #transport: Transport | undefined;
  #accepted = false;
  #version = 0;
  #answer: { readonly id: number; resolve(sdp: string): void } | undefined;
  /** Offers follow one another: a server matches answers by order as well as by id. */
  #negotiation: Promise<void> = Promise.resolve();
  readonly #waits: Waits;
  readonly #connecting = new Set<() => void>();
  #earlyCandidates: string[] = [];
  #reportTimer: ClockTimer | undefined;
  #closed = false;
  /** Mid 0 is the data channel's. */
  #lastMid = 0;

  constructor(options: UplinkOptions) {
    this.#options = options;
    this.#port = new PacketPort(options.clock, options.ticker);
    this.#waits = new Waits(options.clock, ANSWER_TIMEOUT_MS);
  }

  get streams(): OutboundStream[] {
    return this.#entries.flatMap((entry) => (entry.active && entry.stream ? [entry.stream] : []));
  }

  /** Publishes tracks together; media gets through when it resolves. Errors: SLUICE_PUBLISH_FAILED, SLUICE_SESSION_CLOSED. */
  async publish(tracks: readonly UplinkTrack[]): Promise<PublishedTrack[]> {
    const entries: Entry[] = [];
    for (const track of tracks) {
      const entry = this.#entry(track);
      entry.sid = await this.#addTrack(entry);
      entries.push(entry);
    }
    this.#entries.push(...entries);
    for (const entry of entries) entry.active = true;
    try {
      await this.#negotiate();
      const published = entries.map((entry) => publishedTrack(entry));
      await this.#connect();
      return published;
    } catch (error) {
      // None of them is published then: the server need not wait for their media.
      this.unpublish(entries.map((entry) => entry.sid)).catch(() => undefined);
      throw error;
    }
  }

  /** Ends tracks; their m-lines stay, inactive. */
  async unpublish(trackSids: readonly string[]): Promise<void> {
    let changed = false;
    for (const entry of this.#entries) {
      if (!entry.active || !trackSids.includes(entry.sid)) continue;
      entry.active = false;
      if (entry.stream) this.#bySsrc.delete(entry.ssrc);
      entry.stream = undefined;
      changed = true;
    }
    if (!changed || this.#closed) return;
    await this.#negotiate().catch((error: unknown) => {
      if (!this.#closed) throw error;
    });
  }

  onTrackPublished(response: TrackPublishedResponse): void {
    this.#pendingTracks.get(response.cid)?.(response);
    this.#pendingTracks.delete(response.cid);
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
    // A transport that is being made is there after this.
    await this.#negotiation;
    this.#reportTimer?.cancel();
    this.#port.close();
    await this.#transport?.close();
  }

  #entry(track: UplinkTrack): Entry {
    return {
      track,
      cid: `TR_${randomUUID()}`,
      ssrc: randomBytes(4).readUInt32BE() || 1,
      rtxSsrc: randomBytes(4).readUInt32BE() || 1,
      mid: String(++this.#lastMid),
      active: false,
      sid: '',
      stream: undefined,
    };
  }

  async #addTrack(entry: Entry): Promise<string> {
    const { track, cid } = entry;
    const audio = track.kind === 'audio';
    const response = await this.#waits.wait<TrackPublishedResponse>(
      'the server did not take the track; its token may not grant publishing',
      (resolve) => {
        this.#pendingTracks.set(cid, resolve);
        this.#options.signal.addTrack(
          new AddTrackRequest({
            cid,
            name: track.streamName,
            type: audio ? TrackType.AUDIO : TrackType.VIDEO,
            source: audio ? TrackSource.MICROPHONE : TrackSource.CAMERA,
            stream: track.streamName,
            disableRed: true,
            ...(audio
              ? { disableDtx: !track.dtx, stereo: track.stereo }
              : { width: track.width, height: track.height }),
          }),
        );
      },
      () => this.#pendingTracks.delete(cid),
    );
    return response.track?.sid ?? '';
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
    const offer = offerPublisher({
      transport: { ...transport.local, setup: 'actpass', candidates: this.#accepted ? transport.local.candidates : [] },
      sections: this.#entries.map((entry) => offeredTrack(entry, this.#cname)),
      dataMid: '0',
      transportCc: false,
      sessionVersion: id,
    });
    const sdp = await this.#waits.wait<string>(
      'the server did not answer the offer',
      (resolve) => {
        this.#answer = { id, resolve };
        this.#options.signal.sendOffer(writeSessionDescription(offer), id);
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
    this.#apply(negotiateSent(offer, answer));
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

  #apply(sections: ReadonlyMap<string, SentSection>): void {
    for (const entry of this.#entries) {
      const section = sections.get(entry.mid);
      if (!entry.active || entry.stream || !section?.accepted) continue;
      const wanted = entry.track.kind === 'audio' ? 'opus' : entry.track.videoCodec;
      const codec = section.codecs.find((one) => one.name === wanted);
      if (!codec) continue;
      const { mid, absSendTime, audioLevel } = section.extensions;
      entry.stream = new OutboundStream({
        clock: this.#options.clock,
        sink: this.#port,
        clockRate: codec.clockRate,
        header: {
          payloadType: codec.payloadType,
          ssrc: entry.ssrc,
          ...(mid !== undefined && { mid: { id: mid, value: entry.mid } }),
          ...(absSendTime !== undefined && { absSendTimeId: absSendTime }),
          ...(audioLevel !== undefined && { audioLevelId: audioLevel }),
        },
        ...(codec.rtxPayloadType !== undefined && { rtx: { ssrc: entry.rtxSsrc, payloadType: codec.rtxPayloadType } }),
      });
      this.#bySsrc.set(entry.ssrc, entry);
    }
  }

  async #open(): Promise<Transport> {
    const transport = await Transport.offer({
      name: 'publisher',
      dataChannels: true,
      dtlsRole: 'passive',
      ...(this.#options.bindAddress !== undefined && { bindAddress: this.#options.bindAddress }),
      onPacket: (packet) => {
        if (isRtcp(packet)) for (const report of parseRtcp(packet)) this.#receive(report);
      },
      onState: (state) => {
        if (state === 'connected') for (const connected of [...this.#connecting]) connected();
        if (state === 'failed') this.#options.onFailed();
      },
      onFault: this.#options.onFault,
    });
    this.#port.attach(transport);
    this.#scheduleReports();
    return transport;
  }

  #receive(report: RtcpReport): void {
    switch (report.type) {
      case 'rr':
      case 'sr':
        for (const block of report.blocks) this.#bySsrc.get(block.ssrc)?.stream?.receiveReportBlock(block);
        break;
      case 'nack':
        this.#bySsrc.get(report.mediaSsrc)?.stream?.retransmit(report);
        break;
      case 'pli':
        this.#bySsrc.get(report.mediaSsrc)?.track.onKeyFrameRequest();
        break;
      case 'fir':
        for (const entry of report.entries) this.#bySsrc.get(entry.ssrc)?.track.onKeyFrameRequest();
        break;
      case 'remb':
        for (const ssrc of report.ssrcs) this.#bySsrc.get(ssrc)?.track.onBitrateCap(report.bitrateBps);
        break;
      default:
    }
  }

  #scheduleReports(): void {
    this.#reportTimer = this.#options.clock.after(REPORT_INTERVAL_MS, () => {
      for (const stream of this.streams) {
        const report = stream.senderReport();
        if (report) this.#port.sendControl(writeCompound([report, writeSourceDescription(stream.ssrc, this.#cname)]));
      }
      this.#scheduleReports();
    });
  }
}

function publishedTrack({ sid, stream, track }: Entry): PublishedTrack {
  if (!stream) throw new SluiceError('SLUICE_PUBLISH_FAILED', `the server does not take ${track.kind} in this codec`);
  return { trackSid: sid, stream };
}

function offeredTrack(entry: Entry, cname: string): OfferedTrack {
  const { track, mid, ssrc, rtxSsrc, active, cid } = entry;
  const common = {
    mid,
    kind: track.kind,
    ssrc,
    streamId: track.streamName.replace(/\s/g, '_'),
    trackId: cid,
    cname,
    active,
  };
  const types = OFFERED_PAYLOAD_TYPES;
  if (track.kind === 'audio') {
    return {
      ...common,
      codec: 'opus',
      payloadType: types.opus,
      opus: { stereo: track.stereo, dtx: track.dtx, fec: true },
    };
  }
  return track.videoCodec === 'vp8'
    ? { ...common, rtxSsrc, codec: 'vp8', payloadType: types.vp8, rtxPayloadType: types.vp8Rtx }
    : { ...common, rtxSsrc, codec: 'h264', payloadType: types.h264, rtxPayloadType: types.h264Rtx };
}
