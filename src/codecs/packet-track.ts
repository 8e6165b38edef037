import type { EncodedAudioChunk, EncodedVideoChunk, VideoCodec } from '../media/encoded-chunk.js';
import { type Ffmpeg, check } from './ffmpeg.js';
import { OPUS_LAG_US, opusDurationUs } from './opus-packet.js';
import type { Track } from './track.js';
import type { Packet, TrackInput } from './track-input.js';

type Chunk = EncodedAudioChunk | EncodedVideoChunk;
type BitStreamFilter = InstanceType<Ffmpeg['lib']['BitStreamFilterContext']>;

/** What a track can be passed through as; undefined when it must be decoded. */
export function passThroughCodec(ffmpeg: Ffmpeg, input: TrackInput): 'opus' | VideoCodec | undefined {
  const { c } = ffmpeg;
  const parameters = input.stream.codecpar;
  switch (parameters.codecId) {
    case c.AV_CODEC_ID_OPUS:
      return parameters.channelLayout.nbChannels <= 2 ? 'opus' : undefined;
    case c.AV_CODEC_ID_VP8:
      return 'vp8';
    case c.AV_CODEC_ID_H264:
      // Pictures that are reordered have no place in a real-time stream.
      return parameters.videoDelay === 0 && parameters.format === c.AV_PIX_FMT_YUV420P ? 'h264' : undefined;
    default:
      return undefined;
  }
}

/** The encoded chunks of a file as they are; H.264 in Annex B form with parameter sets in front of key frames. */
export class PacketTrack implements Track {
  readonly #input: TrackInput;
  readonly #codec: 'opus' | VideoCodec;
  readonly #filter: BitStreamFilter | undefined;
  readonly #filtered: Packet;
  readonly #nominalUs: number;
  #lastUs = 0;
  #next: Chunk | undefined;

  constructor(ffmpeg: Ffmpeg, input: TrackInput, codec: 'opus' | VideoCodec) {
    this.#input = input;
    this.#codec = codec;
    this.#filter = codec === 'h264' ? annexBFilter(ffmpeg, input) : undefined;
    this.#filtered = new ffmpeg.lib.Packet();
    this.#filtered.alloc();
    const { num, den } = input.stream.avgFrameRate;
    this.#nominalUs = num > 0 ? Math.round((den * 1_000_000) / num) : 0;
  }

  peek(): Chunk | undefined {
    this.#next ??= this.#read();
    return this.#next;
  }

  take(): Chunk | undefined {
    const value = this.peek();
    this.#next = undefined;
    return value;
  }

  close(): void {
    this.#filter?.free();
    this.#filtered.free();
    this.#input.close();
  }

  #read(): Chunk | undefined {
    for (;;) {
      let packet = this.#input.read();
      if (packet && this.#filter) {
        this.#filtered.unref();
        const sent = this.#filter.sendPacketSync(packet);
        if (sent < 0 || this.#filter.receivePacketSync(this.#filtered) < 0) continue;
        packet = this.#filtered;
      }
      if (!packet) return undefined;
      const chunk = this.#chunkOf(packet);
      if (chunk) return chunk;
    }
  }

  #forward(us: number): number {
    this.#lastUs = Math.max(this.#lastUs, us);
    return this.#lastUs;
  }

  #chunkOf(packet: Packet): Chunk | undefined {
    const bytes = packet.data;
    if (!bytes || bytes.length === 0) return undefined;
    const data = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const us = this.#input.toUs(packet.pts) ?? this.#lastUs;
    if (this.#codec === 'opus') {
      const duration = opusDurationUs(data);
      // What ends before the file starts is only there to warm up a decoder.
      if (duration === undefined || us + OPUS_LAG_US + duration <= 0) return undefined;
      const timestamp = this.#forward(Math.round(us + OPUS_LAG_US));
      return { kind: 'encoded-audio', codec: 'opus', data, timestamp, duration };
    }
    const timestamp = this.#forward(us);
    const duration = packet.duration > 0n ? Math.round(this.#input.spanUs(packet.duration)) : this.#nominalUs;
    return {
      kind: 'encoded-video',
      codec: this.#codec,
      type: packet.isKeyframe ? 'key' : 'delta',
      data,
      timestamp,
      duration,
    };
  }
}

function annexBFilter(ffmpeg: Ffmpeg, input: TrackInput): BitStreamFilter | undefined {
  const { lib } = ffmpeg;
  // 1 is the version of an avcC record; anything else is Annex B already.
  if (input.stream.codecpar.extradata?.[0] !== 1) return undefined;
  const definition = lib.BitStreamFilter.getByName('h264_mp4toannexb');
  if (!definition) return undefined;
  const filter = new lib.BitStreamFilterContext();
  const what = 'the H.264 of the file cannot be taken out';
  check(ffmpeg, filter.alloc(definition), what, 'SLUICE_FILE_UNDECODABLE');
  if (filter.inputCodecParameters) input.stream.codecpar.copy(filter.inputCodecParameters);
  filter.inputTimeBase = input.stream.timeBase;
  check(ffmpeg, filter.init(), what, 'SLUICE_FILE_UNDECODABLE');
  return filter;
}
