import type { SessionStats } from '../../../engine/port.js';
import type { Clock } from '../../../media/clock.js';
import { SluiceError } from '../../../media/errors.js';
import type {
  Connection,
  DriverPublish,
  DriverPublisher,
  DriverRead,
  DriverReader,
  DriverSession,
  PublisherEvent,
  ReaderEvent,
} from '../../driver.js';
import type { ResolvedSessionSettings } from '../../settings.js';
import type * as api from './connector-api.js';
import { toSluiceError } from './errors.js';
import { noCaptions, VonagePublisher } from './publisher.js';
import type { Readers } from './readers.js';

/** Longer than any program runs: a timer that only keeps the process alive. */
const FOREVER_MS = 2 ** 31 - 1;

export interface VonageSessionParts {
  readonly client: api.ConnectorClient;
  readonly clock: Clock;
  readonly settings: ResolvedSessionSettings;
  readonly readers: Readers;
  readonly sessionId: string;
  readonly connection: Connection;
  /** What is published takes audio now; called for each publisher that has audio. */
  readonly onReady: () => void;
  /** The session is being left: nothing is to be told of any more. */
  readonly onLeave: () => void;
}

/** A Vonage session that was joined. */
export class VonageSession implements DriverSession {
  readonly sessionId: string;
  readonly connection: Connection;
  readonly #parts: VonageSessionParts;
  #publisher: VonagePublisher | undefined;
  #publishing = false;
  /** What `publish` gives to its caller in this turn of the event loop. */
  #given: VonagePublisher | undefined;
  /** The client said that it takes audio. */
  #ready = false;
  #keepAlive: NodeJS.Timeout | undefined;
  #leaving: Promise<void> | undefined;

  constructor(parts: VonageSessionParts) {
    this.#parts = parts;
    this.sessionId = parts.sessionId;
    this.connection = parts.connection;
    this.ref();
  }

  async publish(request: DriverPublish, onEvent: (event: PublisherEvent) => void): Promise<DriverPublisher> {
    const { client, clock, settings } = this.#parts;
    checkRequest(request, settings);
    if (this.#publishing || (this.#publisher && !this.#publisher.isOver)) {
      throw new SluiceError(
        'SLUICE_PUBLISH_FAILED',
        'a participant of a Vonage session publishes one stream at a time',
        {
          mend: 'Unpublish the other one first, or join once more.',
        },
      );
    }
    this.#publishing = true;
    this.#given = undefined;
    this.#ready = false;
    let publisher: VonagePublisher | undefined;
    const { name, hasAudio, hasVideo, stereo, dtx } = request;
    try {
      const { stream } = await client.publish({
        settings: { name, hasAudio, hasVideo, audioSettings: { enableStereoMode: stereo, enableOpusDtx: dtx } },
        onError: (_, description, code) =>
          onEvent({ type: 'error', error: toSluiceError(description, 'SLUICE_PUBLISH_FAILED', code) }),
        onStreamDestroyed: () => publisher?.end(),
      });
      publisher = new VonagePublisher(client, stream.streamId, { clock, fps: request.video.fps, onEvent });
      this.#publisher = publisher;
      this.#given = publisher;
      setImmediate(() => {
        if (this.#given !== publisher) return;
        this.#given = undefined;
        if (this.#ready) this.#tellReady();
      });
      return publisher;
    } catch (error) {
      throw toSluiceError(error, 'SLUICE_PUBLISH_FAILED');
    } finally {
      this.#publishing = false;
    }
  }

  async read(request: DriverRead, onEvent: (event: ReaderEvent) => void): Promise<DriverReader> {
    return await this.#parts.readers.open(request, onEvent);
  }

  /** The client takes audio; told on when `publish` has resolved. */
  onReadyForAudio(): void {
    this.#ready = true;
    if (!this.#publishing && !this.#given) this.#tellReady();
  }

  /** A buffer of the client ran dry. */
  onMediaBufferDrained(): void {
    this.#publisher?.look();
  }

  /** There is nothing of the kind. */
  setAttributes(): Promise<void> {
    return Promise.reject(
      new SluiceError('SLUICE_PUBLISH_FAILED', 'a participant of a Vonage session has no attributes', {
        mend: 'Tell others by the signals of the Vonage Video API.',
      }),
    );
  }

  /** The client tells nothing of this. */
  stats(): Promise<SessionStats> {
    return Promise.resolve({
      candidatePairs: [],
      outbound: [],
      remoteInbound: [],
      inbound: [],
      packetsDiscarded: 0,
      captionsDiscarded: 0,
    });
  }

  disconnect(): Promise<void> {
    return (this.#leaving ??= this.#leave());
  }

  ref(): void {
    if (this.#leaving) return;
    this.#keepAlive ??= setInterval(() => undefined, FOREVER_MS);
  }

  unref(): void {
    clearInterval(this.#keepAlive);
    this.#keepAlive = undefined;
  }

  async #leave(): Promise<void> {
    const { client, onLeave } = this.#parts;
    onLeave();
    try {
      await client.disconnect();
    } finally {
      this.unref();
    }
  }

  #tellReady(): void {
    this.#ready = false;
    if (!this.#leaving) this.#parts.onReady();
  }
}

/** The formats of raw media are set for the whole session. Errors: SLUICE_PUBLISH_FAILED. */
function checkRequest(
  { audio, video, hasAudio, hasVideo, captions, videoCodec }: DriverPublish,
  settings: ResolvedSessionSettings,
): void {
  if (captions) throw noCaptions();
  const { audioPublisher, videoPublisher } = settings.av;
  const refused = (message: string, mend: string): never => {
    throw new SluiceError('SLUICE_PUBLISH_FAILED', message, { mend });
  };
  if (
    hasAudio &&
    (audio.sampleRate !== audioPublisher.sampleRate || audio.numberOfChannels !== audioPublisher.numberOfChannels)
  ) {
    refused(
      'a Vonage session has one audio format for what is published',
      'Set av.audioPublisher instead of audioFormat.',
    );
  }
  if (hasVideo && JSON.stringify(video) !== JSON.stringify(videoPublisher)) {
    refused(
      'a Vonage session has one video format for what is published',
      'Set av.videoPublisher instead of videoFormat.',
    );
  }
  if (hasVideo && videoCodec !== 'vp8') {
    refused('the codec of a Vonage session is not for the publisher to choose', 'Leave videoCodec out.');
  }
}
