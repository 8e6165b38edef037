import type { Clock, ClockTimer } from '../media/clock.js';
import { SluiceError, toErrorData } from '../media/errors.js';
import { Mixer } from './audio/mixer.js';
import { CaptionReceiver } from './captions/caption-receiver.js';
import type { Directory } from './directory.js';
import type { InboundMedia } from './inbound-media.js';
import type { Emit } from './media-reader.js';
import type { InboundStats, ReaderOpenArgs, ReadKind } from './port.js';
import { RawAudioReader } from './raw-audio-reader.js';
import { StreamReader } from './reader.js';
import type { LiveKitSignal } from './signalling/livekit.js';
import { type StreamEntry, tracksOf } from './stream-entry.js';
import type { Ticker, TickTask } from './ticker.js';
import { mostOf, nearestSize, type VideoPreference } from './video-preference.js';

/** How long after a stream has gone its last packets may come, and be played, in ms. */
const TAIL_MS = 300;

export interface ReadingOptions {
  readonly clock: Clock;
  /** 20 ms. */
  readonly audioTicker: Ticker;
  /** 10 ms. */
  readonly shortAudioTicker: Ticker;
  readonly emit: Emit;
  readonly directory: Directory;
  readonly media: InboundMedia;
}

interface MixReader {
  readonly reader: RawAudioReader;
  readonly mixer: Mixer;
  /** Of the streams only whose audio is read on its own as well. */
  readonly onlySubscribed: boolean;
  /** Whose beats it is given out at. */
  readonly ticker: Ticker;
  active: boolean;
}

/** What a participant reads: readers of streams, mixes of all audio, and the tracks that the server is asked for because of them. */
export class Reading implements TickTask {
  readonly #options: ReadingOptions;
  readonly #readers = new Map<number, StreamReader>();
  readonly #mixes = new Map<number, MixReader>();
  /** Readers whose stream is gone, until they have read what came. */
  readonly #ending = new Set<StreamReader>();
  readonly #tails = new Set<ClockTimer>();
  /** Tracks that the server was asked for. */
  readonly #subscribed = new Set<string>();
  /** What the server was told of how good the pictures of a track need to be. */
  readonly #preferred = new Map<string, string>();
  /** Of the server that the participant is at; undefined between two. */
  #signal: LiveKitSignal | undefined;
  readonly #captions: CaptionReceiver;
  #closed = false;

