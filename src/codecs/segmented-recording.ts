import type { EncodedAudioChunk, EncodedVideoChunk } from '../media/encoded-chunk.js';
import type { MuxerOptions } from './muxer.js';
import { opusChannels } from './opus-packet.js';
import { type PictureSize, pictureSize } from './picture-size.js';
import { RecordedFile } from './recorded-file.js';

export interface SegmentedRecordingOptions extends MuxerOptions {
  /** Length of a file, in µs; Infinity for one that goes on. Each ends where the next can begin: before a key frame. */
  readonly segmentUs: number;
  /** Pictures of another size begin another file. */
  readonly splitAtSize: boolean;
  /** Where file `number` is to be, from 1 on. */
  readonly path: (number: number) => Promise<string>;
  /** Called when a file is due to end, and again while no key frame comes. */
  readonly wantKeyFrame: () => void;
  /** Called with the path of each file that is complete. */
  readonly wrote: (path: string) => void;
}

type Kind = 'audio' | 'video';
type Chunk = EncodedAudioChunk | EncodedVideoChunk;

/** How far sound may be ahead of the pictures that decide which file it goes into, in µs of media. */
const MAX_AHEAD_US = 1_000_000;
/** The same, while a key frame is waited for. */
const MAX_KEY_WAIT_US = 5_000_000;
/** How often a key frame is asked for while none comes, in µs of media. */
const ASK_US = 1_000_000;

/**
 * Writes encoded media to one file after the other, each of which plays by itself: with video it begins with a key frame,
 * and sound goes into the file of the pictures that it belongs to.
 */
export class SegmentedRecording {
  readonly #options: SegmentedRecordingOptions;
  readonly #ended = new Set<Kind>();
  /** Files that are being completed. */
  readonly #closing = new Set<Promise<void>>();
  /** More than one file may come of it. */
  readonly #isSplit: boolean;
  #current: RecordedFile;
  #count = 0;
  /** The file before, while sound of its time may still come. */
  #before: { readonly file: RecordedFile; readonly endUs: number } | undefined;
  #size: PictureSize | undefined;
  #dueUs: number | undefined;
  #askedUs = -Infinity;
  /** Sound that may go into this file or into the next. */
  readonly #held: EncodedAudioChunk[] = [];
  /** Of the last picture. */
  #videoUs = -Infinity;
  #error: Error | undefined;

  constructor(options: SegmentedRecordingOptions) {
    this.#options = options;
    this.#size = options.video;
    this.#isSplit = options.splitAtSize || Number.isFinite(options.segmentUs);
    this.#current = this.#newFile();
  }

  /** Settles when the first file has begun. Errors: those of `createMuxer`. */
  get opened(): Promise<void> {
    return this.#current.opened;
  }

  /** Chunks that are not in a file yet. */
  get pending(): number {
    return this.#current.pending + (this.#before?.file.pending ?? 0);
  }

