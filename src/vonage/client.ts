import { connect } from '../connect.js';
import { systemClock } from '../media/clock.js';
import { SluiceError } from '../media/errors.js';
import type {
  AudioData,
  ConnectOptions,
  Connection,
  ConnectorClient,
  MediaBufferStats,
  Publisher,
  PublishOptions,
  Session,
  Stream,
  SubscribeOptions,
  Subscriber,
  VideoFrame,
} from '../session/drivers/vonage/connector-api.js';
import { JoinedSession } from './joined-session.js';
import { sessionSettings } from './settings.js';

/**
 * The client of the Video Connector's Node.js package, on sluice: a program written for that package runs on the embedded
 * server or a LiveKit server by importing this one. The server is SLUICE_URL's; without it the embedded one is used, and
 * started if none runs. An open session keeps the process alive; a program that disconnects its client exits by itself.
 *
 * Methods reject, and `addAudio` and `addVideo` throw, with a SluiceError; `onError` callbacks are given its message and its
 * number of ERROR_NUMBERS.
 */
export class VonageVideoClient implements ConnectorClient {
  #joining: AbortController | undefined;
  #joined: JoinedSession | undefined;

  /**
   * Joins a session. `applicationId` is not needed here: the token says who comes. An empty token is made from SLUICE_TOKEN, or
   * SLUICE_API_KEY and SLUICE_API_SECRET, or the development keys on this machine.
   * Errors: those of `connect` in `sluice`; SLUICE_STATE_INVALID when it is connected already; SLUICE_PERMISSION_DENIED for a
   * token of another session.
   */
  async connect(
    applicationId: string,
    sessionId: string,
    token: string,
    options: ConnectOptions = {},
  ): Promise<Session> {
    checkTexts({ applicationId, sessionId, token });
    const settings = sessionSettings(options.sessionSettings);
    if (this.#joined || this.#joining) {
      throw new SluiceError('SLUICE_STATE_INVALID', 'the client is connected already', {
        mend: 'Disconnect it first, or use another client.',
      });
    }
    const joining = new AbortController();
    this.#joining = joining;
    try {
      const session = await connect({ sessionId, settings, signal: joining.signal, ...(token !== '' && { token }) });
      if (session.sessionId !== sessionId) {
        await session.disconnect();
        throw new SluiceError(
          'SLUICE_PERMISSION_DENIED',
          `the token is for session ${session.sessionId}, not ${sessionId}`,
        );
      }
      const joined = new JoinedSession(session, options, systemClock);
      this.#joined = joined;
      session.once('disconnected', () => {
        if (this.#joined === joined) this.#joined = undefined;
      });
      return joined.shown;
    } finally {
      this.#joining = undefined;
    }
  }

  /** Leaves the session, or gives up joining; resolves when `onDisconnected` has been called. Never rejects. */
  async disconnect(): Promise<void> {
    this.#joining?.abort(new SluiceError('SLUICE_SESSION_CLOSED', 'the client was disconnected while it was joining'));
    await this.#joined?.disconnect();
  }

  /**
   * Publishes a stream, one at a time. Audio is taken from `onReadyForAudio` on.
   * Errors: SLUICE_CONFIG_INVALID, SLUICE_PERMISSION_DENIED, SLUICE_PUBLISH_FAILED, SLUICE_SESSION_CLOSED;
   * SLUICE_STATE_INVALID when something is published already.
   */
  async publish(options: PublishOptions): Promise<Publisher> {
    return await this.#session().publish(options);
  }

  /** Stops publishing; what waits is dropped. Nothing happens where nothing is published. */
  async unpublish(): Promise<void> {
    await this.#joined?.unpublish();
  }

  /**
   * Subscribes to a stream, once. Its audio becomes part of the mix.
   * Errors: SLUICE_CONFIG_INVALID, SLUICE_STREAM_UNKNOWN, SLUICE_SUBSCRIBE_FAILED, SLUICE_SESSION_CLOSED;
   * SLUICE_STATE_INVALID when it is subscribed to already.
   */
  async subscribe(stream: Stream, options: SubscribeOptions = {}): Promise<Subscriber> {
    return await this.#session().subscribe(stream, options);
  }

  /** Stops receiving a stream. Nothing happens where it is not subscribed to. */
  async unsubscribe(stream: Stream): Promise<void> {
    this.#joined?.unsubscribe(stream);
    return Promise.resolve();
  }

  /**
   * Takes audio in the format of `av.audioPublisher`, any whole number of frames. False where nothing is published, or 60 s
   * of it wait. Errors: SLUICE_FORMAT_MISMATCH for other audio, which names both formats.
   */
  addAudio(audioData: AudioData): boolean {
    return this.#joined?.publication?.addAudio(audioData) ?? false;
  }

  /**
   * Takes a picture in the size and format of `av.videoPublisher`. False where nothing is published, or 1 s of pictures
   * wait. Errors: SLUICE_FORMAT_MISMATCH for another picture, which names both formats.
   */
  addVideo(frame: VideoFrame): boolean {
    return this.#joined?.publication?.addVideo(frame) ?? false;
  }

  /** What was taken and has not been sent, now; empty while nothing is published. */
  getMediaBufferStats(): MediaBufferStats {
    return this.#joined?.publication?.stats ?? {};
  }

  /** Drops what was taken and has not been sent, audio and video; false while nothing is published. */
  clearMediaBuffers(): boolean {
    const publication = this.#joined?.publication;
    publication?.clear();
    return publication !== undefined;
  }

  /** This participant; undefined while not connected. */
  getConnection(): Connection | undefined {
    return this.#joined?.connection;
  }

  isPublishing(): boolean {
    return this.#joined?.publication !== undefined;
  }

  isConnected(): boolean {
    return this.#joined !== undefined;
  }

  #session(): JoinedSession {
    if (this.#joined) return this.#joined;
    throw new SluiceError('SLUICE_SESSION_CLOSED', 'the client is not connected', { mend: 'Await connect() first.' });
  }
}

function checkTexts(texts: Readonly<Record<string, unknown>>): void {
  for (const [name, text] of Object.entries(texts)) {
    if (typeof text === 'string' && (text !== '' || name === 'token')) continue;
    const found = text === '' ? 'an empty text' : typeof text;
    throw new SluiceError('SLUICE_CONFIG_INVALID', `${name}: found ${found}, expected a text`);
  }
}
