import { CaptionQueue } from '../media/caption-queue.js';
import type { Clock } from '../media/clock.js';
import type { EncodedAudioChunk } from '../media/encoded-chunk.js';
import { toErrorData } from '../media/errors.js';
import type { AudioConsumer, EncodedAudioConsumer } from './audio/audio-consumer.js';
import type { AudioReceiver } from './audio/audio-receiver.js';
import type { ReadFrames } from './inbound-stats.js';
import { type Emit, MediaReader } from './media-reader.js';
import type { AudioFormat, ReaderOpenArgs, ReadKind, VideoPreference } from './port.js';
import { RawAudioReader } from './raw-audio-reader.js';
import type { VideoReceiver } from './video/video-receiver.js';
import { VideoReading } from './video/video-reading.js';

/** One reader of one stream: its audio, its video, its captions. Nothing is decoded before it asks for something. */
export class StreamReader implements AudioConsumer, EncodedAudioConsumer {
  readonly id: number;
  readonly streamId: string;
  readonly wantsAudio: boolean;
  readonly wantsVideo: boolean;
  readonly captions: CaptionQueue | undefined;
  readonly format: AudioFormat;
  /** How good its pictures need to be at most. */
  preference: VideoPreference;
  readonly #encoded: boolean;
  readonly #audio: MediaReader;
  readonly #rawAudio: RawAudioReader;
  readonly #video: VideoReading;
  #source: AudioReceiver | undefined;
  #readsAudio = false;

  constructor(args: ReaderOpenArgs & { readonly streamId: string }, emit: Emit, clock: Clock) {
    this.id = args.reader;
    this.streamId = args.streamId;
    this.wantsAudio = args.audio;
    this.wantsVideo = args.video;
    this.captions = args.captions === true ? captionQueue(args.reader, emit) : undefined;
    this.format = args.audioFormat;
    this.preference = args.preferredVideo ?? {};
    this.#encoded = args.encoded;
    this.#audio = new MediaReader(args.reader, 'audio', args.maxLagMs, emit);
    this.#rawAudio = new RawAudioReader(args, emit);
    this.#video = new VideoReading({
      reader: new MediaReader(args.reader, 'video', args.maxLagMs, emit),
      clock,
      encoded: args.encoded,
      pixelFormat: args.pixelFormat,
      ...(args.maxVideo && { maxSize: args.maxVideo }),
      maxLagMs: args.maxLagMs,
      onError: (error) => {
        emit('readerError', { reader: args.reader, error: toErrorData(error, 'SLUICE_CODEC_FAILED') });
      },
    });
  }

  /** It has asked for pictures. */
  get readsVideo(): boolean {
    return this.#video.active;
  }

  /** Adds what was done with pictures for this reader. */
  addFrames(frames: ReadFrames): void {
    const { framesDecoded, framesDropped, totalDecodeUs, width, height } = this.#video;
    frames.decoded += framesDecoded;
    frames.dropped += framesDropped;
    frames.decodeUs += totalDecodeUs;
    if (width > 0) Object.assign(frames, { width, height });
  }

  /** Reads from these receivers from now on, as far as they are wanted. */
  attach(audio: AudioReceiver | undefined, video: VideoReceiver | undefined): void {
    if (audio && this.wantsAudio && audio !== this.#source) {
      this.#detachAudio();
      this.#source = audio;
      if (this.#readsAudio) this.#readAudio(audio);
    }
    if (video && this.wantsVideo) this.#video.attach(video);
  }

  grant(kind: ReadKind, values: number): void {
    if (kind === 'captions') {
      this.captions?.grant(values);
      return;
    }
    if (kind === 'video') {
      this.#video.grant(values);
      return;
    }
    if (!this.#readsAudio) {
      this.#readsAudio = true;
      if (this.#source) this.#readAudio(this.#source);
    }
    if (this.#encoded) this.#audio.grant(values);
    else this.#rawAudio.flow();
  }

  requestKeyFrame(): void {
    this.#video.requestKeyFrame();
  }

  audio(period: Int16Array, timestampUs: number): void {
    this.#rawAudio.push(period, Math.round(timestampUs));
  }

  encodedAudio(chunk: EncodedAudioChunk): void {
    // Not slice(): of a Buffer that is a view, and the memory of the packet belongs to all readers.
    this.#audio.push({ ...chunk, data: new Uint8Array(chunk.data) }, chunk.duration);
  }

  /** The stream is gone: nothing more comes, what waits stays there to be read. */
  end(): void {
    this.#detachAudio();
    this.#video.end();
  }

  /** Whether all that came has gone to the reader. */
  get isEmpty(): boolean {
    const audioIsEmpty = this.#audio.heldUs === 0 && this.#rawAudio.isEmpty;
    return audioIsEmpty && this.#video.isEmpty && this.captions?.isEmpty !== false;
  }

  close(): void {
    this.#detachAudio();
    this.#video.close();
  }

  #readAudio(source: AudioReceiver): void {
    if (this.#encoded) source.addEncoded(this);
    else source.add(this);
  }

  #detachAudio(): void {
    this.#source?.remove(this);
    this.#source?.removeEncoded(this);
    this.#source = undefined;
  }
}

function captionQueue(reader: number, emit: Emit): CaptionQueue {
  return new CaptionQueue(
    (captions) => {
      emit('captions', { reader, captions });
    },
    () => {
      emit('overflow', { reader, kind: 'captions', values: 1, durationUs: 0 });
    },
  );
}
