import type { AudioData } from '../media/audio-data.js';
import type { CaptionsData } from '../media/captions.js';
import type { VideoFrame } from '../media/video-frame.js';
import type * as api from '../session/drivers/vonage/connector-api.js';
import type { MediaReadable } from '../session/media-readable.js';
import type { Subscriber } from '../session/subscriber.js';
import { describeError, isOfSession } from './error-numbers.js';
import { fromAudioData, fromVideoFrame } from './media.js';

/** What `subscribe()` made: brings what comes to its callbacks. What has no callback is not decoded. */
export class Subscription {
  /** As callbacks are given it. */
  readonly shown: api.Subscriber;
  readonly #subscriber: Subscriber;

  constructor(subscriber: Subscriber, shown: api.Subscriber, options: api.SubscribeOptions) {
    this.shown = shown;
    this.#subscriber = subscriber;
    const { onAudioData, onRenderFrame, onCaptionText } = options;
    let failed = false;
    for (const readable of [subscriber, ...partsOf(subscriber)]) {
      readable.on('error', (error: Error) => {
        if (!failed && !isOfSession(error)) options.onError?.(shown, ...describeError(error));
        failed = true;
      });
    }
    subscriber.once('disconnected', () => options.onDisconnected?.(shown));
    if (onAudioData) subscriber.audio.on('data', (audio: AudioData) => onAudioData(shown, fromAudioData(audio)));
    if (onRenderFrame) subscriber.video.on('data', (frame: VideoFrame) => onRenderFrame(shown, fromVideoFrame(frame)));
    if (onCaptionText)
      subscriber.captions.on('data', ({ text, isFinal }: CaptionsData) => onCaptionText(shown, text, isFinal));
  }

  /** Nothing is called any more but `onDisconnected`. */
  close(): void {
    for (const readable of partsOf(this.#subscriber)) readable.removeAllListeners('data');
    this.#subscriber.close();
    this.#subscriber.destroy();
  }
}

function partsOf({ audio, video, captions }: Subscriber): readonly MediaReadable[] {
  return [audio, video, captions];
}
