import type { Clock, ClockTimer } from '../../../media/clock.js';
import { SluiceError } from '../../../media/errors.js';
import { durationUs, type MediaValue } from '../../../media/media-value.js';
import type { AudioData } from '../../../media/audio-data.js';
import type { VideoFrame } from '../../../media/video-frame.js';
import { blackFrame } from '../../../media/yuv.js';
import { kindOf, type DriverPublisher, type Kind, type PublisherEvent } from '../../driver.js';
import type * as api from './connector-api.js';

/** The client tells how much waits only when it is asked: so often, while anything does. In ms. */
const LOOK_MS = 10;

const KINDS: readonly Kind[] = ['audio', 'video'];

/** Media of one kind on its way through the client's buffer. */
class Lane {
  /** Taken from the writer, but not by the client, whose buffer is full. */
  readonly waiting: { readonly value: AudioData | VideoFrame; readonly us: number }[] = [];
  waitingUs = 0;
  writtenUs = 0;
  clearedUs = 0;
  consumedUs = 0;
  /** Something came since it was dry. */
  filled = false;
  drains: (() => void)[] = [];

  settle(): void {
    const drains = this.drains;
    this.drains = [];
    for (const resolve of drains) resolve();
  }
}

/** What a client publishes. What its buffer has no room for waits here; what has left is found by what waits. */
export class VonagePublisher implements DriverPublisher {
  readonly streamId: string;
  readonly #client: api.ConnectorClient;
  readonly #clock: Clock;
  readonly #onEvent: (event: PublisherEvent) => void;
  readonly #pictureUs: number;
  readonly #lanes = { audio: new Lane(), video: new Lane() };
  readonly #muted = { audio: false, video: false };
  #timer: ClockTimer | undefined;
  #closing: Promise<void> | undefined;
  #over = false;

  constructor(
    client: api.ConnectorClient,
    streamId: string,
    options: { readonly clock: Clock; readonly fps: number; readonly onEvent: (event: PublisherEvent) => void },
  ) {
    this.streamId = streamId;
    this.#client = client;
    this.#clock = options.clock;
    this.#onEvent = options.onEvent;
    this.#pictureUs = 1_000_000 / options.fps;
  }

  /** The client publishes it no more. */
  get isOver(): boolean {
    return this.#over;
  }

