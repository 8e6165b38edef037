import { CaptionQueue } from '../../media/caption-queue.js';
import { toErrorData, fromErrorData } from '../../media/errors.js';
import { durationUs, type StreamValue } from '../../media/media-value.js';
import { CreditedQueue } from '../../session/credited-queue.js';
import type { DriverRead, DriverReader, ReadKind, ReaderEvent } from '../../session/driver.js';
import { AudioConversion } from '../conversion/audio-conversion.js';
import { VideoConversion } from '../conversion/video-conversion.js';
import type { RoomStream } from './room-stream.js';

/** Media time of a picture that does not say it, in µs. */
const PICTURE_US = 33_333;

/** Reads one stream of a room as it was asked for, raw or encoded. Nothing is made before it is read. */
export class StreamReader implements DriverReader {
  readonly #stream: RoomStream;
  readonly #request: DriverRead;
  readonly #onEvent: (event: ReaderEvent) => void;
  readonly #queues: Readonly<Record<'audio' | 'video', CreditedQueue>>;
  readonly #captions: CaptionQueue;
  readonly #stops: (() => void)[] = [];
  readonly #started = new Set<ReadKind>();
  #audio: AudioConversion | undefined;
  #video: VideoConversion | undefined;
  #closed = false;

  constructor(stream: RoomStream, request: DriverRead, onEvent: (event: ReaderEvent) => void) {
    this.#stream = stream;
    this.#request = request;
    this.#onEvent = (event) => {
      if (!this.#closed) onEvent(event);
    };
    this.#queues = {
      audio: new CreditedQueue('audio', request.maxLagMs, this.#onEvent),
      video: new CreditedQueue('video', request.maxLagMs, this.#onEvent),
    };
    this.#captions = new CaptionQueue(
      (value) => {
        this.#onEvent({ type: 'media', value });
      },
      () => {
        this.#onEvent({ type: 'overflow', kind: 'captions', values: 1, durationUs: 0 });
      },
    );
    this.#stops.push(stream.whenEnded(() => void this.#end()));
  }

  credit(kind: ReadKind, values: number): void {
    if (this.#closed) return;
    if (kind === 'captions') this.#captions.grant(values);
    else this.#queues[kind].grant(values);
    if (this.#started.has(kind)) return;
    this.#started.add(kind);
    this.#stops.push(this.#stream.listen(kind, this.#takes(kind)));
    if (kind === 'video') this.#stream.requestKeyFrame();
  }

  requestKeyFrame(): void {
    this.#video?.requestKeyFrame();
  }

  prefer(): void {
    // There is one quality only.
  }

  close(): void {
    this.#closed = true;
    for (const stop of this.#stops.splice(0)) stop();
    this.#audio?.close();
    this.#video?.close();
  }

  #takes(kind: ReadKind): (value: StreamValue) => void {
    if (kind === 'captions') {
      return (value) => {
        if (value.kind === 'captions') this.#captions.push(value);
      };
    }
    if (kind === 'audio') {
      const audio = (this.#audio = this.#audioConversion());
      return (value) => {
        if (value.kind === 'audio' || value.kind === 'encoded-audio') void audio.push(value);
      };
    }
    const video = (this.#video = this.#videoConversion());
    return (value) => {
      if (value.kind === 'video' || value.kind === 'encoded-video') void video.push(value);
    };
  }

  #audioConversion(): AudioConversion {
    const { encoded, audioFormat } = this.#request;
    return new AudioConversion({
      target: encoded ? 'opus' : audioFormat,
      onValue: (value) => {
        this.#queues.audio.push(value, durationUs(value));
      },
      onError: this.#fail,
    });
  }

  #videoConversion(): VideoConversion {
    const { encoded, pixelFormat, maxVideo } = this.#request;
    return new VideoConversion({
      target: encoded ? { codec: 'vp8' } : { format: pixelFormat, ...(maxVideo && { fitInto: maxVideo }) },
      onValue: (value) => {
        this.#queues.video.push(value, durationUs(value) || PICTURE_US);
      },
      onError: this.#fail,
      onKeyFrameWanted: () => {
        this.#stream.requestKeyFrame();
      },
    });
  }

  async #end(): Promise<void> {
    await this.#audio?.flush();
    await this.#video?.settled();
    this.#onEvent({ type: 'ended' });
  }

  readonly #fail = (error: unknown): void => {
    this.#onEvent({ type: 'error', error: fromErrorData(toErrorData(error)) });
  };
}
