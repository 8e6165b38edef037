import { stat } from 'node:fs/promises';
import { SluiceError } from '../media/errors.js';
import { type Ffmpeg, describe } from './ffmpeg.js';

type FormatContext = InstanceType<Ffmpeg['lib']['FormatContext']>;
type Stream = InstanceType<Ffmpeg['lib']['Stream']>;
export type Packet = InstanceType<Ffmpeg['lib']['Packet']>;

/** FFmpeg shows text files as animated terminals; nobody means that. */
const REFUSED_FORMATS = ['tty', 'bin', 'xbin', 'adf', 'idf', 'txt'];

/**
 * One track of a file, read through a demuxer of its own: two tracks can then be read in any order without
 * holding what lies between them, however the file is interleaved.
 */
export class TrackInput {
  readonly stream: Stream;
  readonly #ffmpeg: Ffmpeg;
  readonly #format: FormatContext;
  readonly #packet: Packet;
  readonly #startUs: number;

  private constructor(ffmpeg: Ffmpeg, format: FormatContext, stream: Stream) {
    this.#ffmpeg = ffmpeg;
    this.#format = format;
    this.stream = stream;
    for (const other of format.streams) if (other.index !== stream.index) other.discard = ffmpeg.c.AVDISCARD_ALL;
    this.#packet = new ffmpeg.lib.Packet();
    this.#packet.alloc();
    this.#startUs = format.startTime === ffmpeg.c.AV_NOPTS_VALUE ? 0 : Number(format.startTime);
  }

  /** Opens the best track of a kind; undefined when the file has none. Errors: SLUICE_FILE_UNDECODABLE. */
  static open(ffmpeg: Ffmpeg, path: string, kind: 'audio' | 'video'): TrackInput | undefined {
    const { c } = ffmpeg;
    const format = openFormat(ffmpeg, path);
    const index = format.findBestStream(kind === 'audio' ? c.AVMEDIA_TYPE_AUDIO : c.AVMEDIA_TYPE_VIDEO);
    const stream = index < 0 ? undefined : format.streams[index];
    if (stream && !stream.hasDisposition(c.AV_DISPOSITION_ATTACHED_PIC)) return new TrackInput(ffmpeg, format, stream);
    format.closeInputSync();
    return undefined;
  }

  /** Length of the whole file in µs, where it is known. */
  get durationUs(): number | undefined {
    const duration = this.#format.duration;
    return duration > 0n ? Number(duration) : undefined;
  }

  /** The track's next packet, good until the next call; undefined at the end. */
  read(): Packet | undefined {
    for (;;) {
      this.#packet.unref();
      if (this.#format.readFrameSync(this.#packet) < 0) return undefined;
      if (this.#packet.streamIndex === this.stream.index) return this.#packet;
    }
  }

  /** A time of the track in µs since the start of the file; undefined where there is none. */
  toUs(pts: bigint): number | undefined {
    if (pts === this.#ffmpeg.c.AV_NOPTS_VALUE) return undefined;
    return Math.round(this.spanUs(pts) - this.#startUs);
  }

  /** A length of time in the track's unit, in µs. */
  spanUs(duration: bigint): number {
    const { num, den } = this.stream.timeBase;
    return (Number(duration) * num * 1_000_000) / den;
  }

  close(): void {
    this.#packet.free();
    this.#format.closeInputSync();
  }
}

/** Refuses what is not a file that can be read. Errors: SLUICE_FILE_NOT_FOUND. */
export async function checkFile(path: string): Promise<void> {
  let reason: string;
  try {
    if ((await stat(path)).isFile()) return;
    reason = 'is not a file';
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    reason = code === 'ENOENT' || code === 'ENOTDIR' ? 'does not exist' : `cannot be opened (${code ?? String(error)})`;
  }
  throw new SluiceError('SLUICE_FILE_NOT_FOUND', `${path} ${reason}`, {
    place: { file: path },
    mend: 'Check the path.',
  });
}

/** The error for a file without anything to play. */
export function undecodable(path: string, reason: string): SluiceError {
  return new SluiceError('SLUICE_FILE_UNDECODABLE', `${path} cannot be decoded: ${reason}`, {
    place: { file: path },
    mend: 'Use an audio or video file that FFmpeg can read.',
  });
}

function openFormat(ffmpeg: Ffmpeg, path: string): FormatContext {
  const format = new ffmpeg.lib.FormatContext();
  // A playlist or an index may name other files, but nothing on the network.
  const options = ffmpeg.lib.Dictionary.fromObject({ protocol_whitelist: 'file,crypto,data' });
  const opened = format.openInputSync(`file:${path}`, null, options);
  if (opened < 0) throw undecodable(path, describe(ffmpeg, opened));
  const name = format.iformat?.name ?? '';
  const found = REFUSED_FORMATS.includes(name) ? -1 : format.findStreamInfoSync();
  if (found >= 0) return format;
  format.closeInputSync();
  throw undecodable(path, REFUSED_FORMATS.includes(name) ? 'it is text' : describe(ffmpeg, found));
}