  write(value: MediaValue): void {
    if (this.#closing) return;
    if (value.kind === 'encoded-audio' || value.kind === 'encoded-video') {
      const message = `a Vonage session takes raw media only, and ${value.kind} was written`;
      const error = new SluiceError('SLUICE_FORMAT_MISMATCH', message, { mend: 'Put a decoder in front of it.' });
      this.#onEvent({ type: 'error', error });
      return;
    }
    const lane = this.#lanes[kindOf(value)];
    const us = durationUs(value) || this.#pictureUs;
    lane.writtenUs += us;
    lane.filled = true;
    if (lane.waiting.length > 0 || !this.#add(value)) {
      lane.waiting.push({ value: copyOf(value), us });
      lane.waitingUs += us;
    }
    this.#timer ??= this.#clock.after(LOOK_MS, this.#onTime);
  }

  /** The client cannot mute: silence is sent, or black, and nobody is told. */
  mute(kind: Kind, muted: boolean): void {
    this.#muted[kind] = muted;
  }

  /** Sessions with captions are refused before. */
  writeCaptions(): Promise<void> {
    return Promise.reject(noCaptions());
  }

  consumedUs(kind: Kind): number {
    const lane = this.#lanes[kind];
    const heldMs = this.#client.getMediaBufferStats()[kind]?.durationMs ?? 0;
    lane.consumedUs = Math.max(lane.consumedUs, lane.writtenUs - lane.waitingUs - heldMs * 1000);
    return lane.consumedUs;
  }

  /** It is told whenever something has left. */
  awaitRoom(): void {
    this.#timer ??= this.#clock.after(LOOK_MS, this.#onTime);
  }

  playedUs(): number {
    return this.consumedUs('audio') - this.#lanes.audio.clearedUs;
  }

  /** The client clears both kinds at once, whichever was asked for. */
  clear(): void {
    for (const kind of KINDS) {
      const lane = this.#lanes[kind];
      lane.clearedUs += lane.writtenUs - this.consumedUs(kind);
      lane.waiting.length = lane.waitingUs = 0;
    }
    this.#client.clearMediaBuffers();
    for (const kind of KINDS) {
      const lane = this.#lanes[kind];
      if (lane.consumedUs === lane.writtenUs) continue;
      lane.consumedUs = lane.writtenUs;
      lane.settle();
      this.#onEvent({ type: 'consumed', kind });
    }
  }

  drain(kind: Kind): Promise<void> {
    const lane = this.#lanes[kind];
    if (this.#closing || this.consumedUs(kind) >= lane.writtenUs) return Promise.resolve();
    return new Promise((resolve) => lane.drains.push(resolve));
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  /** The client ended it: nothing is taken any more. */
  end(): void {
    this.#over = true;
    if (this.#closing) return;
    this.#closing = Promise.resolve();
    this.#stop();
    this.#onEvent({ type: 'ended' });
  }

  /** Looks how much has left: the client said that a buffer ran dry. */
  look(): void {
    this.#timer?.cancel();
    this.#onTime();
  }

  async #close(): Promise<void> {
    this.#stop();
    await this.#client.unpublish();
    this.#over = true;
  }

  #stop(): void {
    this.#timer?.cancel();
    for (const lane of Object.values(this.#lanes)) lane.settle();
  }

  /** Whether the client took it. */
  #add(written: AudioData | VideoFrame): boolean {
    const value = this.#muted[written.kind] ? blank(written) : written;
    const { buffer, byteOffset, byteLength } = value.data;
    const data = Buffer.from(buffer, byteOffset, byteLength);
    if (value.kind === 'video') {
      const { width, height, format } = value;
      return this.#client.addVideo({ data, width, height, format });
    }
    const { numberOfFrames } = value;
    const sampleRate = value.sampleRate as api.SampleRate;
    const numberOfChannels = value.numberOfChannels as api.NumberOfChannels;
    return this.#client.addAudio({ data, sampleRate, numberOfChannels, numberOfFrames });
  }

  readonly #onTime = (): void => {
    this.#timer = undefined;
    if (this.#closing) return;
    let held = false;
    for (const kind of KINDS) held = this.#lookAt(kind, this.#lanes[kind]) || held;
    if (held) this.#timer ??= this.#clock.after(LOOK_MS, this.#onTime);
  };

  /** Passes on what waits, and tells what has left; whether anything is held still. */
  #lookAt(kind: Kind, lane: Lane): boolean {
    const before = lane.consumedUs;
    for (let first = lane.waiting[0]; first && this.#add(first.value); first = lane.waiting[0]) {
      lane.waiting.shift();
      lane.waitingUs -= first.us;
    }
    const consumedUs = this.consumedUs(kind);
    if (consumedUs > before) this.#onEvent({ type: 'consumed', kind });
    if (consumedUs < lane.writtenUs) return true;
    lane.settle();
    if (lane.filled) {
      lane.filled = false;
      this.#onEvent({ type: 'drained', kind });
    }
    return false;
  }
}

/** What a publisher with captions is refused with. */
export function noCaptions(): SluiceError {
  return new SluiceError('SLUICE_PUBLISH_FAILED', 'a Vonage session takes no captions from a participant', {
    mend: 'Leave enableCaptions out: the captions service of the session makes them.',
  });
}

/** As long or as large, with nothing to be heard or seen. */
function blank(value: AudioData | VideoFrame): AudioData | VideoFrame {
  if (value.kind === 'audio') return { ...value, data: new Int16Array(value.data.length) };
  const { width, height, format, data } = value;
  if (format === 'YUV420P') return blackFrame(width, height, value.timestamp);
  const black = new Uint8Array(data.length);
  if (format === 'ARGB32') for (let alpha = 3; alpha < black.length; alpha += 4) black[alpha] = 255;
  return { ...value, data: black };
}

/** The value with memory of its own: that of the writer is not kept. */
function copyOf(value: AudioData | VideoFrame): AudioData | VideoFrame {
  if (value.kind === 'audio') return { ...value, data: new Int16Array(value.data) };
  return { ...value, data: new Uint8Array(value.data) };
}
