import { randomBytes, randomUUID } from 'node:crypto';
import { AddTrackRequest, SimulcastCodec, TrackSource, TrackType, VideoLayer, VideoQuality } from '@livekit/protocol';
import type { Clock } from '../media/clock.js';
import { VIDEO_CODECS, type VideoCodec } from '../media/encoded-chunk.js';
import type { BitrateDemand } from './bitrate-share.js';
import { OutboundStream, type PacketSink } from './outbound-stream.js';
import type { SentSection } from './sdp/negotiated.js';
import { OFFERED_PAYLOAD_TYPES, type OfferedCodec, type OfferedTrack } from './sdp/offer.js';
import { type LayerPlan, recommendedBitrate } from './video/layer-plan.js';

/** One track that is offered to the server. */
export interface UplinkTrack {
  readonly kind: 'audio' | 'video';
  /** The stream that it belongs to, as others see it. */
  readonly streamName: string;
  /** From the beginning. */
  readonly muted: boolean;
  readonly stereo: boolean;
  readonly dtx: boolean;
  readonly videoCodec: VideoCodec;
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
  readonly fps: number;
  /** Of video, lowest first. */
  readonly layers: readonly LayerPlan[];
  /** A receiver of a layer (of video) needs a key frame. */
  onKeyFrameRequest(layer: number): void;
  /** Which layers anybody takes has changed. */
  onWanted(layers: readonly boolean[]): void;
  /** What it has use for, given what it has sent lately, in bits per second. Not asked of audio, which is always sent. */
  demand(sentBps: number): BitrateDemand;
  /** What it may send, all layers together, in bits per second. */
  setBudget(bps: number): void;
}

/** Where packets of a track go, and what they are numbered by. */
export interface StreamContext {
  readonly clock: Clock;
  readonly sink: PacketSink;
}

interface LayerSsrcs {
  readonly rid: string;
  readonly ssrc: number;
  readonly rtxSsrc: number;
}

/** LiveKit's names of the layers, lowest first. */
const QUALITIES = [VideoQuality.LOW, VideoQuality.MEDIUM, VideoQuality.HIGH];

/** A track on its way through signalling: announced, offered, taken, and maybe ended again. */
export class UplinkEntry {
  readonly track: UplinkTrack;
  /** Its m-line. */
  readonly mid: string;
  /** The client's own id of the track. */
  readonly cid = `TR_${randomUUID()}`;
  /** The server's id; '' until it has said it. */
  sid = '';
  /** False once it has ended: the m-line stays. */
  active = true;
  /** The server knows that it has ended: its m-line may be used again. */
  released = false;
  /** One for audio and for each layer of video; undefined for those that the server does not take. Empty until its answer. */
  streams: readonly (OutboundStream | undefined)[] = [];
  readonly #ssrcs: readonly LayerSsrcs[];

  constructor(track: UplinkTrack, mid: string) {
    this.track = track;
    this.mid = mid;
    const rids = track.kind === 'audio' ? [''] : track.layers.map((layer) => layer.rid);
    this.#ssrcs = rids.map((rid) => ({ rid, ssrc: randomSsrc(), rtxSsrc: randomSsrc() }));
  }

  /** What announces the track to the server. */
  request(): AddTrackRequest {
    const { track, cid } = this;
    const common = { cid, name: track.streamName, stream: track.streamName, muted: track.muted, disableRed: true };
    if (track.kind === 'audio') {
      return new AddTrackRequest({
        ...common,
        type: TrackType.AUDIO,
        source: TrackSource.MICROPHONE,
        disableDtx: !track.dtx,
        stereo: track.stereo,
      });
    }
    const { width, height, videoCodec: codec } = track;
    const layers = this.#announcedLayers();
    return new AddTrackRequest({
      ...common,
      type: TrackType.VIDEO,
      source: TrackSource.CAMERA,
      width,
      height,
      layers,
      simulcastCodecs: [new SimulcastCodec({ codec, cid, layers })],
    });
  }

