import type { VideoPreference } from '../../../engine/port.js';
import { CaptionQueue } from '../../../media/caption-queue.js';
import type { Clock } from '../../../media/clock.js';
import { convertChannels } from '../../../media/pcm.js';
import { audioData, type AudioData } from '../../../media/audio-data.js';
import type { VideoFrame } from '../../../media/video-frame.js';
import type { DriverRead, DriverReader, Kind, ReadKind, ReaderEvent } from '../../driver.js';
import type * as api from './connector-api.js';
import { CreditedQueue } from '../../credited-queue.js';
import { ReceivedAudio } from './received-audio.js';

/** Counted for a picture. */
const PICTURE_US = 1_000_000 / 30;

/** One reader of a stream or of the mix: takes what the client's callbacks are given. */
export class VonageReader implements DriverReader {
  readonly request: DriverRead;
  /** How good its pictures need to be at most. */
  preference: VideoPreference;
  readonly #clock: Clock;
  readonly #onEvent: (event: ReaderEvent) => void;
  readonly #queues: Readonly<Record<Kind, CreditedQueue>>;
  readonly #captions: CaptionQueue;
  readonly #onChange: () => void;
  readonly #received: ReceivedAudio;
  readonly #reads = { audio: false, video: false };
  #lastUs = -Infinity;
  #ending = false;
  #closed = false;

  /** `onChange`: it was read for the first time, prefers something else, or was closed. */
  constructor(request: DriverRead, clock: Clock, onEvent: (event: ReaderEvent) => void, onChange: () => void) {
    this.request = request;
    this.preference = request.preferredVideo ?? {};
    this.#clock = clock;
    this.#onEvent = onEvent;
    this.#onChange = onChange;
    this.#queues = {
      audio: new CreditedQueue('audio', request.maxLagMs, onEvent),
      video: new CreditedQueue('video', request.maxLagMs, onEvent),
    };
    this.#captions = new CaptionQueue(
      (value) => onEvent({ type: 'media', value }),
      () => onEvent({ type: 'overflow', kind: 'captions', values: 1, durationUs: 0 }),
    );
    const periodMs = request.ptimeMs ?? 20;
    this.#received = new ReceivedAudio(clock, periodMs, (audio) =>
      this.#queues.audio.push(this.#converted(audio), periodMs * 1000),
    );
  }

  get isOpen(): boolean {
    return !this.#closed;
  }

  /** Whether it has asked for a kind. */
  reads(kind: Kind): boolean {
    return !this.#closed && this.#reads[kind];
  }

  /** Whether it wants a kind, now or later. */
  wants(kind: ReadKind): boolean {
    return !this.#closed && this.request[kind];
  }

  credit(kind: ReadKind, values: number): void {
    if (this.#closed || !this.request[kind]) return;
    if (kind === 'captions') {
      this.#captions.grant(values);
      if (this.#ending) this.#endIfEmpty();
      return;
    }
    const began = !this.#reads[kind];
    this.#reads[kind] = true;
    if (began) this.#onChange();
    this.#queues[kind].grant(values);
    if (this.#ending) this.#endIfEmpty();
  }

  /** Key frames are the business of the client, which decodes. */
  requestKeyFrame(): void {
    // Nothing to do.
  }

  prefer(preference: VideoPreference): void {
    if (this.#closed) return;
    this.preference = preference;
    this.#onChange();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#onChange();
  }

  takeAudio(audio: api.AudioData): void {
    if (this.reads('audio') && !this.#ending) this.#received.take(audio);
  }

  takeVideo({ data, width, height, format }: api.VideoFrame): void {
    if (!this.reads('video') || this.#ending) return;
    this.#lastUs = Math.max(this.#clock.nowUs(), this.#lastUs + 1);
    const timestamp = Math.round(this.#lastUs);
    // The client may use the memory again.
    const frame: VideoFrame = { kind: 'video', data: new Uint8Array(data), width, height, format, timestamp };
    this.#queues.video.push(frame, PICTURE_US);
  }

  takeCaptions(text: string, isFinal: boolean): void {
    if (this.wants('captions') && !this.#ending) this.#captions.push({ kind: 'captions', text, isFinal });
  }

  /** Its stream is gone: what waits can still be read. */
  end(): void {
    this.#ending = true;
    this.#endIfEmpty();
  }

  fail(event: ReaderEvent & { readonly type: 'error' }): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#onEvent(event);
  }

  #endIfEmpty(): void {
    const { audio, video } = this.#queues;
    if (this.#closed || !audio.isEmpty || !video.isEmpty || !this.#captions.isEmpty) return;
    this.#closed = true;
    this.#onEvent({ type: 'ended' });
  }

  #converted(audio: AudioData): AudioData {
    const { numberOfChannels } = this.request.audioFormat;
    if (audio.numberOfChannels === numberOfChannels) return audio;
    const data = convertChannels(audio.data, audio.numberOfChannels, numberOfChannels);
    return audioData(data, audio.sampleRate, numberOfChannels, audio.timestamp);
  }
}