  /** Errors: SLUICE_FORMAT_MISMATCH, SLUICE_FILE_WRITE. */
  write(chunk: Chunk): void {
    if (this.#error) throw this.#error;
    this.#dueUs ??= chunk.timestamp + this.#options.segmentUs;
    if (chunk.kind === 'encoded-audio') this.#writeAudio(chunk, this.#dueUs);
    else this.#writeVideo(chunk, this.#dueUs);
  }

  /** Settles when nothing is pending. Errors: SLUICE_FILE_WRITE. */
  async drained(): Promise<void> {
    await Promise.all([this.#current.drained(), this.#before?.file.drained()]);
    if (this.#error) throw this.#error;
  }

  /** No more comes of audio, or of video. */
  end(kind: Kind): void {
    this.#ended.add(kind);
    if (kind === 'video') this.#release('all');
    else this.#closeBefore();
  }

  /** Completes the last file. Errors: SLUICE_FILE_WRITE. */
  async close(): Promise<void> {
    this.#release('all');
    this.#closeBefore();
    this.#complete(this.#current);
    await Promise.all(this.#closing);
    if (this.#error) throw this.#error;
  }

  #writeAudio(chunk: EncodedAudioChunk, dueUs: number): void {
    if (this.#before && chunk.timestamp < this.#before.endUs) {
      this.#before.file.write(chunk);
      return;
    }
    this.#closeBefore();
    const isDue = chunk.timestamp >= dueUs;
    if (this.#options.video && !this.#ended.has('video')) {
      this.#held.push(chunk);
      if (isDue) this.#askKeyFrame(chunk.timestamp);
      this.#release(this.#isSplit ? 'known' : 'all');
    } else if (isDue) this.#next(chunk);
    else this.#current.write(chunk);
  }

  #writeVideo(chunk: EncodedVideoChunk, dueUs: number): void {
    const size = pictureSize(chunk);
    const isOther = size && (size.width !== this.#size?.width || size.height !== this.#size.height);
    const isDue = chunk.timestamp >= dueUs;
    if (size) this.#size = size;
    this.#videoUs = chunk.timestamp;
    if (size && (isDue || (isOther && this.#options.splitAtSize))) this.#next(chunk);
    else {
      if (isDue) this.#askKeyFrame(chunk.timestamp);
      this.#current.write(chunk);
    }
    this.#release('known');
  }

  /** Goes on in another file, which begins with this chunk. */
  #next(chunk: Chunk): void {
    this.#closeBefore();
    const held = this.#held.splice(0);
    const startUs = chunk.timestamp;
    for (const sound of held) if (sound.timestamp < startUs) this.#current.write(sound);
    const last = this.#current;
    const hasSoundToCome = this.#options.audio && chunk.kind === 'encoded-video' && !this.#ended.has('audio');
    if (hasSoundToCome && !held.some((sound) => sound.timestamp >= startUs)) {
      this.#before = { file: last, endUs: startUs };
    } else this.#complete(last);
    const { segmentUs } = this.#options;
    if (Number.isFinite(segmentUs)) {
      const due = this.#dueUs ?? startUs;
      this.#dueUs = due + segmentUs * Math.max(0, Math.floor((startUs - due) / segmentUs) + 1);
    }
    this.#askedUs = -Infinity;
    this.#current = this.#newFile();
    this.#current.write(chunk);
    for (const sound of held) if (sound.timestamp >= startUs) this.#current.write(sound);
  }

  #newFile(): RecordedFile {
    const { container, audio, video, path } = this.#options;
    const number = ++this.#count;
    return new RecordedFile(() => path(number), {
      container,
      ...(audio && { audio }),
      ...(video && { video: { ...video, ...this.#size } }),
    });
  }

  /** Writes the sound that is known to belong to this file, and what has waited for too long; or all there is. */
  #release(what: 'known' | 'all'): void {
    const dueUs = this.#dueUs ?? Infinity;
    const newestUs = this.#held.at(-1)?.timestamp ?? 0;
    for (let [first] = this.#held; first; [first] = this.#held) {
      const isDue = first.timestamp >= dueUs;
      const isKnown = what === 'all' || (!isDue && first.timestamp <= this.#videoUs);
      if (!isKnown && newestUs - first.timestamp <= (isDue ? MAX_KEY_WAIT_US : MAX_AHEAD_US)) return;
      this.#current.write(first);
      this.#held.shift();
    }
  }

  #askKeyFrame(nowUs: number): void {
    if (nowUs - this.#askedUs < ASK_US) return;
    this.#askedUs = nowUs;
    this.#options.wantKeyFrame();
  }

  #closeBefore(): void {
    const before = this.#before;
    this.#before = undefined;
    if (before) this.#complete(before.file);
  }

  #complete(file: RecordedFile): void {
    const closing = file.close().then(this.#options.wrote, (error: unknown) => {
      this.#error ??= error as Error;
    });
    this.#closing.add(closing);
    void closing.then(() => this.#closing.delete(closing));
  }
}

/** The tracks that a file needs for what comes first. Pure. */
export function tracksOf(
  audio: readonly EncodedAudioChunk[],
  picture: EncodedVideoChunk | undefined,
): Pick<MuxerOptions, 'audio' | 'video'> {
  const size = picture && pictureSize(picture);
  // One packet in stereo is enough: a stereo file holds mono as well.
  const numberOfChannels = audio.some((chunk) => opusChannels(chunk.data) === 2) ? 2 : 1;
  return {
    ...(audio.length > 0 && { audio: { codec: 'opus', numberOfChannels } }),
    ...(size && { video: { codec: picture.codec, ...size } }),
  };
}
