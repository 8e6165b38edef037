import type { MediaValue } from '../media/media-value.js';
import { type Ffmpeg, check } from './ffmpeg.js';
import type { TrackInput } from './track-input.js';
import { undecodable } from './track-input.js';

/** A track of a file as values in the order of their timestamps. */
export interface Track {
  /** The next value, not taken yet; undefined at the end. */
  peek(): MediaValue | undefined;
  take(): MediaValue | undefined;
  close(): void;
}

type Context = InstanceType<Ffmpeg['lib']['CodecContext']>;

/** The largest picture that a file may hold; what comes out is smaller. */
const MAX_FILE_PIXELS = 8192 * 4608;

/** Opens FFmpeg's decoder for a track. Errors: SLUICE_FILE_UNDECODABLE. */
export function openTrackDecoder(ffmpeg: Ffmpeg, input: TrackInput, path: string): Context {
  const { lib, c } = ffmpeg;
  const parameters = input.stream.codecpar;
  const codec = lib.Codec.findDecoder(parameters.codecId);
  if (!codec)
    throw undecodable(path, `there is no decoder for ${lib.avGetCodecName(parameters.codecId) ?? 'its codec'}`);
  const context = new lib.CodecContext();
  context.allocContext3(codec);
  check(ffmpeg, context.parametersToContext(parameters), 'the decoder cannot be set up', 'SLUICE_FILE_UNDECODABLE');
  context.pktTimebase = input.stream.timeBase;
  context.threadCount = 1;
  if (parameters.codecType === c.AVMEDIA_TYPE_VIDEO) context.setOption('max_pixels', MAX_FILE_PIXELS);
  const opened = context.open2Sync(codec);
  if (opened < 0) throw undecodable(path, 'its decoder cannot be opened');
  return context;
}
