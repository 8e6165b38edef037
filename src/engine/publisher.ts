import type { MediaValue } from '../media/media-value.js';
import { toErrorData } from '../media/errors.js';
import type { Clock } from '../media/clock.js';
import { AudioSender } from './audio/audio-sender.js';
import type { Emit } from './media-reader.js';
import type { OutboundStats, PublisherOpenArgs } from './port.js';
import type { Ticker } from './ticker.js';
import type { OutboundStream } from './outbound-stream.js';
import type { PublishedTrack, Uplink, UplinkTrack } from './uplink.js';
import { VideoSender } from './video/video-sender.js';

export interface PublisherContext {
  readonly clock: Clock;
  /** 20 ms. */
  readonly audioTicker: Ticker;
  /** A few milliseconds. */
  readonly ticker: Ticker;
  readonly uplink: Uplink;
  readonly emit: Emit;
}

/** One published stream: its audio and video senders, and the tracks that the server took for them. */
export class EnginePublisher {
  readonly id: number;
  readonly session: number;
  readonly name: string;
  readonly #context: PublisherContext;
  readonly #audio: AudioSender | undefined;
  readonly #video: VideoSender | undefined;
  readonly #tracks: readonly PublishedTrack[];
  readonly #streams: { readonly audio: OutboundStream | undefined; readonly video: OutboundStream | undefined };

  private constructor(
    args: PublisherOpenArgs,
    context: PublisherContext,
    senders: { audio: AudioSender | undefined; video: VideoSender | undefined },
    tracks: readonly PublishedTrack[],
  ) {
    this.id = args.publisher;
    this.session = args.session;
    this.name = args.name;
    this.#context = context;
    this.#audio = senders.audio;
    this.#video = senders.video;
    this.#tracks = tracks;
    this.#streams = {
      audio: senders.audio ? tracks[0]?.stream : undefined,
      video: senders.video ? tracks[senders.audio ? 1 : 0]?.stream : undefined,
    };
    const { audio, video } = this.#streams;
    if (senders.audio && audio) senders.audio.attach(audio);
    if (senders.video && video) senders.video.attach(video);
    if (senders.audio) context.audioTicker.add(senders.audio);
    if (senders.video) context.ticker.add(senders.video);
  }

  /** Publishes a stream. Media may be written from the moment it resolves. Errors: SLUICE_PUBLISH_FAILED, SLUICE_CODEC_UNAVAILABLE. */
  static async open(args: PublisherOpenArgs, context: PublisherContext): Promise<EnginePublisher> {
    const audio = args.hasAudio ? await openAudio(args, context) : undefined;
    const video = args.hasVideo ? openVideo(args, context, audio) : undefined;
    try {
      const tracks: UplinkTrack[] = [];
      if (audio) tracks.push(uplinkTrack(args, 'audio', undefined));
      if (video) tracks.push(uplinkTrack(args, 'video', video));
      return new EnginePublisher(args, context, { audio, video }, await context.uplink.publish(tracks));
    } catch (error) {
      audio?.close();
      video?.close();
      throw error;
    }
  }

  write(value: MediaValue): void {
    if (value.kind === 'audio' || value.kind === 'encoded-audio') this.#audio?.write(value);
    else this.#video?.write(value);
  }

  clear(kind: 'audio' | 'video'): void {
    (kind === 'audio' ? this.#audio : this.#video)?.clear();
  }

  /** Resolves when what was written before has left. */
  async drain(kind: 'audio' | 'video'): Promise<void> {
    await (kind === 'audio' ? this.#audio : this.#video)?.drained();
  }

  /** Ends the stream for everybody. */
  async close(): Promise<void> {
    const { audioTicker, ticker, uplink, emit } = this.#context;
    if (this.#audio) audioTicker.remove(this.#audio);
    if (this.#video) ticker.remove(this.#video);
    this.#audio?.close();
    this.#video?.close();
    emit('publisherEnd', { publisher: this.id });
    await uplink.unpublish(this.#tracks.map((track) => track.trackSid));
  }

  stats(): OutboundStats[] {
    const stats: OutboundStats[] = [];
    const { audio, video } = this.#streams;
    if (audio)
      stats.push({
        ...this.#streamStats('audio', audio),
        framesEncoded: 0,
        keyFramesEncoded: 0,
        framesDropped: 0,
        pliCount: 0,
      });
    if (video && this.#video) {
      stats.push({
        ...this.#streamStats('video', video),
        framesEncoded: this.#video.framesSent,
        keyFramesEncoded: this.#video.keyFramesSent,
        framesDropped: this.#video.framesLeftOut,
        pliCount: this.#video.pliCount,
      });
    }
    return stats;
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

function openAudio(args: PublisherOpenArgs, { emit }: PublisherContext): Promise<AudioSender> {
  const { publisher } = args;
  return AudioSender.open({
    format: args.audio,
    stereo: args.stereo,
    dtx: args.dtx,
    silenceToleranceMs: args.silenceToleranceMs,
    levels: new BigInt64Array(args.levels),
    onDrained: () => {
      emit('mediaBufferDrained', { publisher, kind: 'audio' });
    },
    onConsumed: () => {
      emit('consumed', { publisher, kind: 'audio' });
    },
    onError: (error) => {
      emit('publisherError', { publisher, error: toErrorData(error, 'SLUICE_CODEC_FAILED') });
    },
  });
}

function openVideo(
  args: PublisherOpenArgs,
  { clock, emit }: PublisherContext,
  audio: AudioSender | undefined,
): VideoSender {
  const { publisher } = args;
  return new VideoSender({
    codec: args.videoCodec,
    width: args.width,
    height: args.height,
    fps: args.fps,
    levels: new BigInt64Array(args.levels),
    clock,
    ...(audio && { reference: audio.timelineUs }),
    onDrained: () => {
      emit('mediaBufferDrained', { publisher, kind: 'video' });
    },
    onConsumed: () => {
      emit('consumed', { publisher, kind: 'video' });
    },
    onKeyFrameRequested: () => {
      emit('keyFrameRequested', { publisher });
    },
    onError: (error) => {
      emit('publisherError', { publisher, error: toErrorData(error, 'SLUICE_CODEC_FAILED') });
    },
  });
}

function uplinkTrack(args: PublisherOpenArgs, kind: 'audio' | 'video', video: VideoSender | undefined): UplinkTrack {
  return {
    kind,
    streamName: args.name,
    stereo: args.stereo && args.audio.numberOfChannels === 2,
    dtx: args.dtx,
    videoCodec: args.videoCodec,
    width: args.width,
    height: args.height,
    onKeyFrameRequest: () => {
      video?.requestKeyFrame();
    },
    onBitrateCap: (bps) => {
      video?.setBitrateCap(bps);
    },
  };
}
