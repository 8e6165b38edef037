import type { EncodedAudioChunk, EncodedVideoChunk } from '../media/encoded-chunk.js';
import { SluiceError } from '../media/errors.js';
import type { MediaValue } from '../media/media-value.js';
import { type Ffmpeg, check, loadFfmpeg } from './ffmpeg.js';
import type { MuxerOptions } from './mux-options.js';
import { OPUS_LAG_SAMPLES, OPUS_LAG_US } from './opus-packet.js';
import { openOutputFile } from './output-file.js';

type FormatContext = InstanceType<Ffmpeg['lib']['FormatContext']>;
type Stream = InstanceType<Ffmpeg['lib']['Stream']>;

/** How long a muxer waits for the other track before it writes what it has, in µs. */
const INTERLEAVE_US = 1_000_000;

type Rational = InstanceType<Ffmpeg['lib']['Rational']>;

/** What is asked of a stream for every packet is asked once. */
interface MuxTrack {
  readonly index: number;
  readonly timeBase: Rational;
  lastPts: bigint | undefined;
}

/** Writes encoded chunks to a file as they are. Lives in a codec thread. */
export class MuxWriter {
  readonly #ffmpeg: Ffmpeg;
  readonly #path: string;
  readonly #format: FormatContext;
  readonly #packet: InstanceType<Ffmpeg['lib']['Packet']>;
  readonly #microsecond: Rational;
  readonly #audio: MuxTrack | undefined;
  readonly #video: MuxTrack | undefined;
  readonly #videoCodec: string | undefined;
  #originUs: number | undefined;
  #hasKeyFrame = false;
  #isOpen = true;

  constructor(ffmpeg: Ffmpeg, path: string, options: MuxerOptions) {
    this.#ffmpeg = ffmpeg;
    this.#path = path;
    const { lib } = ffmpeg;
    const format = new lib.FormatContext();
    this.#format = format;
    this.#check(format.allocOutputContext2(null, options.container, `file:${path}`));
    const audio = options.audio && addOpus(ffmpeg, format, options.audio.numberOfChannels);
    const video = options.video && addVideo(ffmpeg, format, options.video);
    this.#videoCodec = options.video?.codec;
    this.#check(format.openOutputSync());
    // Bit by bit the same media gives the same file: FFmpeg puts random numbers into it otherwise.
    const flags = ffmpeg.c.AVFMT_FLAG_FLUSH_PACKETS | ffmpeg.c.AVFMT_FLAG_BITEXACT;
    format.flags = (format.flags | flags) as typeof format.flags;
    format.maxInterleaveDelta = BigInt(INTERLEAVE_US);
    this.#check(format.writeHeaderSync(lib.Dictionary.fromObject(CONTAINER_OPTIONS[options.container])));
    // The container has had its say about the unit of time.
    this.#audio = audio && trackOf(audio);
    this.#video = video && trackOf(video);
    this.#packet = new lib.Packet();
    this.#packet.alloc();
    this.#microsecond = new lib.Rational(1, 1_000_000);
  }