  /** Its section of an offer. */
  offered(cname: string): OfferedTrack {
    const { track, mid, active, cid } = this;
    const [first = { rid: '', ssrc: 0, rtxSsrc: 0 }] = this.#ssrcs;
    const { ssrc, rtxSsrc } = first;
    const streamId = track.streamName.replace(/\s/g, '_');
    const common = { mid, kind: track.kind, ssrc, streamId, trackId: cid, cname, active };
    if (track.kind === 'audio') {
      const opus = { stereo: track.stereo, dtx: track.dtx, fec: true };
      return { ...common, codec: 'opus', payloadType: OFFERED_PAYLOAD_TYPES.opus, opus };
    }
    const rids = this.#ssrcs.map((layer) => layer.rid).filter((rid) => rid !== '');
    const video = { ...common, rtxSsrc, ...(rids.length > 0 && { rids }) };
    // A LiveKit server takes no codec later that was not in the first section of the kind.
    const otherCodecs = VIDEO_CODECS.filter((codec) => codec !== track.videoCodec).map(offeredVideo);
    return { ...video, ...offeredVideo(track.videoCodec), otherCodecs };
  }

  /** Makes the streams that the answer has room for; none where it does not take the codec. */
  open(section: SentSection, context: StreamContext): void {
    const { track } = this;
    const wanted = track.kind === 'audio' ? 'opus' : track.videoCodec;
    const codec = section.accepted ? section.codecs.find((one) => one.name === wanted) : undefined;
    if (!codec) return;
    const layered = section.rids.length > 0;
    const timestampOffset = randomSsrc();
    this.streams = this.#ssrcs.map(({ rid, ssrc, rtxSsrc }, index) => {
      // A server that takes one stream only gets the best one, without a name.
      if (layered ? !section.rids.includes(rid) : index < this.#ssrcs.length - 1) return undefined;
      const { mid, rid: ridId, repairedRid, absSendTime, transportSequence, audioLevel } = section.extensions;
      return new OutboundStream({
        ...context,
        clockRate: codec.clockRate,
        timestampOffset,
        header: {
          payloadType: codec.payloadType,
          ssrc,
          ...(mid !== undefined && { mid: { id: mid, value: this.mid } }),
          ...(layered && ridId !== undefined && { rid: { id: ridId, value: rid } }),
          ...(absSendTime !== undefined && { absSendTimeId: absSendTime }),
          ...(transportSequence !== undefined && { transportSequenceId: transportSequence }),
          ...(audioLevel !== undefined && { audioLevelId: audioLevel }),
        },
        repeats: codec.name === 'opus' && codec.feedback.includes('nack'),
        ...(codec.rtxPayloadType !== undefined && {
          rtx: {
            ssrc: rtxSsrc,
            payloadType: codec.rtxPayloadType,
            ...(repairedRid !== undefined && { repairedRidId: repairedRid }),
          },
        }),
      });
    });
  }

  /** Ends it. */
  end(): void {
    this.active = false;
    this.streams = [];
  }

  /** Which of its layers are among the qualities that are taken. */
  wantedLayers(enabled: ReadonlySet<VideoQuality>): boolean[] {
    const count = this.track.layers.length;
    // The highest layer also stands for qualities above it.
    return this.track.layers.map((_, index) =>
      QUALITIES.some((quality, at) => enabled.has(quality) && (at === index || (index === count - 1 && at > index))),
    );
  }

  #announcedLayers(): VideoLayer[] {
    const { width, height, fps, layers } = this.track;
    return layers.map(({ rid, scale }, index) => {
      const size = { width: Math.round(width / scale), height: Math.round(height / scale) };
      const bitrate = recommendedBitrate(size.width, size.height, fps);
      // One layer alone is the best there is.
      const quality = (layers.length === 1 ? VideoQuality.HIGH : QUALITIES[index]) ?? VideoQuality.HIGH;
      return new VideoLayer({ quality, ...size, bitrate, spatialLayer: index, rid });
    });
  }
}

function offeredVideo(codec: VideoCodec): OfferedCodec {
  const types = OFFERED_PAYLOAD_TYPES;
  return codec === 'vp8'
    ? { codec, payloadType: types.vp8, rtxPayloadType: types.vp8Rtx }
    : { codec, payloadType: types.h264, rtxPayloadType: types.h264Rtx };
}

function randomSsrc(): number {
  return randomBytes(4).readUInt32BE() || 1;
}
