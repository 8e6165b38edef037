import { AudioRing } from '../media/audio-ring.js';
import { namingSpeaker, type CaptionsData } from '../media/captions.js';
import { sourceCodec, type VideoCodec } from '../media/encoded-chunk.js';
import type { MediaValue } from '../media/media-value.js';
import { SluiceError, toErrorData } from '../media/errors.js';
import type { Clock } from '../media/clock.js';
import { AudioSender } from './audio/audio-sender.js';
import type { SendBeat } from './audio/send-beat.js';
import { captionPackets } from './captions/caption-packets.js';
import { CaptionSegments, type NamedCaptions } from './captions/caption-segments.js';
import type { Directory } from './directory.js';
import type { Emit } from './media-reader.js';
import { PUBLISHER_LEVELS, type OutboundStats, type PublisherOpenArgs, type RemoteInboundStats } from './port.js';
import type { OutboundStream } from './outbound-stream.js';
import type { PublishedTrack, Uplink } from './uplink.js';
import type { UplinkTrack } from './uplink-track.js';
import { planLayers } from './video/layer-plan.js';
import type { VideoLayer } from './video/video-layer.js';
import type { VideoValue } from './video/video-queue.js';
import { VideoSender } from './video/video-sender.js';

const KINDS = ['audio', 'video'] as const;
const NO_DEMAND = { minBps: 0, maxBps: 0, weight: 0 };

export interface PublisherContext {
  readonly clock: Clock;
  readonly sendBeat: SendBeat;
  /** Of this participant. */
  readonly identity: string;
  /** It may speak for others. */
  readonly isAgent: boolean;
  readonly directory: Directory;
  readonly emit: Emit;
}

/** One published stream: its audio and video senders, and the tracks that the server took for them. */
export class EnginePublisher {
  readonly id: number;
  readonly #args: PublisherOpenArgs;
  readonly #context: PublisherContext;
  readonly #audio: AudioSender | undefined;
  /** Undefined without video, and before the first picture where its codec is that of its source. */
  #video: VideoSender | undefined;
  /** Where it is published; undefined while it is not. */
  #uplink: Uplink | undefined;
  #trackSids: readonly string[] = [];
  #audioStream: OutboundStream | undefined;
  readonly #muted = { audio: false, video: false };
  #closed = false;
  readonly #segments = new CaptionSegments();

  private constructor(
    args: PublisherOpenArgs,
    context: PublisherContext,
    senders: { audio: AudioSender | undefined; video: VideoSender | undefined },
  ) {
    const { audio, video } = senders;
    this.id = args.publisher;
    this.#args = args;
    this.#context = context;
    this.#audio = audio;
    this.#video = video;
    if (audio) context.sendBeat.add(audio);
  }

  /** Makes what a stream is sent with; what is written waits until it is published. Errors: SLUICE_CODEC_UNAVAILABLE. */
  static async open(args: PublisherOpenArgs, context: PublisherContext): Promise<EnginePublisher> {
    const audio = args.hasAudio ? await openAudio(args, context) : undefined;
    const { hasVideo, videoCodec } = args;
    const video = hasVideo && videoCodec !== 'source' ? openVideo(args, videoCodec, context, audio) : undefined;
    return new EnginePublisher(args, context, { audio, video });
  }

