import { audioDurationUs } from '../media/audio-data.js';
import type { Clock } from '../media/clock.js';
import type { MediaValue } from '../media/media-value.js';
import type { MediaBufferStats, Publisher } from '../session/publisher.js';
import type * as api from '../session/drivers/vonage/connector-api.js';
import { toAudioData, toVideoFrame } from './media.js';

/** Media time that may wait, in ms. Speech comes in one piece; pictures are large. */
const MAX_AUDIO_MS = 60_000;
const MAX_VIDEO_MS = 1000;

/** Time stamps for media that comes without: it is placed behind what came before, and not before it came. */
class Position {
  #endUs = 0;

  /** Where media begins that comes at `nowUs`. */
  next(nowUs: number): number {
    return Math.max(this.#endUs, nowUs);
  }

  /** It was taken, and is so long. */
  advance(beginUs: number, durationUs: number): void {
    this.#endUs = beginUs + durationUs;
  }

  /** What waited is gone. */
  reset(): void {
    this.#endUs = 0;
  }
}

/** What `publish()` made: takes media of the connector's shape. */
export class Publication {
  readonly publisher: Publisher;
  /** As callbacks are given it. */
  readonly shown: api.Publisher;
  readonly #clock: Clock;
  readonly #pictureUs: number;
  readonly #audio = new Position();
  readonly #video = new Position();

  constructor(publisher: Publisher, shown: api.Publisher, clock: Clock, fps: number) {
    this.publisher = publisher;
    this.shown = shown;
    this.#clock = clock;
    this.#pictureUs = 1_000_000 / fps;
  }

  /** Takes audio; false where so much waits already that there is no room for it. Errors: SLUICE_FORMAT_MISMATCH. */
  addAudio(audio: api.AudioData): boolean {
    const beginUs = this.#audio.next(this.#clock.nowUs());
    const value = toAudioData(audio, Math.round(beginUs));
    this.publisher.check(value);
    const durationUs = audioDurationUs(value);
    if ((this.stats.audio?.durationMs ?? 0) + durationUs / 1000 > MAX_AUDIO_MS) return false;
    this.#audio.advance(beginUs, durationUs);
    return this.#write(value);
  }

  /** Takes a picture; false where so many wait already that there is no room for it. Errors: SLUICE_FORMAT_MISMATCH. */
  addVideo(frame: api.VideoFrame): boolean {
    const beginUs = this.#video.next(this.#clock.nowUs());
    const value = toVideoFrame(frame, Math.round(beginUs));
    this.publisher.check(value);
    if ((this.stats.video?.durationMs ?? 0) + this.#pictureUs / 1000 > MAX_VIDEO_MS) return false;
    this.#video.advance(beginUs, this.#pictureUs);
    return this.#write(value);
  }

  get stats(): MediaBufferStats {
    return this.publisher.stats;
  }

  clear(): void {
    this.publisher.clear();
    this.#audio.reset();
    this.#video.reset();
  }

  #write(value: MediaValue): true {
    this.publisher.write(value);
    return true;
  }
}
