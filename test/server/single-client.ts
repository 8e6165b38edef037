import {
  type AddTrackRequest,
  ConnectionSettings,
  JoinRequest,
  SessionDescription,
  WrappedJoinRequest,
  WrappedJoinRequest_Compression,
} from '@livekit/protocol';
import { gzipSync } from 'node:zlib';
import { isRtcp } from '../../src/engine/rtp/packet.js';
import type { MediaSection, SessionDescription as Description } from '../../src/engine/sdp/media-section.js';
import { type OfferedTrack, offerPublisher } from '../../src/engine/sdp/offer.js';
import { parseSessionDescription, writeSessionDescription } from '../../src/engine/sdp/session-description.js';
import { Transport } from '../../src/engine/transport.js';
import { RawClient } from './raw-client.js';

/** Field 4 of SessionDescription, a map that the protocol's package does not know. */
const MID_TO_TRACK_ID = 4;

type Sent = Pick<OfferedTrack, 'kind' | 'codec' | 'payloadType' | 'ssrc' | 'rtxPayloadType' | 'rtxSsrc'>;

/** A client with one connection for both ways: it alone offers, and receives in m-lines that it offers for that. */
export class SingleClient {
  readonly signal: RawClient;
  readonly transport: Transport;
  /** RTP packets that came. */
  readonly received: Buffer[];
  readonly #sections: MediaSection[];
  readonly #wake: () => void;
  #offerId = 1;

  private constructor(
    signal: RawClient,
    transport: Transport,
    received: Buffer[],
    sections: MediaSection[],
    wake: () => void,
  ) {
    this.signal = signal;
    this.transport = transport;
    this.received = received;
    this.#sections = sections;
    this.#wake = wake;
  }

  /** Joins with an offer of so many m-lines to receive in; the answer to it is still to be taken. */
  static async join(url: string, token: string, receive: { audio: number; video: number }): Promise<SingleClient> {
    const received: Buffer[] = [];
    const waking = { wake: (): void => undefined };
    const transport = await Transport.offer({
      name: 'raw-single',
      bindAddress: '127.0.0.1',
      dataChannels: false,
      dtlsRole: 'passive',
      onPacket: (packet) => {
        if (!isRtcp(packet)) received.push(packet);
        waking.wake();
      },
      onState: () => {
        waking.wake();
      },
      onFault: (error) => {
        throw error;
      },
    });
    const sections: MediaSection[] = [];
    addReceiving(sections, receive);
    const publisherOffer = new SessionDescription({ type: 'offer', sdp: offerOf(transport, sections), id: 1 });
    const request = new JoinRequest({
      publisherOffer,
      connectionSettings: new ConnectionSettings({ autoSubscribe: true }),
    });
    const signal = await RawClient.open(url, token, `&join_request=${packJoin(request)}`, '/rtc/v1');
    waking.wake = () => {
      signal.wake();
    };
    await signal.next('join');
    return new SingleClient(signal, transport, received, sections, waking.wake);
  }

  /** Takes the next answer: what it says of each m-line, and the tracks by mid. */
  async answer(): Promise<{ sections: Map<string, MediaSection>; trackIds: Map<string, string> }> {
    const message = await this.signal.next('answer', ({ id }) => id === this.#offerId);
    const answer = parseSessionDescription(message.sdp);
    if (this.transport.state === 'new' || this.transport.state === 'connecting') {
      this.transport.accept({ ...answer.transport, candidates: [] });
      for (const candidate of answer.transport.candidates) this.transport.addRemoteCandidate(candidate);
    }
    await this.signal.until(() => this.transport.state === 'connected');
    return { sections: new Map(answer.sections.map((one) => [one.mid, one])), trackIds: trackIdsOf(message) };
  }

  /** Offers again, with so many m-lines more to receive in. */
  offer(receive: { audio: number; video: number } = { audio: 0, video: 0 }): void {
    addReceiving(this.#sections, receive);
    const sdp = offerOf(this.transport, this.#sections);
    this.signal.send('offer', new SessionDescription({ type: 'offer', sdp, id: ++this.#offerId }));
  }

  /** Announces a track and offers it; gives its mid. */
  async publish(request: Partial<AddTrackRequest> & { cid: string; type: number }, track: Sent): Promise<string> {
    this.signal.send('addTrack', request as AddTrackRequest);
    await this.signal.next('trackPublished');
    const mid = String(this.#sections.length);
    const names = { streamId: 'stream', trackId: request.cid, cname: 'raw' };
    const { sections } = offerPublisher({
      transport: this.transport.local,
      sections: [{ ...track, ...names, mid, active: true }],
    });
    this.#sections.push(...sections);
    this.offer();
    return mid;
  }

  async close(): Promise<void> {
    await this.signal.close();
    await this.transport.close();
    this.#wake();
  }
}

/** A join request as it stands in the address. */
export function packJoin(request: JoinRequest, compression = WrappedJoinRequest_Compression.GZIP): string {
  const bytes = request.toBinary();
  const joinRequest = compression === WrappedJoinRequest_Compression.GZIP ? gzipSync(bytes) : bytes;
  return Buffer.from(new WrappedJoinRequest({ joinRequest, compression }).toBinary()).toString('base64url');
}

function addReceiving(sections: MediaSection[], { audio, video }: { audio: number; video: number }): void {
  for (let i = 0; i < audio; i++) sections.push(receiving(String(sections.length), 'audio'));
  for (let i = 0; i < video; i++) sections.push(receiving(String(sections.length), 'video'));
}

/** Payload types and extension ids of its own: an answer has to take them over. */
function receiving(mid: string, kind: 'audio' | 'video'): MediaSection {
  const audio = kind === 'audio';
  const feedback = ['nack', 'nack pli', 'goog-remb', 'transport-cc'];
  return {
    mid,
    kind,
    direction: 'recvonly',
    rejected: false,
    codecs: audio
      ? [{ payloadType: 63, name: 'opus', clockRate: 48_000, channels: 2, fmtp: { minptime: '10' }, feedback: [] }]
      : [
          { payloadType: 98, name: 'vp8', clockRate: 90_000, fmtp: {}, feedback },
          { payloadType: 99, name: 'rtx', clockRate: 90_000, fmtp: { apt: '98' }, feedback: [] },
        ],
    extensions: [
      { id: 9, uri: 'urn:ietf:params:rtp-hdrext:sdes:mid' },
      { id: 12, uri: 'http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time' },
    ],
    rids: [],
    ssrcs: [],
    ssrcGroups: [],
  };
}

function offerOf(transport: Transport, sections: readonly MediaSection[]): string {
  const description: Description = {
    sessionId: '1',
    sessionVersion: 1,
    transport: { ...transport.local, setup: 'actpass', candidates: [] },
    sections,
    extmapAllowMixed: false,
  };
  return writeSessionDescription(description);
}

function trackIdsOf(message: SessionDescription): Map<string, string> {
  const ids = new Map<string, string>();
  for (const { no, data } of SessionDescription.runtime.bin.listUnknownFields(message)) {
    // A length, then two short texts: tag, length, bytes.
    const [keyLength = 0] = data.subarray(2);
    const [, valueLength = 0] = data.subarray(3 + keyLength);
    const text = (from: number, length: number): string => Buffer.from(data.subarray(from, from + length)).toString();
    if (no === MID_TO_TRACK_ID) ids.set(text(3, keyLength), text(5 + keyLength, valueLength));
  }
  return ids;
}
