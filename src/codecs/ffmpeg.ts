import { SluiceError } from '../media/errors.js';
import type { ErrorCode } from '../media/errors.js';

/** FFmpeg in this process: node-av's classes with synchronous calls, and its constants. */
export type FfmpegLib = typeof import('node-av/lib');
export type FfmpegConstants = typeof import('node-av/constants');

export interface Ffmpeg {
  readonly lib: FfmpegLib;
  readonly c: FfmpegConstants;
}

let loading: Promise<Ffmpeg> | undefined;

/** Loads FFmpeg into this thread, once. Errors: SLUICE_CODEC_UNAVAILABLE. */
export function loadFfmpeg(): Promise<Ffmpeg> {
  loading ??= load();
  return loading;
}

/** Throws for a negative FFmpeg result, with FFmpeg's own words. */
export function check(ffmpeg: Ffmpeg, result: number, what: string, code: ErrorCode = 'SLUICE_CODEC_FAILED'): number {
  if (result >= 0) return result;
  throw new SluiceError(code, `${what}: ${describe(ffmpeg, result)}`);
}

/** FFmpeg's words for a negative result. */
export function describe(ffmpeg: Ffmpeg, result: number): string {
  return new ffmpeg.lib.FFmpegError(result).message;
}

async function load(): Promise<Ffmpeg> {
  try {
    const [lib, c] = await Promise.all([import('node-av/lib'), import('node-av/constants')]);
    // Results say what went wrong; FFmpeg's own lines on stderr would be nobody's.
    lib.Log.setLevel(c.AV_LOG_QUIET);
    return { lib, c };
  } catch (cause) {
    loading = undefined;
    throw new SluiceError('SLUICE_CODEC_UNAVAILABLE', 'FFmpeg (the package node-av) does not load on this machine', {
      cause,
      mend: 'Reinstall with `npm ci`, so that the prebuilt node-av of this platform is fetched.',
    });
  }
}
