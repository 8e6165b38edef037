import type { ParticipantInfo, SpeakerInfo } from '@livekit/protocol';
import type { Clock, ClockTimer } from '../media/clock.js';
import { SluiceError, toErrorData } from '../media/errors.js';
import { Mixer } from './audio/mixer.js';
import { Directory, type DirectoryChange, type StreamEntry, connectionInfo, streamIdOf } from './directory.js';
import { Downlink } from './downlink.js';
import { type Emit, MediaReader } from './media-reader.js';
import type { ConnectArgs, ConnectResult, PublisherOpenArgs, ReaderOpenArgs, SessionStats } from './port.js';
import { EnginePublisher } from './publisher.js';
import { StreamReader } from './reader.js';
import { LoudestSpeaker } from './loudest-speaker.js';
import { LiveKitSignal } from './signalling/livekit.js';
import type { Ticker, TickTask } from './ticker.js';
import { Uplink } from './uplink.js';

export interface ParticipantOptions {
  readonly clock: Clock;
  /** 20 ms. */
  readonly audioTicker: Ticker;
  /** A few milliseconds. */
  readonly ticker: Ticker;
  readonly emit: Emit;
  readonly onFault: (error: unknown) => void;
}

/** How long after a stream has gone its last packets may come, and be played, in ms. */
const TAIL_MS = 300;

interface MixReader {
  readonly reader: MediaReader;
  readonly mixer: Mixer;
  active: boolean;
}

/** One participant of one session: signalling, what it publishes, and what it reads. */
export class Participant implements TickTask {
  readonly result: ConnectResult;
  readonly #args: ConnectArgs;
  readonly #options: ParticipantOptions;
  readonly #signal: LiveKitSignal;
  readonly #directory: Directory;
  readonly #uplink: Uplink;
  readonly #downlink: Downlink;
  readonly #publishers = new Map<number, EnginePublisher>();
  readonly #readers = new Map<number, StreamReader>();
  readonly #mixes = new Map<number, MixReader>();
  /** Readers whose stream is gone, until they have read what came. */
  readonly #ending = new Set<StreamReader>();
  readonly #tails = new Set<ClockTimer>();
  /** Tracks that the server was asked for. */
  readonly #subscribed = new Set<string>();
  readonly #speaker = new LoudestSpeaker();
  /** What happens before the application has its session is told after that. */
  #announced = false;
  #early: (() => void)[] = [];
  #ended = false;

  private constructor(args: ConnectArgs, options: ParticipantOptions, signal: LiveKitSignal, result: ConnectResult) {
    this.result = result;
    this.#args = args;
    this.#options = options;
    this.#signal = signal;
    this.#directory = new Directory(result.connection.connectionId);
    const link = {
      clock: options.clock,
      ticker: options.ticker,
      signal: this.#signal,
      bindAddress: isLoopback(args.url) ? '127.0.0.1' : undefined,
      onFault: options.onFault,
      onFailed: () => {
        this.#lose(new SluiceError('SLUICE_SESSION_LOST', 'the media connection to the server broke'));
      },
    };
    this.#uplink = new Uplink(link);
    this.#downlink = new Downlink(link);
    options.audioTicker.add(this);
    this.#take(this.#signal.join.otherParticipants);
  }

