import type { VideoPreference } from '../../../engine/port.js';
import type { Clock } from '../../../media/clock.js';
import { SluiceError } from '../../../media/errors.js';
import type { DriverRead, DriverReader, ReaderEvent } from '../../driver.js';
import type { AudioFormat } from '../../settings.js';
import type * as api from './connector-api.js';
import { VonageReader } from './reader.js';
import { StreamSubscription } from './stream-subscription.js';

/** A stream that is there, its readers, and the subscription that they share. */
interface ReadStream {
  readonly subscription: StreamSubscription;
  readonly readers: Set<VonageReader>;
}

/**
 * All readers of a session. The client mixes what it is subscribed to with audio: while a mix of all is read, that is every
 * stream; a mix of what is subscribed to is the same one.
 */
export class Readers {
  readonly #client: api.ConnectorClient;
  readonly #clock: Clock;
  readonly #mixFormat: AudioFormat;
  readonly #streams = new Map<string, ReadStream>();
  readonly #mixes = new Set<VonageReader>();

  constructor(client: api.ConnectorClient, clock: Clock, mixFormat: AudioFormat) {
    this.#client = client;
    this.#clock = clock;
    this.#mixFormat = mixFormat;
  }

  /** A stream has come. */
  add(stream: api.Stream): void {
    const readers = new Set<VonageReader>();
    const subscription = new StreamSubscription(this.#client, stream, {
      onAudioData: (audio) => {
        for (const reader of readers) reader.takeAudio(audio);
      },
      onRenderFrame: (frame) => {
        for (const reader of readers) reader.takeVideo(frame);
      },
      onCaptionText: (text, isFinal) => {
        for (const reader of readers) reader.takeCaptions(text, isFinal);
      },
      onError: (error) => fail(readers, error),
    });
    const added = { subscription, readers };
    this.#streams.set(stream.streamId, added);
    this.#update(added);
  }

  /** A stream has gone. */
  remove(streamId: string): void {
    const stream = this.#streams.get(streamId);
    this.#streams.delete(streamId);
    for (const reader of stream?.readers ?? []) reader.end();
  }

  /** Errors: SLUICE_STREAM_UNKNOWN, SLUICE_SUBSCRIBE_FAILED. */
  async open(request: DriverRead, onEvent: (event: ReaderEvent) => void): Promise<DriverReader> {
    this.#check(request);
    const { streamId } = request;
    if (streamId === undefined) return this.#openMix(request, onEvent);
    const stream = this.#streams.get(streamId);
    if (!stream) throw new SluiceError('SLUICE_STREAM_UNKNOWN', `stream ${streamId} is not in the session`);
    const reader: VonageReader = new VonageReader(request, this.#clock, onEvent, () => {
      if (!reader.isOpen) stream.readers.delete(reader);
      this.#update(stream);
    });
    stream.readers.add(reader);
    try {
      await stream.subscription.want(this.#wanted(stream));
    } catch (error) {
      reader.close();
      throw error;
    }
    return reader;
  }

  /** The mix, as the client gives it. */
  takeMix(audio: api.AudioData): void {
    for (const mix of this.#mixes) mix.takeAudio(audio);
  }

  /** Ends all, what waits can still be read. */
  endAll(): void {
    for (const streamId of [...this.#streams.keys()]) this.remove(streamId);
    for (const mix of this.#mixes) mix.end();
  }

  #openMix(request: DriverRead, onEvent: (event: ReaderEvent) => void): DriverReader {
    const mix: VonageReader = new VonageReader(request, this.#clock, onEvent, () => {
      if (!mix.isOpen) this.#mixes.delete(mix);
      for (const stream of this.#streams.values()) this.#update(stream);
    });
    this.#mixes.add(mix);
    return mix;
  }

  #update(stream: ReadStream): void {
    stream.subscription.want(this.#wanted(stream)).catch((error: unknown) => fail(stream.readers, error as Error));
  }

  #wanted({ readers }: ReadStream): Parameters<StreamSubscription['want']>[0] {
    const audio = [...readers].some((reader) => reader.wants('audio')) || this.#mixesAll;
    const watching = [...readers].filter((reader) => reader.reads('video'));
    const captions = [...readers].some((reader) => reader.wants('captions'));
    // A client that subscribes to captions needs one of the others.
    const video = watching.length > 0 || (captions && !audio);
    return audio || video ? { audio, video, captions, preference: greatest(watching) } : undefined;
  }

  get #mixesAll(): boolean {
    for (const mix of this.#mixes) if (mix.reads('audio') && mix.request.onlySubscribed !== true) return true;
    return false;
  }

  #check({ encoded, audio, audioFormat, pixelFormat, maxVideo }: DriverRead): void {
    const refused = (message: string, mend: string): never => {
      throw new SluiceError('SLUICE_SUBSCRIBE_FAILED', message, { mend });
    };
    if (encoded)
      refused('a Vonage session gives raw media only', 'Subscribe without `encoded`, and encode what comes.');
    if (pixelFormat !== 'YUV420P') {
      refused(`a Vonage session gives YUV420P, not ${pixelFormat}`, 'Put a scaler behind the subscriber.');
    }
    if (maxVideo) {
      refused('a Vonage session gives pictures in the size in which they come', 'Put a scaler behind the subscriber.');
    }
    if (!audio || audioFormat.sampleRate === this.#mixFormat.sampleRate) return;
    const rates = `${this.#mixFormat.sampleRate} Hz, not of ${audioFormat.sampleRate} Hz`;
    refused(
      `the session gives audio of ${rates}`,
      'Set av.audioSubscribersMix, or put a resampler behind the subscriber.',
    );
  }
}

function fail(readers: ReadonlySet<VonageReader>, error: Error): void {
  const told =
    error instanceof SluiceError ? error : new SluiceError('SLUICE_SUBSCRIBE_FAILED', error.message, { cause: error });
  for (const reader of [...readers]) reader.fail({ type: 'error', error: told });
}

/** What does for all: the most that any of them needs, and no limit where one has none. */
function greatest(readers: readonly VonageReader[]): VideoPreference {
  const limit = (key: keyof VideoPreference): VideoPreference => {
    let most = 0;
    for (const { preference } of readers) most = Math.max(most, preference[key] ?? Infinity);
    return Number.isFinite(most) && most > 0 ? { [key]: most } : {};
  };
  return { ...limit('width'), ...limit('height'), ...limit('fps') };
}
