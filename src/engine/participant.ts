import type { ParticipantInfo, ParticipantPermission, SpeakerInfo, SubscribedQualityUpdate } from '@livekit/protocol';
import type { Clock, ClockTimer } from '../media/clock.js';
import { SluiceError, toErrorData } from '../media/errors.js';
import type { MediaValue } from '../media/media-value.js';
import { candidatePairs } from './candidate-pairs.js';
import { Directory, type DirectoryChange, connectionInfo, streamIdOf } from './directory.js';
import { Downlink } from './downlink.js';
import type { Emit } from './media-reader.js';
import type { ConnectArgs, ConnectResult, PublisherOpenArgs, ReaderOpenArgs, SessionStats } from './port.js';
import { LoudestSpeaker } from './loudest-speaker.js';
import { mayPublish, mayRead } from './permission.js';
import { Publishing } from './publishing.js';
import { Reading } from './reading.js';
import { LiveKitSignal } from './signalling/livekit.js';
import type { Ticker } from './ticker.js';
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

/** How long the server has to say why it closed the media, in ms. */
const LAST_WORD_MS = 250;

/** One participant of one session: signalling, what it publishes, and what it reads. */
export class Participant {
  readonly result: ConnectResult;
  readonly #args: ConnectArgs;
  readonly #options: ParticipantOptions;
  readonly #signal: LiveKitSignal;
  readonly #directory: Directory;
  readonly #uplink: Uplink;
  readonly #downlink: Downlink;
  readonly #publishing: Publishing;
  readonly #reading: Reading;
  /** What the server lets this participant do; nothing is known of a server that does not tell. */
  #permission: ParticipantPermission | undefined;
  readonly #speaker = new LoudestSpeaker();
  /** What happens before the application has its session is told after that. */
  #announced = false;
  #early: (() => void)[] = [];
  #failing: ClockTimer | undefined;
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
        this.#onMediaFailed();
      },
    };
    this.#uplink = new Uplink(link);
    this.#downlink = new Downlink({
      ...link,
      roundTripUs: () => this.#uplink.roundTripUs ?? (this.#signal.rttMs ?? 0) * 1000,
    });
    const { clock, audioTicker, emit } = options;
    this.#publishing = new Publishing({ clock, audioTicker, emit, uplink: this.#uplink });
    const directory = this.#directory;
    this.#reading = new Reading({ clock, audioTicker, emit, signal, directory, downlink: this.#downlink });
    this.#permission = signal.join.participant?.permission;
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
        onParticipants: later((to, participants: readonly ParticipantInfo[], complete: boolean) => {
          to.#take(participants, complete);
        }),
        onTrackPublished: later((to, response) => {
          to.#uplink.onTrackPublished(response);
        }),
        onTrackUnpublished: later((to, trackSid: string) => {
          to.#publishing.onUnpublished(trackSid).catch(options.onFault);
        }),
        onSubscribedQuality: later((to, update: SubscribedQualityUpdate) => {
          to.#uplink.onSubscribedQuality(update);
        }),
        onSpeakers: later((to, speakers: readonly SpeakerInfo[]) => {
          to.#hear(speakers);
        }),
        onResumed: later((to) => {
          to.#uplink.resume();
          to.#reading.resume();
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
    const early = this.#early;
    this.#early = [];
    for (const task of early) task();
  }

  /** Errors: SLUICE_PERMISSION_DENIED, SLUICE_PUBLISH_FAILED, SLUICE_CODEC_UNAVAILABLE, SLUICE_SESSION_CLOSED. */
  async publisherOpen(args: PublisherOpenArgs): Promise<{ streamId: string }> {
    if (!mayPublish(this.#permission, args)) {
      throw new SluiceError('SLUICE_PERMISSION_DENIED', 'the token does not grant publishing this');
    }
    await this.#publishing.open(args);
    return { streamId: streamIdOf(this.result.connection.connectionId, args.name) };
  }

  write(publisher: number, value: MediaValue): void {
    this.#publishing.write(publisher, value);
  }

  clear(publisher: number, kind: 'audio' | 'video'): void {
    this.#publishing.clear(publisher, kind);
  }

  publisherDrain(publisher: number, kind: 'audio' | 'video'): Promise<void> {
    return this.#publishing.drain(publisher, kind);
  }

  publisherClose(id: number): Promise<void> {
    return this.#publishing.close(id);
  }

  /** Errors: SLUICE_STREAM_UNKNOWN, SLUICE_SUBSCRIBE_FAILED. */
  readerOpen(args: ReaderOpenArgs): void {
    if (!mayRead(this.#permission)) {
      throw new SluiceError('SLUICE_SUBSCRIBE_FAILED', 'the token does not grant receiving the streams of others');
    }
    this.#reading.open(args);
  }

  credit(reader: number, kind: 'audio' | 'video', values: number): void {
    this.#reading.credit(reader, kind, values);
  }

  requestKeyFrame(reader: number): void {
    this.#reading.requestKeyFrame(reader);
  }

  readerClose(reader: number): void {
    this.#reading.close(reader);
  }

  stats(): SessionStats {
    const { rttMs } = this.#signal;
    const { availableBps } = this.#uplink;
    return {
      ...(rttMs !== undefined && { rttMs }),
      ...(availableBps !== undefined && { availableOutgoingBitrate: Math.round(availableBps) }),
      candidatePairs: candidatePairs(this.#uplink, this.#downlink),
      outbound: this.#publishing.stats(),
      remoteInbound: this.#publishing.remoteStats(),
      inbound: this.#reading.stats(),
      packetsDiscarded: this.#downlink.packetsDiscarded,
    };
  }

  /** Leaves the session. Everything that was opened in it ends. */
  async disconnect(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#failing?.cancel();
    this.#reading.closeAll();
    // The goodbye ends the tracks: closing the uplink first spares an offer for each.
    this.#signal.close();
    await this.#uplink.close();
    await this.#publishing.closeAll();
    await this.#downlink.close();
  }

  /** A server that ends the session closes the media as well: what it says of it may come a moment later. */
  #onMediaFailed(): void {
    this.#failing ??= this.#options.clock.after(LAST_WORD_MS, () => {
      this.#lose(new SluiceError('SLUICE_SESSION_LOST', 'the media connection to the server broke'));
    });
  }

  #lose(error: SluiceError): void {
    if (this.#ended) return;
    this.#tell(() => {
      this.#options.emit('sessionLost', { session: this.#args.session, error: toErrorData(error) });
    });
    this.disconnect().catch(this.#options.onFault);
  }

  #take(participants: readonly ParticipantInfo[], complete = false): void {
    const own = participants.find(({ sid }) => sid === this.result.connection.connectionId);
    if (own?.permission) this.#permission = own.permission;
    for (const change of this.#directory.update(participants, complete)) {
      if (change.type === 'streamReceived' || change.type === 'streamUpdated') this.#reading.onStream(change.stream);
      if (change.type === 'streamDropped') this.#reading.onStreamDropped(change.stream);
      this.#tell(() => {
        this.#report(change);
      });
    }
    this.#reading.subscribe();
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
