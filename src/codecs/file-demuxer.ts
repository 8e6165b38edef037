import type { MediaValue } from '../media/media-value.js';
import { AudioTrack } from './audio-track.js';
import type { WorkResult } from './codec-port.js';
import { type Ffmpeg, loadFfmpeg } from './ffmpeg.js';
import type { AudioTrackInfo, FileInfo, FileReadOptions, VideoTrackInfo } from './file-options.js';
import { PacketTrack, passThroughCodec } from './packet-track.js';
import type { Track } from './track.js';
import { TrackInput, checkFile, undecodable } from './track-input.js';
import { VideoTrack } from './video-track.js';

/** How much media one batch covers, of sound alone and of what has pictures, and what it may weigh at most. */
const SOUND_BATCH_US = 1_000_000;
const BATCH_US = 200_000;
const BATCH_VALUES = 100;
const BATCH_BYTES = 24 * 1024 * 1024;

/** A media file inside a codec thread, read batch by batch. */
export class FileDemuxer {
  readonly #tracks: readonly Track[];
  readonly #batchUs: number;

  /** `hasVideo`: one of the tracks has pictures. */
  constructor(tracks: readonly Track[], hasVideo: boolean) {
    this.#tracks = tracks;
    this.#batchUs = hasVideo ? BATCH_US : SOUND_BATCH_US;
  }

  /** A batch of media in the order of its timestamps: a second of sound, or 200 ms with pictures. */
  nextBatch(): WorkResult {
    const values: MediaValue[] = [];
    let bytes = 0;
    for (;;) {
      const value = this.#earliest()?.take();
      if (!value) return { values, isEnd: true };
      values.push(value);
      bytes += value.data.byteLength;
      const spanUs = value.timestamp - (values[0]?.timestamp ?? 0);
      if (spanUs >= this.#batchUs || values.length >= BATCH_VALUES || bytes >= BATCH_BYTES) return { values };
    }
  }

  close(): void {
    for (const track of this.#tracks) track.close();
  }

  #earliest(): Track | undefined {
    let earliest: Track | undefined;
    let timestamp = Infinity;
    for (const track of this.#tracks) {
      const value = track.peek();
      if (value && value.timestamp < timestamp) {
        earliest = track;
        timestamp = value.timestamp;
      }
    }
    return earliest;
  }
}

/** Opens a file for reading. Errors: SLUICE_FILE_NOT_FOUND, SLUICE_FILE_UNDECODABLE. */
export async function openFileDemuxer(path: string, options: FileReadOptions): Promise<FileDemuxer> {
  await checkFile(path);
  const ffmpeg = await loadFfmpeg();
  const tracks: Track[] = [];
  let hasVideo = false;
  try {
    for (const kind of ['audio', 'video'] as const) {
      if (options[kind] === false) continue;
      const track = openTrack(ffmpeg, path, kind, options);
      if (!track) continue;
      tracks.push(track);
      hasVideo ||= kind === 'video';
    }
    if (tracks.length === 0) throw undecodable(path, 'it holds no audio or video that can be played');
  } catch (error) {
    for (const track of tracks) track.close();
    throw error;
  }
  return new FileDemuxer(tracks, hasVideo);
}

/** Tells what a file holds, having decoded the start of each track. Errors: SLUICE_FILE_NOT_FOUND, SLUICE_FILE_UNDECODABLE. */
export async function probeFile(path: string): Promise<FileInfo> {
  await checkFile(path);
  const ffmpeg = await loadFfmpeg();
  const info: { durationUs?: number; audio?: AudioTrackInfo; video?: VideoTrackInfo } = {};
  for (const kind of ['audio', 'video'] as const) {
    const input = TrackInput.open(ffmpeg, path, kind);
    if (!input) continue;
    const { durationUs } = input;
    const found = kind === 'audio' ? { audio: audioInfo(ffmpeg, input) } : { video: videoInfo(ffmpeg, input) };
    if (!startTrack(() => decodingTrack(ffmpeg, input, path, kind, {}), input)) continue;
    Object.assign(info, found, durationUs !== undefined && { durationUs });
  }
  if (!info.audio && !info.video) throw undecodable(path, 'it holds no audio or video that can be played');
  return info;
}

/** The track, standing at its first value; undefined when the file has none that can be decoded. */
function openTrack(ffmpeg: Ffmpeg, path: string, kind: 'audio' | 'video', options: FileReadOptions): Track | undefined {
  const input = TrackInput.open(ffmpeg, path, kind);
  if (!input) return undefined;
  const codec = options.encoded === true ? passThroughCodec(ffmpeg, input) : undefined;
  const make = (): Track =>
    codec ? new PacketTrack(ffmpeg, input, codec) : decodingTrack(ffmpeg, input, path, kind, options);
  return startTrack(make, input, true);
}

function decodingTrack(
  ffmpeg: Ffmpeg,
  input: TrackInput,
  path: string,
  kind: 'audio' | 'video',
  options: FileReadOptions,
): Track {
  if (kind === 'video')
    return new VideoTrack(ffmpeg, input, path, options.video === false ? {} : (options.video ?? {}));
  const { sampleRate = 48_000, numberOfChannels = 2 } = options.audio === false ? {} : (options.audio ?? {});
  return new AudioTrack(ffmpeg, input, path, { sampleRate, numberOfChannels });
}

/** Makes a track and reads its first value, which shows whether it can be decoded at all. Closed again unless `keep`. */
function startTrack(make: () => Track, input: TrackInput, keep = false): Track | undefined {
  let track: Track;
  try {
    track = make();
  } catch {
    input.close();
    return undefined;
  }
  const isAlive = track.peek() !== undefined;
  if (!isAlive || !keep) track.close();
  return isAlive ? track : undefined;
}

function audioInfo(ffmpeg: Ffmpeg, input: TrackInput): AudioTrackInfo {
  const parameters = input.stream.codecpar;
  return {
    codec: ffmpeg.lib.avGetCodecName(parameters.codecId) ?? 'unknown',
    sampleRate: parameters.sampleRate,
    numberOfChannels: parameters.channelLayout.nbChannels,
    passThrough: passThroughCodec(ffmpeg, input) !== undefined,
  };
}

function videoInfo(ffmpeg: Ffmpeg, input: TrackInput): VideoTrackInfo {
  const { codecpar, avgFrameRate } = input.stream;
  return {
    codec: ffmpeg.lib.avGetCodecName(codecpar.codecId) ?? 'unknown',
    width: codecpar.width,
    height: codecpar.height,
    frameRate: avgFrameRate.den > 0 ? avgFrameRate.num / avgFrameRate.den : 0,
    passThrough: passThroughCodec(ffmpeg, input) !== undefined,
  };
}
