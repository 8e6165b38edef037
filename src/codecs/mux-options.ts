import type { VideoCodec } from '../media/encoded-chunk.js';

/** What a new media file is to hold. At least one of audio and video. */
export interface MuxerOptions {
  /** `webm`: Opus and VP8. `mp4`: Opus and H.264. `ogg`: Opus only. All stay readable when the process is killed, but for about the last second. */
  readonly container: 'webm' | 'mp4' | 'ogg';
  readonly audio?: { readonly codec: 'opus'; readonly numberOfChannels: 1 | 2 };
  /** Pixels of the first picture; later ones may differ. */
  readonly video?: { readonly codec: VideoCodec; readonly width: number; readonly height: number };
}
