import type { AudioData } from '../media/audio-data.js';
import type { VideoFrame } from '../media/video-frame.js';
import type * as api from '../session/drivers/vonage/connector-api.js';
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
    const { onAudioData, onRenderFrame } = options;
    let failed = false;
    for (const readable of [subscriber, subscriber.audio, subscriber.video]) {
      readable.on('error', (error: Error) => {
        if (!failed && !isOfSession(error)) options.onError?.(shown, ...describeError(error));
        failed = true;
      });
    }
    subscriber.once('disconnected', () => options.onDisconnected?.(shown));
    if (onAudioData) subscriber.audio.on('data', (audio: AudioData) => onAudioData(shown, fromAudioData(audio)));
    if (onRenderFrame) subscriber.video.on('data', (frame: VideoFrame) => onRenderFrame(shown, fromVideoFrame(frame)));
  }

  /** Nothing is called any more but `onDisconnected`. */
  close(): void {
    for (const readable of [this.#subscriber.audio, this.#subscriber.video]) readable.removeAllListeners('data');
    this.#subscriber.close();
    this.#subscriber.destroy();
  }
}