  constructor(options: ReadingOptions) {
    this.#options = options;
    this.#captions = new CaptionReceiver(options.directory, (streamId, captions) => {
      for (const reader of this.#readers.values()) if (reader.streamId === streamId) reader.captions?.push(captions);
    });
  }

  /** Asks this server from now on; with none, what is read stays open and silent. */
  attach(signal: LiveKitSignal | undefined): void {
    this.#signal = signal;
    this.#subscribed.clear();
    this.#preferred.clear();
  }

  /** Errors: SLUICE_STREAM_UNKNOWN. */
  open(args: ReaderOpenArgs): void {
    const { emit, directory, audioTicker, shortAudioTicker } = this.#options;
    const { streamId, onlySubscribed = false, ptimeMs = 20 } = args;
    if (streamId === undefined) {
      const reader = new RawAudioReader(args, emit);
      const mixer = new Mixer(args.audioFormat, reader, ptimeMs);
      const ticker = ptimeMs === 10 ? shortAudioTicker : audioTicker;
      this.#mixes.set(args.reader, { reader, mixer, onlySubscribed, ticker, active: false });
      return;
    }
    const entry = directory.stream(streamId);
    if (!entry) throw new SluiceError('SLUICE_STREAM_UNKNOWN', `stream ${streamId} is not in the session`);
    const reader = new StreamReader({ ...args, streamId }, emit, this.#options.clock);
    this.#readers.set(args.reader, reader);
    this.#connect(reader, entry);
    if (reader.wantsAudio) for (const mix of this.#mixes.values()) if (mix.active) this.#addToMix(mix, entry);
    this.subscribe();
  }

  credit(id: number, kind: ReadKind, values: number): void {
    const reader = this.#readers.get(id);
    const reads = reader?.readsVideo;
    reader?.grant(kind, values);
    // Video that came before its first read would be of no use: it could only go on with the next key frame.
    if (reader?.readsVideo !== reads) this.subscribe();
    const mix = this.#mixes.get(id);
    if (!mix) return;
    mix.reader.flow();
    if (mix.active) return;
    mix.active = true;
    mix.ticker.add(mix.mixer);
    for (const entry of this.#options.directory.streams()) this.#addToMix(mix, entry);
    this.subscribe();
  }

  get captionsDiscarded(): number {
    return this.#captions.discarded;
  }

  /** Takes a data packet of the session. */
  receiveData(packet: Buffer): void {
    for (const { captions } of this.#readers.values()) {
      if (captions?.started !== true) continue;
      this.#captions.receive(packet);
      return;
    }
  }

  /** No captions come any more. */
  failCaptions(error: unknown): void {
    for (const reader of this.#readers.values()) {
      if (reader.captions) this.#options.emit('readerError', { reader: reader.id, error: toErrorData(error) });
    }
  }

  /** How good the pictures of a reader need to be at most has changed. */
  prefer(id: number, preference: VideoPreference): void {
    const reader = this.#readers.get(id);
    if (!reader) return;
    reader.preference = preference;
    this.subscribe();
  }

  requestKeyFrame(id: number): void {
    this.#readers.get(id)?.requestKeyFrame();
  }

  close(id: number): void {
    const reader = this.#readers.get(id);
    if (reader) this.#ending.delete(reader);
    reader?.close();
    this.#readers.delete(id);
    if (reader?.wantsAudio === true) this.#leaveMixes(reader.streamId);
    const mix = this.#mixes.get(id);
    mix?.ticker.remove(mix.mixer);
    mix?.mixer.close();
    this.#mixes.delete(id);
    this.#restIfIdle();
    this.subscribe();
  }

  /** Ends every reader. */
  closeAll(): void {
    this.#closed = true;
    for (const timer of this.#tails) timer.cancel();
    for (const id of [...this.#readers.keys(), ...this.#mixes.keys()]) {
      this.close(id);
      this.#options.emit('readerEnd', { reader: id });
    }
  }

  /** One beat of 20 ms, while readers are to end. */
  tick(): void {
    this.#endReaders();
    this.#restIfIdle();
  }

  /** A stream came, or its tracks changed. */
  onStream(entry: StreamEntry): void {
    for (const reader of this.#readers.values())
      if (reader.streamId === entry.state.streamId) this.#connect(reader, entry);
    for (const mix of this.#mixes.values()) if (mix.active) this.#addToMix(mix, entry);
  }

  /** What is on its way still arrives, and what waits is still played: the stream ends a moment later. */
  onStreamDropped(entry: StreamEntry): void {
    const timer = this.#options.clock.after(TAIL_MS, () => {
      this.#tails.delete(timer);
      this.#captions.forget(entry);
      this.#retire(entry);
    });
    this.#tails.add(timer);
    this.#captions.leave(entry);
    for (const sid of tracksOf(entry)) this.#subscribed.delete(sid);
  }

  stats(): InboundStats[] {
    const { clock, media, directory } = this.#options;
    const nowUs = clock.nowUs();
    return [...media.tracks].flatMap((track) => {
      const streamId = directory.streamOfTrack(track.trackSid)?.state.streamId;
      if (streamId === undefined) return [];
      const frames = { decoded: 0, dropped: 0, decodeUs: 0, width: 0, height: 0 };
      for (const reader of this.#readers.values()) if (reader.streamId === streamId) reader.addFrames(frames);
      return track.stats(streamId, frames, nowUs) ?? [];
    });
  }

  /** Asks the server for the tracks that somebody reads, and gives back the others. */
  subscribe(): void {
    const signal = this.#signal;
    if (this.#closed || !signal) return;
    // The server has taken these away by itself, and those who read them wait.
    for (const { awaited } of this.#options.directory.streams()) {
      for (const sid of [awaited?.audioTrack, awaited?.videoTrack]) if (sid !== undefined) this.#subscribed.delete(sid);
    }
    const wanted = this.#wanted();
    const more = [...wanted].filter((sid) => !this.#subscribed.has(sid));
    const less = [...this.#subscribed].filter((sid) => !wanted.has(sid));
    if (more.length > 0) signal.updateSubscription(more, true);
    if (less.length > 0) signal.updateSubscription(less, false);
    for (const sid of more) this.#subscribed.add(sid);
    for (const sid of less) {
      this.#subscribed.delete(sid);
      this.#options.media.forget(sid);
    }
    this.#prefer(signal);
  }

  /** Signalling is back: the server is asked again for everything, since it may not have heard the last. */
  resume(): void {
    const signal = this.#signal;
    if (!signal) return;
    if (this.#subscribed.size > 0) signal.updateSubscription([...this.#subscribed], true);
    this.#preferred.clear();
    this.#prefer(signal);
  }

  /** Tells the server how good pictures need to be, where that has changed. */
  #prefer(signal: LiveKitSignal): void {
    for (const sid of this.#preferred.keys()) if (!this.#subscribed.has(sid)) this.#preferred.delete(sid);
    for (const { state, videoTrack, layers } of this.#options.directory.streams()) {
      if (videoTrack === undefined || !this.#subscribed.has(videoTrack)) continue;
      const readers = [...this.#readers.values()].filter((one) => one.streamId === state.streamId && one.wantsVideo);
      const preference = mostOf(readers.map((reader) => reader.preference));
      const layer = nearestSize(layers, preference)?.quality;
      const text = JSON.stringify([preference, layer]);
      if (text === (this.#preferred.get(videoTrack) ?? '[{},null]')) continue;
      this.#preferred.set(videoTrack, text);
      signal.updateTrackSettings(videoTrack, preference, layer);
    }
  }

  #wanted(): ReadonlySet<string> {
    const wanted = new Set<string>();
    const mixing = [...this.#mixes.values()].some((mix) => mix.active && !mix.onlySubscribed);
    for (const entry of this.#options.directory.streams()) {
      const readers = [...this.#readers.values()].filter((reader) => reader.streamId === entry.state.streamId);
      const { audioTrack, videoTrack } = entry;
      if (audioTrack !== undefined && (mixing || readers.some((reader) => reader.wantsAudio))) wanted.add(audioTrack);
      if (videoTrack !== undefined && readers.some((reader) => reader.readsVideo)) wanted.add(videoTrack);
    }
    return wanted;
  }

  #retire(entry: StreamEntry): void {
    const { media, directory } = this.#options;
    for (const reader of this.#readers.values()) {
      if (reader.streamId !== entry.state.streamId || directory.stream(reader.streamId)) continue;
      reader.end();
      this.#ending.add(reader);
      this.#options.audioTicker.add(this);
    }
    for (const sid of tracksOf(entry)) {
      for (const track of media.tracks) {
        if (track.trackSid === sid && track.audio)
          for (const mix of this.#mixes.values()) mix.mixer.remove(track.audio);
      }
      media.forget(sid);
    }
  }

  #restIfIdle(): void {
    if (this.#ending.size === 0) this.#options.audioTicker.remove(this);
  }

  /** Ends readers that have been given everything. */
  #endReaders(): void {
    for (const reader of this.#ending) {
      if (!reader.isEmpty) continue;
      this.#ending.delete(reader);
      reader.close();
      this.#readers.delete(reader.id);
      this.#options.emit('readerEnd', { reader: reader.id });
    }
  }

  #connect(reader: StreamReader, entry: StreamEntry): void {
    const audioSid = entry.audioTrack ?? entry.awaited?.audioTrack;
    const videoSid = entry.videoTrack ?? entry.awaited?.videoTrack;
    const { media } = this.#options;
    const { connectionId } = entry.state.connection;
    const audio = audioSid !== undefined && reader.wantsAudio;
    const video = videoSid !== undefined && reader.wantsVideo;
    reader.attach(
      audio ? media.track(audioSid, 'audio', connectionId).audio : undefined,
      video ? media.track(videoSid, 'video', connectionId).video : undefined,
    );
  }

  #addToMix(mix: MixReader, entry: StreamEntry): void {
    if (mix.onlySubscribed && !this.#isHeard(entry.state.streamId)) return;
    const sid = entry.audioTrack ?? entry.awaited?.audioTrack;
    const { connectionId } = entry.state.connection;
    const receiver = sid === undefined ? undefined : this.#options.media.track(sid, 'audio', connectionId).audio;
    if (receiver) mix.mixer.add(receiver);
  }

  /** The audio of a stream is not read any more: mixes of what is subscribed to go on without it. */
  #leaveMixes(streamId: string): void {
    if (this.#isHeard(streamId)) return;
    const trackSid = this.#options.directory.stream(streamId)?.audioTrack;
    for (const track of this.#options.media.tracks) {
      if (track.trackSid !== trackSid || !track.audio) continue;
      for (const mix of this.#mixes.values()) if (mix.onlySubscribed) mix.mixer.remove(track.audio);
    }
  }

  /** Whether a reader was opened for the audio of a stream. */
  #isHeard(streamId: string): boolean {
    for (const reader of this.#readers.values()) if (reader.streamId === streamId && reader.wantsAudio) return true;
    return false;
  }
}
