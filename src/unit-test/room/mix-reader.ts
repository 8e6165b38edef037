import { audioData, audioDurationUs } from '../../media/audio-data.js';
import { Limiter } from '../../media/limiter.js';
import { mixInto } from '../../media/pcm.js';
import { CreditedQueue } from '../../session/credited-queue.js';
import type { DriverRead, DriverReader, ReadKind, ReaderEvent } from '../../session/driver.js';
import { AudioConversion } from '../conversion/audio-conversion.js';
import { SCRIPT_FORMAT } from '../script/script-format.js';
import type { RoomStream } from './room-stream.js';
import type { Room } from './room.js';

const DEFAULT_PTIME_MS = 20;
/** How much of one stream may wait to be mixed, in ms. */
const MOST_WAITING_MS = 200;

/** Reads the mix of several streams of a room. */
export class MixReader implements DriverReader {
  readonly #room: Room;
  readonly #request: DriverRead;
  readonly #streams: () => readonly RoomStream[];
  readonly #queue: CreditedQueue;
  readonly #limiter: Limiter;
  readonly #inputs = new Map<RoomStream, MixInput>();
  readonly #sum: Int32Array;
  #stop: (() => void) | undefined;

  /** `streams`: those that belong into it now. */
  constructor(
    room: Room,
    request: DriverRead,
    streams: () => readonly RoomStream[],
    onEvent: (event: ReaderEvent) => void,
  ) {
    const { sampleRate, numberOfChannels } = request.audioFormat;
    this.#room = room;
    this.#request = request;
    this.#streams = streams;
    this.#queue = new CreditedQueue('audio', request.maxLagMs, onEvent);
    this.#limiter = new Limiter(sampleRate, numberOfChannels);
    const frames = (sampleRate * (request.ptimeMs ?? DEFAULT_PTIME_MS)) / 1000;
    this.#sum = new Int32Array(frames * numberOfChannels);
  }

  credit(kind: ReadKind, values: number): void {
    if (kind !== 'audio') return;
    this.#queue.grant(values);
    if (this.#stop) return;
    this.#stop = this.#room.ticker.add('mix', this.#mix);
    this.streamsChanged();
  }

  requestKeyFrame(): void {
    // There are no pictures in it.
  }

  prefer(): void {
    // As above.
  }

  close(): void {
    this.#stop?.();
    for (const input of this.#inputs.values()) input.close();
    this.#inputs.clear();
  }

  /** Streams have come or gone. */
  streamsChanged(): void {
    if (!this.#stop) return;
    const wanted = new Set(this.#streams());
    for (const [stream, input] of this.#inputs) {
      if (wanted.has(stream)) continue;
      input.close();
      this.#inputs.delete(stream);
    }
    for (const stream of wanted) {
      if (!this.#inputs.has(stream)) this.#inputs.set(stream, new MixInput(stream, this.#request));
    }
  }

  readonly #mix = (beat: number): void => {
    const { sampleRate, numberOfChannels } = this.#request.audioFormat;
    const ptimeMs = this.#request.ptimeMs ?? DEFAULT_PTIME_MS;
    for (let ms = 0; ms < SCRIPT_FORMAT.chunkMs; ms += ptimeMs) {
      this.#sum.fill(0);
      for (const input of this.#inputs.values()) input.takeInto(this.#sum);
      const data = new Int16Array(this.#sum.length);
      this.#limiter.process(this.#sum, data);
      const timestamp = (beat * SCRIPT_FORMAT.chunkMs + ms) * 1000;
      const audio = audioData(data, sampleRate, numberOfChannels, timestamp);
      this.#queue.push(audio, audioDurationUs(audio));
    }
  };
}

/** What one stream has said and the mix has not taken. */
class MixInput {
  readonly #conversion: AudioConversion;
  readonly #stop: () => void;
  readonly #waiting: Int16Array[] = [];
  #held = 0;

  constructor(stream: RoomStream, { audioFormat }: DriverRead) {
    const most = (audioFormat.sampleRate * audioFormat.numberOfChannels * MOST_WAITING_MS) / 1000;
    this.#conversion = new AudioConversion({
      target: audioFormat,
      onValue: ({ data }) => {
        if (!(data instanceof Int16Array)) return;
        this.#waiting.push(data);
        this.#held += data.length;
        while (this.#held > most) this.#held -= this.#waiting.shift()?.length ?? 0;
      },
      // What cannot be decoded is not heard.
      onError: () => undefined,
    });
    this.#stop = stream.listen('audio', (value) => {
      if (value.kind === 'audio' || value.kind === 'encoded-audio') void this.#conversion.push(value);
    });
  }

  takeInto(sum: Int32Array): void {
    for (let at = 0; at < sum.length;) {
      const chunk = this.#waiting[0];
      if (!chunk) return;
      const part = chunk.subarray(0, sum.length - at);
      mixInto(sum.subarray(at), part);
      at += part.length;
      this.#held -= part.length;
      if (part.length === chunk.length) this.#waiting.shift();
      else this.#waiting[0] = chunk.subarray(part.length);
    }
  }

  close(): void {
    this.#stop();
    this.#conversion.close();
  }
}