  /** Errors: SLUICE_FORMAT_MISMATCH for a chunk that the file has no track for, SLUICE_FILE_WRITE. */
  write(chunk: MediaValue): void {
    if (!this.#isOpen) throw new SluiceError('SLUICE_STATE_INVALID', `${this.#path} is closed`);
    if (chunk.kind === 'encoded-audio' && this.#audio) {
      this.#write(this.#audio, chunk, chunk.timestamp - OPUS_LAG_US, true);
      return;
    }
    if (chunk.kind === 'encoded-video' && this.#video && chunk.codec === this.#videoCodec) {
      const isKey = chunk.type === 'key';
      // Nobody could show what comes before the first key frame.
      this.#hasKeyFrame ||= isKey;
      if (this.#hasKeyFrame) this.#write(this.#video, chunk, chunk.timestamp, isKey);
      return;
    }
    const what = chunk.kind === 'encoded-video' ? `${chunk.codec} video` : chunk.kind;
    throw new SluiceError('SLUICE_FORMAT_MISMATCH', `${this.#path} was not set up for ${what}`);
  }

  /** Completes the file. Errors: SLUICE_FILE_WRITE. */
  finish(): void {
    if (!this.#isOpen) return;
    try {
      this.#check(this.#format.interleavedWriteFrameSync(null));
      this.#check(this.#format.writeTrailerSync());
    } finally {
      this.close();
    }
  }

  /** Leaves the file as it is. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#packet.free();
    this.#format.closeOutputSync();
    this.#format.freeContext();
  }

  #write(track: MuxTrack, chunk: EncodedAudioChunk | EncodedVideoChunk, timestampUs: number, isKey: boolean): void {
    const { c } = this.#ffmpeg;
    const packet = this.#packet;
    this.#originUs ??= chunk.timestamp;
    packet.data = Buffer.from(chunk.data.buffer, chunk.data.byteOffset, chunk.data.byteLength);
    packet.streamIndex = track.index;
    packet.flags = isKey ? c.AV_PKT_FLAG_KEY : (0 as typeof packet.flags);
    packet.pts = BigInt(Math.round(timestampUs - this.#originUs));
    packet.dts = packet.pts;
    packet.duration = BigInt(Math.round(chunk.duration));
    packet.rescaleTs(this.#microsecond, track.timeBase);
    // Containers want time to grow with every packet, also after rounding to their unit.
    if (track.lastPts !== undefined && packet.pts <= track.lastPts) {
      packet.pts = track.lastPts + 1n;
      packet.dts = packet.pts;
    }
    track.lastPts = packet.pts;
    this.#check(this.#format.interleavedWriteFrameSync(packet));
  }

  #check(result: number): void {
    check(this.#ffmpeg, result, `cannot write ${this.#path}`, 'SLUICE_FILE_WRITE');
  }
}

/** Starts a file; folders are made. Errors: SLUICE_FILE_WRITE, SLUICE_CODEC_UNAVAILABLE. */
export async function openMuxWriter(path: string, options: MuxerOptions): Promise<MuxWriter> {
  const ffmpeg = await loadFfmpeg();
  const { handle } = await openOutputFile(path);
  await handle.close();
  return new MuxWriter(ffmpeg, path, options);
}

/**
 * What a killed process leaves must be readable: WebM is written in clusters of a second, MP4 in fragments,
 * which are put together to a plain MP4 at the end.
 */
const CONTAINER_OPTIONS = {
  webm: { cluster_time_limit: 1000, avoid_negative_ts: 'make_non_negative' },
  mp4: { movflags: 'hybrid_fragmented+delay_moov', frag_duration: 1_000_000 },
  ogg: { page_duration: 500_000 },
} as const;

function trackOf({ index, timeBase }: Stream): MuxTrack {
  return { index, timeBase, lastPts: undefined };
}

function addOpus(ffmpeg: Ffmpeg, format: FormatContext, numberOfChannels: number): Stream {
  const { c } = ffmpeg;
  const stream = format.newStream(null);
  const parameters = stream.codecpar;
  parameters.codecType = c.AVMEDIA_TYPE_AUDIO;
  parameters.codecId = c.AV_CODEC_ID_OPUS;
  parameters.sampleRate = 48_000;
  parameters.channelLayout = numberOfChannels === 1 ? c.AV_CHANNEL_LAYOUT_MONO : c.AV_CHANNEL_LAYOUT_STEREO;
  parameters.frameSize = 960;
  parameters.initialPadding = OPUS_LAG_SAMPLES;
  parameters.extradata = opusHead(numberOfChannels);
  stream.timeBase = new ffmpeg.lib.Rational(1, 48_000);
  return stream;
}

function addVideo(ffmpeg: Ffmpeg, format: FormatContext, video: NonNullable<MuxerOptions['video']>): Stream {
  const { c } = ffmpeg;
  const stream = format.newStream(null);
  const parameters = stream.codecpar;
  parameters.codecType = c.AVMEDIA_TYPE_VIDEO;
  parameters.codecId = video.codec === 'vp8' ? c.AV_CODEC_ID_VP8 : c.AV_CODEC_ID_H264;
  parameters.width = video.width;
  parameters.height = video.height;
  parameters.format = c.AV_PIX_FMT_YUV420P;
  stream.timeBase = new ffmpeg.lib.Rational(1, 90_000);
  return stream;
}

/** The identification header of RFC 7845 section 5.1, which all containers derive theirs from. */
function opusHead(numberOfChannels: number): Buffer {
  const head = Buffer.alloc(19);
  head.write('OpusHead', 'latin1');
  head[8] = 1;
  head[9] = numberOfChannels;
  head.writeUInt16LE(OPUS_LAG_SAMPLES, 10);
  head.writeUInt32LE(48_000, 12);
  return head;
}
