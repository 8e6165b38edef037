import type { VideoPreference } from '../../../engine/port.js';
import type * as api from './connector-api.js';
import { toSluiceError } from './errors.js';

/** What a stream is subscribed to with. */
export interface Wanted {
  readonly audio: boolean;
  readonly video: boolean;
  readonly captions: boolean;
  readonly preference: VideoPreference;
}

/** Who is told of a stream. */
export interface StreamListener {
  onAudioData(audio: api.AudioData): void;
  onRenderFrame(frame: api.VideoFrame): void;
  onCaptionText(text: string, isFinal: boolean): void;
  onError(error: Error): void;
}

const NOTHING = '';

/**
 * The subscription to one stream, which all of its readers share: a client subscribes to a stream once. What is wanted of
 * it may change; then it is made anew, one step after another.
 */
export class StreamSubscription {
  readonly #client: api.ConnectorClient;
  readonly #stream: api.Stream;
  readonly #listener: StreamListener;
  #wanted: Wanted | undefined;
  /** What the client is subscribed with. */
  #has = NOTHING;
  #work: Promise<void> = Promise.resolve();

  constructor(client: api.ConnectorClient, stream: api.Stream, listener: StreamListener) {
    this.#client = client;
    this.#stream = stream;
    this.#listener = listener;
  }

  /** Sets what is wanted; undefined for nothing. Rejects when it cannot be had. */
  want(wanted: Wanted | undefined): Promise<void> {
    this.#wanted = wanted;
    const step = this.#work.then(() => this.#become());
    this.#work = step.catch(() => undefined);
    return step;
  }

  async #become(): Promise<void> {
    const wanted = this.#wanted;
    const key = wanted ? JSON.stringify(wanted) : NOTHING;
    if (key === this.#has) return;
    if (this.#has !== NOTHING) {
      this.#has = NOTHING;
      await this.#client.unsubscribe(this.#stream);
    }
    if (!wanted) return;
    try {
      await this.#subscribe(wanted);
    } catch (error) {
      throw toSluiceError(error, 'SLUICE_SUBSCRIBE_FAILED');
    }
    this.#has = key;
  }

  async #subscribe({ audio, video, captions, preference }: Wanted): Promise<void> {
    const listener = this.#listener;
    await this.#client.subscribe(this.#stream, {
      settings: {
        subscribeToAudio: audio,
        subscribeToVideo: video,
        subscribeToCaptions: captions,
        videoSettings: videoSettings(preference),
      },
      onError: (_, description, code) => listener.onError(toSluiceError(description, 'SLUICE_SUBSCRIBE_FAILED', code)),
      ...(audio && { onAudioData: (_: api.Subscriber, data: api.AudioData) => listener.onAudioData(data) }),
      ...(video && { onRenderFrame: (_: api.Subscriber, frame: api.VideoFrame) => listener.onRenderFrame(frame) }),
      ...(captions && {
        onCaptionText: (_: api.Subscriber, text: string, isFinal: boolean) => listener.onCaptionText(text, isFinal),
      }),
    });
  }
}

function videoSettings({ width, height, fps }: VideoPreference): api.SubscriberSettings['videoSettings'] {
  return {
    ...(width !== undefined && height !== undefined && { preferredResolution: { width, height } }),
    ...(fps !== undefined && { preferredFramerate: fps }),
  };
}
