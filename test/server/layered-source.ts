import { RtpPacket } from '../../src/engine/rtp/packet.js';
import { writeRtp } from '../../src/engine/rtp/packet-writer.js';
import type { NegotiatedCodec, ReceivedSection, SentSection } from '../../src/engine/sdp/negotiated.js';
import { UpStream } from '../../src/server/forwarding/up-stream.js';
import { UpTrack } from '../../src/server/forwarding/up-track.js';

export const VP8: NegotiatedCodec = {
  name: 'vp8',
  payloadType: 120,
  rtxPayloadType: 121,
  clockRate: 90_000,
  fmtp: {},
  feedback: ['nack', 'nack pli'],
};

/** What a publisher of three layers has agreed on. */
export const PUBLISHED: ReceivedSection = {
  mid: '7',
  kind: 'video',
  active: true,
  codecs: new Map([[120, VP8]]),
  rtx: new Map([[121, 120]]),
  extensions: {},
  rids: ['q', 'h', 'f'],
  ssrcs: [],
  rtxSsrcs: new Map(),
};

/** What a subscriber has agreed on. */
export const SUBSCRIBED: SentSection = {
  mid: '3',
  kind: 'video',
  accepted: true,
  codecs: [{ ...VP8, payloadType: 96, rtxPayloadType: 97 }],
  extensions: { mid: 4, absSendTime: 2, transportSequence: 3 },
  opus: { stereo: false, dtx: false, fec: false },
  rids: [],
};

/** One picture of a layer, with the pictures of the same layer that it is predicted from. */
export interface SourcePicture {
  readonly rid: string;
  readonly number: number;
  readonly key: boolean;
  readonly temporalId: number;
  readonly needs: readonly number[];
  readonly packets: number;
}

/** Temporal layers as libwebrtc's L1T3 has them: `needs` by the slot of the last picture that was put there. */
const L1T3 = [
  { temporalId: 0, sync: false, reads: ['last'], writes: 'last' },
  { temporalId: 2, sync: true, reads: ['last'], writes: 'arf' },
  { temporalId: 1, sync: true, reads: ['last'], writes: 'golden' },
  { temporalId: 2, sync: false, reads: ['last', 'golden', 'arf'], writes: 'arf' },
  { temporalId: 0, sync: false, reads: ['last'], writes: 'last' },
  { temporalId: 2, sync: false, reads: ['last', 'golden', 'arf'], writes: 'arf' },
  { temporalId: 1, sync: false, reads: ['last', 'golden'], writes: 'golden' },
  { temporalId: 2, sync: false, reads: ['last', 'golden', 'arf'], writes: 'arf' },
] as const;

/** Bytes of VP8 data in front of which picture number and rid stand. */
export const MARK_OFFSET = 12;
const RIDS = ['q', 'h', 'f'];

/** One simulcast layer as an encoder makes it: VP8 in three temporal layers, each packet marked with where it comes from. */
export class LayerSource {
  readonly stream: UpStream;
  active = true;
  /** Bytes of a picture. */
  pictureBytes: number;
  readonly pictures: SourcePicture[] = [];
  readonly #timestampBase: number;
  readonly #slots = new Map<string, number>();
  #sequence: number;
  #pictureId: number;
  #tl0: number;
  #step = 0;

  constructor(rid: string, ssrc: number, seed: number, pictureBytes: number) {
    this.stream = new UpStream(ssrc, rid, VP8);
    this.pictureBytes = pictureBytes;
    // Anything, and close to where numbers wrap.
    this.#sequence = 65_530 - seed * 7;
    this.#pictureId = 0x7ff0 - seed * 3;
    this.#tl0 = 250 - seed;
    this.#timestampBase = (0xffff0000 + seed * 123_456_789) >>> 0;
  }

  /** The packets of the next picture, taken at `captureUs`. */
  next(captureUs: number, key: boolean): Buffer[] {
    if (key) this.#step = 0;
    const { temporalId, sync, reads, writes } = L1T3[this.#step++ % L1T3.length]!;
    const number = this.pictures.length;
    const needs = key ? [] : [...new Set(reads.map((slot) => this.#slots.get(slot) ?? -1))];
    if (key) for (const slot of ['last', 'golden', 'arf']) this.#slots.set(slot, number);
    else this.#slots.set(writes, number);
    this.#pictureId = (this.#pictureId + 1) & 0x7fff;
    if (temporalId === 0) this.#tl0 = (this.#tl0 + 1) & 0xff;
    const packets = Math.max(1, Math.ceil(this.pictureBytes / 1100));
    const bytes = Math.ceil(this.pictureBytes / packets);
    this.pictures.push({ rid: this.stream.rid, number, key, temporalId, needs, packets });
    return Array.from({ length: packets }, (_, index) => {
      const payload = Buffer.alloc(Math.max(bytes, MARK_OFFSET + 8));
      payload[0] = 0x80 | (index === 0 ? 0x10 : 0);
      payload[1] = 0xe0;
      payload.writeUInt16BE(0x8000 | this.#pictureId, 2);
      payload[4] = this.#tl0;
      payload[5] = (temporalId << 6) | (sync ? 0x20 : 0);
      payload[6] = key || index > 0 ? 0 : 1;
      payload.writeUInt32BE(number, MARK_OFFSET);
      payload[MARK_OFFSET + 4] = RIDS.indexOf(this.stream.rid);
      payload[MARK_OFFSET + 5] = index;
      return writeRtp({
        payloadType: 120,
        sequenceNumber: this.#sequence++ & 0xffff,
        timestamp: (this.#timestampBase + captureUs * 0.09) >>> 0,
        ssrc: this.stream.ssrc,
        marker: index === packets - 1,
        payload,
      });
    });
  }
}

/** A publisher of three layers that answers requests for key frames as a browser does: all layers begin anew. */
export class SimulcastSource {
  readonly track = new UpTrack(PUBLISHED);
  readonly layers: readonly LayerSource[];
  nowUs = 1_000_000;
  keyFrames = 0;
  readonly #intervalUs: number;
  readonly #packet = new RtpPacket();

  constructor(fps = 25) {
    this.#intervalUs = 1e6 / fps;
    this.layers = [
      new LayerSource('q', 11, 1, 600),
      new LayerSource('h', 12, 2, 2400),
      new LayerSource('f', 13, 3, 8000),
    ];
  }

  layer(rid: string): LayerSource {
    return this.layers.find(({ stream }) => stream.rid === rid)!;
  }

  /** Takes one picture in all layers; `arrive` may change which packets come, and in what order. */
  picture(arrive: (packets: Buffer[]) => Buffer[] = (packets) => packets): void {
    const asked = this.layers.filter(({ stream }) => stream.takeKeyFrameRequest(this.nowUs)).length > 0;
    const first = this.layers.every(({ pictures }) => pictures.length === 0);
    if (asked || first) this.keyFrames++;
    for (const layer of this.layers) {
      if (!layer.active) continue;
      const key = asked || layer.pictures.length === 0;
      for (const buffer of arrive(layer.next(this.nowUs, key))) this.receive(layer, buffer);
    }
    this.nowUs += this.#intervalUs;
    this.track.tick(this.nowUs);
  }

  receive(layer: LayerSource, buffer: Buffer, resent = false): void {
    if (!this.#packet.parse(buffer)) throw new Error('not a packet');
    const { track } = this;
    const { stream } = layer;
    if (track.streams.get(stream.rid) !== stream) track.addStream(stream);
    const sequence = stream.accept(this.#packet, resent, this.nowUs);
    if (sequence !== undefined) track.deliver(stream, this.#packet, sequence, this.nowUs);
  }
}