  /** Joins a session. Errors: those of LiveKitSignal.connect, SLUICE_PROTOCOL. */
  static async connect(args: ConnectArgs, options: ParticipantOptions): Promise<Participant> {
    const self: { participant?: Participant } = {};
    const waiting: (() => void)[] = [];
    // The server may speak before this side is set up.
    const later =
      <A extends unknown[]>(task: (to: Participant, ...a: A) => void) =>
      (...a: A): void => {
        const to = self.participant;
        if (to) task(to, ...a);
        else
          waiting.push(() => {
            if (self.participant) task(self.participant, ...a);
          });
      };
    const signal = await LiveKitSignal.connect({
      url: args.url,
      token: args.token,
      timeoutMs: args.timeoutMs,
      clock: options.clock,
      handlers: {
        onOffer: later((to, sdp: string, id: number) => {
          to.#downlink.onOffer(sdp, id);
        }),
        onAnswer: later((to, sdp: string, id: number) => {
          to.#uplink.onAnswer(sdp, id);
        }),
        onCandidate: later((to, target: 'publisher' | 'subscriber', candidate: string) => {
          (target === 'publisher' ? to.#uplink : to.#downlink).onCandidate(candidate);
        }),
        onParticipants: later((to, participants: readonly ParticipantInfo[]) => {
          to.#take(participants);
        }),
        onTrackPublished: later((to, response) => {
          to.#uplink.onTrackPublished(response);
        }),
        onSpeakers: later((to, speakers: readonly SpeakerInfo[]) => {
          to.#hear(speakers);
        }),
        onEnd: later((to, error: SluiceError) => {
          to.#lose(error);
        }),
      },
    });
    const { room, participant: me } = signal.join;
    if (!room || !me) {
      signal.close();
      throw new SluiceError('SLUICE_PROTOCOL', 'the server joined nobody to nothing');
    }
    const result = { sessionId: room.name, connection: connectionInfo(me) };
    const participant = new Participant(args, options, signal, result);
    self.participant = participant;
    for (const task of waiting) task();
    return participant;
  }

  /** Tells what is there, and from now on what changes. */
  announce(): void {
    this.#announced = true;
    this.#options.emit('readyForAudio', { session: this.#args.session });
    const early = this.#early;
    this.#early = [];
    for (const task of early) task();
  }

  async publisherOpen(args: PublisherOpenArgs): Promise<{ streamId: string }> {
    const { clock, audioTicker, ticker, emit } = this.#options;
    const publisher = await EnginePublisher.open(args, { clock, audioTicker, ticker, emit, uplink: this.#uplink });
    if (this.#ended) {
      await publisher.close();
      throw new SluiceError('SLUICE_SESSION_CLOSED', 'the session ended while it was published to');
    }
    this.#publishers.set(args.publisher, publisher);
    return { streamId: streamIdOf(this.result.connection.connectionId, args.name) };
  }

  publisher(id: number): EnginePublisher | undefined {
    return this.#publishers.get(id);
  }

  async publisherClose(id: number): Promise<void> {
    const publisher = this.#publishers.get(id);
    this.#publishers.delete(id);
    await publisher?.close();
  }

  readerOpen(args: ReaderOpenArgs): void {
    const { streamId } = args;
    if (streamId === undefined) {
      const reader = new MediaReader(args.reader, 'audio', args.maxLagMs, this.#options.emit);
      this.#mixes.set(args.reader, { reader, mixer: new Mixer(args.audioFormat, reader), active: false });
      return;
    }
    const entry = this.#directory.stream(streamId);
    if (!entry) throw new SluiceError('SLUICE_STREAM_UNKNOWN', `stream ${streamId} is not in the session`);
    const reader = new StreamReader({ ...args, streamId }, this.#options.emit);
    this.#readers.set(args.reader, reader);
    this.#connect(reader, entry);
    this.#subscribe();
  }

  credit(id: number, kind: 'audio' | 'video', values: number): void {
    this.#readers.get(id)?.grant(kind, values);
    const mix = this.#mixes.get(id);
    if (!mix) return;
    mix.reader.grant(values);
    if (mix.active) return;
    mix.active = true;
    for (const entry of this.#directory.streams()) this.#addToMix(mix, entry);
    this.#subscribe();
  }

  requestKeyFrame(id: number): void {
    this.#readers.get(id)?.requestKeyFrame();
  }

  readerClose(id: number): void {
    const reader = this.#readers.get(id);
    if (reader) this.#ending.delete(reader);
    reader?.close();
    this.#readers.delete(id);
    this.#mixes.get(id)?.mixer.close();
    this.#mixes.delete(id);
    this.#subscribe();
  }

  /** One beat of 20 ms: every track plays, then the mixes are handed out. */
  tick(nowUs: number): void {
    for (const track of this.#downlink.tracks) track.audio?.tick(nowUs);
    for (const mix of this.#mixes.values()) if (mix.active) mix.mixer.finish(nowUs);
    if (this.#ending.size > 0) this.#endReaders();
  }

  stats(): SessionStats {
    const inbound = [...this.#downlink.tracks].flatMap((track) => {
      const streamId = this.#directory.streamOfTrack(track.trackSid)?.state.streamId;
      if (streamId === undefined) return [];
      const frames = { decoded: 0, dropped: 0 };
      for (const reader of this.#readers.values()) {
        if (reader.streamId !== streamId) continue;
        frames.decoded += reader.framesDecoded;
        frames.dropped += reader.framesDropped;
      }
      return track.stats(streamId, frames) ?? [];
    });
    const { rttMs } = this.#signal;
    return {
      ...(rttMs !== undefined && { rttMs }),
      outbound: [...this.#publishers.values()].flatMap((publisher) => publisher.stats()),
      inbound,
      packetsDiscarded: this.#downlink.packetsDiscarded,
    };
  }

  /** Leaves the session. Everything that was opened in it ends. */
  async disconnect(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#options.audioTicker.remove(this);
    for (const timer of this.#tails) timer.cancel();
    for (const id of [...this.#readers.keys(), ...this.#mixes.keys()]) {
      this.readerClose(id);
      this.#options.emit('readerEnd', { reader: id });
    }
    // The goodbye ends the tracks: closing the uplink first spares an offer for each.
    this.#signal.close();
    await this.#uplink.close();
    for (const publisher of this.#publishers.values()) await publisher.close();
    this.#publishers.clear();
    await this.#downlink.close();
  }

  #lose(error: SluiceError): void {
    if (this.#ended) return;
    this.#tell(() => {
      this.#options.emit('sessionLost', { session: this.#args.session, error: toErrorData(error) });
    });
    this.disconnect().catch(this.#options.onFault);
  }

  #take(participants: readonly ParticipantInfo[]): void {
    for (const change of this.#directory.update(participants)) {
      if (change.type === 'streamReceived' || change.type === 'streamUpdated') this.#onStream(change.stream);
      if (change.type === 'streamDropped') this.#onStreamDropped(change.stream);
      this.#tell(() => {
        this.#report(change);
      });
    }
    this.#subscribe();
  }

  #onStream(entry: StreamEntry): void {
    for (const reader of this.#readers.values())
      if (reader.streamId === entry.state.streamId) this.#connect(reader, entry);
    for (const mix of this.#mixes.values()) if (mix.active) this.#addToMix(mix, entry);
  }

  /** What is on its way still arrives, and what waits is still played: the stream ends a moment later. */
  #onStreamDropped(entry: StreamEntry): void {
    const timer = this.#options.clock.after(TAIL_MS, () => {
      this.#tails.delete(timer);
      this.#retire(entry);
    });
    this.#tails.add(timer);
    for (const sid of [entry.audioTrack, entry.videoTrack]) if (sid !== undefined) this.#subscribed.delete(sid);
  }

  #retire(entry: StreamEntry): void {
    for (const reader of this.#readers.values()) {
      if (reader.streamId !== entry.state.streamId || this.#directory.stream(reader.streamId)) continue;
      reader.end();
      this.#ending.add(reader);
    }
    for (const sid of [entry.audioTrack, entry.videoTrack]) {
      if (sid === undefined) continue;
      for (const track of this.#downlink.tracks) {
        if (track.trackSid === sid && track.audio)
          for (const mix of this.#mixes.values()) mix.mixer.remove(track.audio);
      }
      this.#downlink.forget(sid);
    }
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

  #report(change: DirectoryChange): void {
    const { session } = this.#args;
    const { emit } = this.#options;
    switch (change.type) {
      case 'connectionCreated':
      case 'connectionDropped':
        emit(change.type, { session, connection: change.connection });
        break;
      case 'streamReceived':
      case 'streamUpdated':
        emit(change.type, { session, stream: change.stream.state });
        break;
      case 'streamDropped':
        emit('streamDropped', { session, streamId: change.stream.state.streamId });
        break;
    }
  }

  #tell(task: () => void): void {
    if (this.#announced) task();
    else this.#early.push(task);
  }

  #connect(reader: StreamReader, entry: StreamEntry): void {
    const { audioTrack, videoTrack } = entry;
    reader.attach(
      audioTrack !== undefined && reader.wantsAudio ? this.#downlink.track(audioTrack, 'audio').audio : undefined,
      videoTrack !== undefined && reader.wantsVideo ? this.#downlink.track(videoTrack, 'video').video : undefined,
    );
  }

  #addToMix(mix: MixReader, entry: StreamEntry): void {
    const receiver = entry.audioTrack === undefined ? undefined : this.#downlink.track(entry.audioTrack, 'audio').audio;
    if (receiver) mix.mixer.add(receiver);
  }

  /** Asks the server for the tracks that somebody reads, and gives back the others. */
  #subscribe(): void {
    if (this.#ended) return;
    const wanted = new Set<string>();
    const mixing = [...this.#mixes.values()].some((mix) => mix.active);
    for (const entry of this.#directory.streams()) {
      const readers = [...this.#readers.values()].filter((reader) => reader.streamId === entry.state.streamId);
      const { audioTrack, videoTrack } = entry;
      if (audioTrack !== undefined && (mixing || readers.some((reader) => reader.wantsAudio))) wanted.add(audioTrack);
      if (videoTrack !== undefined && readers.some((reader) => reader.wantsVideo)) wanted.add(videoTrack);
    }
    const more = [...wanted].filter((sid) => !this.#subscribed.has(sid));
    const less = [...this.#subscribed].filter((sid) => !wanted.has(sid));
    if (more.length > 0) this.#signal.updateSubscription(more, true);
    if (less.length > 0) this.#signal.updateSubscription(less, false);
    for (const sid of more) this.#subscribed.add(sid);
    for (const sid of less) {
      this.#subscribed.delete(sid);
      this.#downlink.forget(sid);
    }
  }

  #hear(speakers: readonly SpeakerInfo[]): void {
    const before = this.#speaker.streamId;
    this.#speaker.update(speakers, this.#directory);
    const { streamId } = this.#speaker;
    if (streamId === before) return;
    const { session } = this.#args;
    this.#tell(() => {
      this.#options.emit('speakerChanged', { session, ...(streamId !== undefined && { streamId }) });
    });
  }
}

function isLoopback(url: string): boolean {
  const { hostname } = new URL(url);
  return hostname === 'localhost' || hostname === '[::1]' || /^127\./.test(hostname);
}