  /**
   * Publishes the stream, also again at another server; media gets through when it resolves.
   * Errors: SLUICE_PUBLISH_FAILED, SLUICE_SESSION_CLOSED (the uplink was closed).
   */
  async publish(uplink: Uplink): Promise<void> {
    const audio = this.#audio;
    const video = this.#video;
    const tracks: UplinkTrack[] = [];
    if (audio) tracks.push(uplinkTrack(this.#args, 'audio', undefined, this.#muted.audio));
    if (video) tracks.push(uplinkTrack(this.#args, 'video', video, this.#muted.video));
    const announced = { ...this.#muted };
    const published = await uplink.publish(tracks);
    if (this.#args.captions === true) await openCaptions(uplink, published);
    const trackSids = published.map((track) => track.trackSid);
    if (this.#closed) {
      await uplink.unpublish(trackSids);
      return;
    }
    this.#uplink = uplink;
    this.#trackSids = trackSids;
    this.#audioStream = audio && published[0]?.streams[0];
    audio?.attach(this.#audioStream);
    const videoTrack = video && published[audio ? 1 : 0];
    if (videoTrack) video.attach(videoTrack.streams);
    uplink.sender.rebalance();
    for (const kind of KINDS) if (this.#muted[kind] !== announced[kind]) this.#tellMuted(kind);
    // It may have begun meanwhile.
    if (this.#video !== video) await this.#publishVideo(uplink);
  }

  /** The server is gone: what is written waits for another one. */
  detach(): void {
    this.#uplink = undefined;
    this.#trackSids = [];
    this.#audioStream = undefined;
    this.#audio?.attach(undefined);
    this.#video?.detach();
  }

  /** Whether a track of the server's is one of its own. */
  sends(trackSid: string): boolean {
    return this.#trackSids.includes(trackSid);
  }

  write(value: MediaValue): void {
    if (value.kind === 'audio' || value.kind === 'encoded-audio') this.#audio?.write(value);
    else (this.#video ?? this.#beginVideo(value))?.write(value);
  }

  /** Captions with the id of their segment. */
  inSegment(captions: CaptionsData): NamedCaptions {
    return this.#segments.name(captions);
  }

  /** Resolves when the captions are on their way to the server. Errors: those of DataLink.send, SLUICE_STATE_INVALID. */
  async sendCaptions(captions: NamedCaptions): Promise<void> {
    if (!this.#uplink) throw new SluiceError('SLUICE_STATE_INVALID', 'the stream is not published');
    const { identity, isAgent, directory } = this.#context;
    const streamId = captions.speaker?.streamId;
    const other = isAgent && streamId !== undefined ? directory.captionedTrack(streamId) : undefined;
    // Captions are about sound where there is any.
    const track = other ?? { identity, trackSid: this.#trackSids[0] ?? '' };
    const { text } = other ? captions : namingSpeaker(captions);
    const { isFinal, segmentId } = captions;
    await this.#uplink.data.send(captionPackets({ text, isFinal, segmentId, ...track, timeMs: Date.now() }));
  }

  clear(kind: 'audio' | 'video'): void {
    (kind === 'audio' ? this.#audio : this.#video)?.clear();
  }

  /** Sends nothing of a kind until it is not muted any more, and has the server tell everyone. What is written leaves as ever. */
  mute(kind: 'audio' | 'video', muted: boolean): void {
    if (kind === 'audio' ? !this.#args.hasAudio : !this.#args.hasVideo) return;
    this.#muted[kind] = muted;
    (kind === 'audio' ? this.#audio : this.#video)?.setMuted(muted);
    this.#tellMuted(kind);
  }

  /** The server has muted a track; it is told that this was heard. */
  onMuted(trackSid: string): void {
    for (const kind of KINDS) {
      if (this.#trackSidOf(kind) !== trackSid) continue;
      this.mute(kind, true);
      this.#context.emit('publisherMuted', { publisher: this.id, kind });
    }
  }

  /** Resolves when what was written before has left. */
  async drain(kind: 'audio' | 'video'): Promise<void> {
    await (kind === 'audio' ? this.#audio : this.#video)?.drained();
  }

  /** Ends the stream for everybody. */
  async close(): Promise<void> {
    this.#closed = true;
    const { sendBeat, emit } = this.#context;
    if (this.#audio) sendBeat.remove(this.#audio);
    this.#audio?.close();
    this.#video?.close();
    emit('publisherEnd', { publisher: this.id });
    await this.#uplink?.unpublish(this.#trackSids);
  }

  stats(): OutboundStats[] {
    const stats: OutboundStats[] = [];
    if (this.#audioStream) {
      const none = { framesEncoded: 0, keyFramesEncoded: 0, framesDropped: 0, pliCount: 0 };
      stats.push({ ...this.#streamStats('audio', this.#audioStream), ...none });
    }
    for (const layer of this.#video?.layers ?? []) {
      if (this.#video && layer.stream) stats.push(this.#layerStats(this.#video, layer, layer.stream));
    }
    return stats;
  }

  /** What the server has told about each of its streams. */
  remoteStats(): RemoteInboundStats[] {
    const stats: RemoteInboundStats[] = [];
    if (this.#audioStream) stats.push(remoteStats(this.id, 'audio', this.#audioStream));
    for (const { stream } of this.#video?.layers ?? []) if (stream) stats.push(remoteStats(this.id, 'video', stream));
    return stats;
  }

  /** The first picture has come of a source that says what codec there is. */
  #beginVideo(picture: VideoValue): VideoSender | undefined {
    if (!this.#args.hasVideo || this.#closed) return undefined;
    const video = (this.#video = openVideo(this.#args, sourceCodec(picture), this.#context, this.#audio));
    video.setMuted(this.#muted.video);
    const uplink = this.#uplink;
    if (uplink) {
      this.#publishVideo(uplink).catch((error: unknown) => {
        // Where the server has gone, it is published with the rest at the next one.
        if (this.#closed || this.#uplink !== uplink) return;
        this.#context.emit('publisherError', { publisher: this.id, error: toErrorData(error) });
      });
    }
    return video;
  }

  /** Publishes video that has begun after the rest of its stream. Errors: as `publish`. */
  async #publishVideo(uplink: Uplink): Promise<void> {
    const video = this.#video;
    const muted = this.#muted.video;
    const published = await uplink.publish([uplinkTrack(this.#args, 'video', video, muted)]);
    const trackSids = published.map(({ trackSid }) => trackSid);
    if (this.#closed || this.#uplink !== uplink) {
      await uplink.unpublish(trackSids);
      return;
    }
    this.#trackSids = [...this.#trackSids, ...trackSids];
    video?.attach(published[0]?.streams ?? []);
    uplink.sender.rebalance();
    if (this.#muted.video !== muted) this.#tellMuted('video');
  }

  /** Between two servers there is nobody to be told. */
  #tellMuted(kind: 'audio' | 'video'): void {
    const trackSid = this.#trackSidOf(kind);
    if (trackSid !== undefined) this.#uplink?.mute(trackSid, this.#muted[kind]);
  }

  #trackSidOf(kind: 'audio' | 'video'): string | undefined {
    if (kind === 'audio') return this.#audio && this.#trackSids[0];
    return this.#video && this.#trackSids[this.#audio ? 1 : 0];
  }

  #layerStats(video: VideoSender, layer: VideoLayer, stream: OutboundStream): OutboundStats {
    const { plan, targetBps, frameWidth, frameHeight, framesEncoded, keyFramesEncoded, pliCount } = layer;
    return {
      ...this.#streamStats('video', stream),
      ...(plan.rid !== '' && { rid: plan.rid }),
      active: video.passesThrough || targetBps > 0,
      targetBitrate: Math.round(targetBps),
      qualityLimitationReason: video.limitation(layer),
      ...(!video.passesThrough && { scalabilityMode: video.scalabilityMode }),
      ...(frameWidth > 0 && { frameWidth, frameHeight }),
      framesEncoded,
      keyFramesEncoded,
      framesDropped: video.framesLeftOut,
      pliCount,
    };
  }

  #streamStats(kind: 'audio' | 'video', stream: OutboundStream) {
    return {
      publisher: this.id,
      kind,
      ssrc: stream.ssrc,
      packetsSent: stream.statistics.packets,
      bytesSent: stream.statistics.bytes,
      retransmittedPacketsSent: stream.retransmitted,
      nackCount: stream.nackCount,
    };
  }
}

function remoteStats(
  publisher: number,
  kind: 'audio' | 'video',
  { ssrc, statistics }: OutboundStream,
): RemoteInboundStats {
  const { packetsLost, fractionLost, remoteJitterMs, roundTripUs } = statistics;
  return {
    publisher,
    kind,
    ssrc,
    packetsLost,
    fractionLost,
    jitter: remoteJitterMs / 1000,
    ...(roundTripUs !== undefined && { roundTripTime: roundTripUs / 1e6 }),
  };
}

async function openCaptions(uplink: Uplink, published: readonly PublishedTrack[]): Promise<void> {
  try {
    await uplink.openData();
  } catch (error) {
    await uplink.unpublish(published.map(({ trackSid }) => trackSid)).catch(() => undefined);
    throw error;
  }
}

function openAudio(args: PublisherOpenArgs, { clock, emit }: PublisherContext): Promise<AudioSender> {
  const { publisher } = args;
  const levels = new BigInt64Array(args.levels);
  return AudioSender.open({
    format: args.audio,
    stereo: args.stereo,
    dtx: args.dtx,
    silenceToleranceMs: args.silenceToleranceMs,
    levels,
    clock,
    ...(args.audioRing && { ring: new AudioRing(args.audioRing) }),
    onDrained: () => {
      emit('mediaBufferDrained', { publisher, kind: 'audio' });
    },
    onConsumed: () => {
      if (isAwaited(levels, PUBLISHER_LEVELS.audioAwaited)) emit('consumed', { publisher, kind: 'audio' });
    },
    onError: (error) => {
      emit('publisherError', { publisher, error: toErrorData(error, 'SLUICE_CODEC_FAILED') });
    },
  });
}

function openVideo(
  args: PublisherOpenArgs,
  codec: VideoCodec,
  { clock, emit }: PublisherContext,
  audio: AudioSender | undefined,
): VideoSender {
  const { publisher } = args;
  const levels = new BigInt64Array(args.levels);
  return new VideoSender({
    codec,
    width: args.width,
    height: args.height,
    fps: args.fps,
    layers: planLayers(args.width, args.height, args.simulcast ?? true),
    levels,
    clock,
    ...(audio && { reference: audio.timelineUs }),
    onDrained: () => {
      emit('mediaBufferDrained', { publisher, kind: 'video' });
    },
    onConsumed: () => {
      if (isAwaited(levels, PUBLISHER_LEVELS.videoAwaited)) emit('consumed', { publisher, kind: 'video' });
    },
    onKeyFrameRequested: () => {
      emit('keyFrameRequested', { publisher });
    },
    onError: (error) => {
      emit('publisherError', { publisher, error: toErrorData(error, 'SLUICE_CODEC_FAILED') });
    },
  });
}

/** Whether the writer waits for room; it is told once. */
function isAwaited(levels: BigInt64Array, place: number): boolean {
  return Atomics.exchange(levels, place, 0n) !== 0n;
}

function uplinkTrack(
  args: PublisherOpenArgs,
  kind: 'audio' | 'video',
  video: VideoSender | undefined,
  muted: boolean,
): UplinkTrack {
  return {
    kind,
    streamName: args.name,
    muted,
    stereo: args.stereo && args.audio.numberOfChannels === 2,
    dtx: args.dtx,
    videoCodec: video?.codec ?? 'vp8',
    width: args.width,
    height: args.height,
    fps: args.fps,
    layers: video?.layers.map((layer) => layer.plan) ?? [],
    onKeyFrameRequest: (layer) => {
      video?.requestKeyFrame(layer);
    },
    onWanted: (layers) => {
      video?.setWanted(layers);
    },
    demand: (sentBps) => video?.demand(sentBps) ?? NO_DEMAND,
    setBudget: (bps) => {
      video?.setBudget(bps);
    },
  };
}
