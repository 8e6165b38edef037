import { type ParticipantInfo, ParticipantInfo_Kind, type ParticipantPermission } from '@livekit/protocol';
import type { CaptionsData } from '../media/captions.js';
import type { Clock, ClockTimer } from '../media/clock.js';
import { SluiceError, toErrorData } from '../media/errors.js';
import type { MediaValue } from '../media/media-value.js';
import { candidatePairs } from './candidate-pairs.js';
import { DataIntake } from './data-intake.js';
import { Directory, type DirectoryChange, connectionInfo, newConnection } from './directory.js';
import { InboundMedia } from './inbound-media.js';
import { LoudestSpeaker } from './loudest-speaker.js';
import type { Emit } from './media-reader.js';
import { Membership, type MembershipHandlers } from './membership.js';
import { mayPublish, mayRead } from './permission.js';
import type {
  ConnectArgs,
  ConnectionInfo,
  ConnectResult,
  PublisherOpenArgs,
  ReaderOpenArgs,
  ReadKind,
  SessionStats,
  VideoPreference,
} from './port.js';
import { OwnAttributes } from './own-attributes.js';
import { Publishing } from './publishing.js';
import { Reading } from './reading.js';
import type { ServerLink } from './server-link.js';
import { streamIdOf } from './stream-entry.js';
import type { SendBeat } from './audio/send-beat.js';
import type { Ticker } from './ticker.js';
import { sessionLeft } from './waits.js';

export interface ParticipantOptions {
  readonly clock: Clock;
  readonly sendBeat: SendBeat;
  /** 20 ms. */
  readonly audioTicker: Ticker;
  /** 10 ms. */
  readonly shortAudioTicker: Ticker;
  /** A few milliseconds. */
  readonly ticker: Ticker;
  readonly emit: Emit;
  readonly onFault: (error: unknown) => void;
}

/** Those who went elsewhere as well have so long to be there; their streams stay open meanwhile. */
const RETURN_TIMEOUT_MS = 10_000;

/**
 * One participant of one session: what it publishes and what it reads, at whichever server it is. Where one stay at a server follows
 * another, publishers and readers go on, and so do the ids that were told.
 */
export class Participant {
  readonly result: ConnectResult;
  readonly attributes: OwnAttributes;
  readonly #args: ConnectArgs;
  readonly #options: ParticipantOptions;
  readonly #membership: Membership;
  readonly #directory: Directory;
  readonly #media: InboundMedia;
  readonly #publishing: Publishing;
  readonly #reading: Reading;
  readonly #data: DataIntake;
  /** What the server lets this participant do; nothing is known of a server that does not tell. */
  #permission: ParticipantPermission | undefined;
  /** As the server has told of this participant last. */
  #connection: ConnectionInfo;
  #speaker = new LoudestSpeaker();
  #toldSpeaker: string | undefined;
  /** What happens before the application has its session is told after that. */
  #announced = false;
  #early: (() => void)[] = [];
  /** Between two servers, as it was told. */
  #away = false;
  #returnTimer: ClockTimer | undefined;
  #ended = false;

  private constructor(
    args: ConnectArgs,
    options: ParticipantOptions,
    { membership, media, link }: { membership: Membership; media: InboundMedia; link: ServerLink },
  ) {
    const { room, participant } = link.join;
    this.result = { sessionId: room.name, connection: connectionInfo(participant) };
    this.#args = args;
    this.#options = options;
    this.#membership = membership;
    this.#media = media;
    this.#connection = this.result.connection;
    const { clock, sendBeat, audioTicker, shortAudioTicker, emit } = options;
    const { identity } = participant;
    const directory = (this.#directory = new Directory(identity));
    const isAgent = participant.kind === ParticipantInfo_Kind.AGENT;
    this.#publishing = new Publishing({ clock, sendBeat, emit, identity, isAgent, directory });
    this.#reading = new Reading({ clock, audioTicker, shortAudioTicker, emit, directory, media });
    this.#data = new DataIntake((error) => {
      this.#reading.failCaptions(error);
    });
    this.attributes = new OwnAttributes(clock);
    this.#arrive(link).catch(options.onFault);
    membership.listen(this.#handlers());
  }

  /** Joins a session. Errors: those of Membership.join. */
  static async connect(args: ConnectArgs, options: ParticipantOptions): Promise<Participant> {
    const at: { membership?: Membership } = {};
    const { clock, ticker, onFault } = options;
    const media = new InboundMedia({
      clock,
      onError: onFault,
      send: (packet) => {
        at.membership?.link?.downlink.send(packet);
      },
      roundTripUs: () => {
        const link = at.membership?.link;
        return link?.uplink.roundTripUs ?? (link?.signal.rttMs ?? 0) * 1000;
      },
    });
    const { membership, link } = await Membership.join({
      urls: [args.url, ...(args.fallbackUrls ?? [])],
      token: args.token,
      timeoutMs: args.timeoutMs,
      mayMove: args.enableMigration ?? false,
      clock,
      ticker,
      media,
      onFault,
      random: Math.random,
    });
    at.membership = membership;
    return new Participant(args, options, { membership, media, link });
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

  mute(publisher: number, kind: 'audio' | 'video', muted: boolean): void {
    this.#publishing.mute(publisher, kind, muted);
  }

  publisherCaptions(publisher: number, captions: CaptionsData): Promise<void> {
    return this.#publishing.writeCaptions(publisher, captions);
  }

  publisherDrain(publisher: number, kind: 'audio' | 'video'): Promise<void> {
    return this.#publishing.drain(publisher, kind);
  }

  publisherClose(id: number): Promise<void> {
    return this.#publishing.close(id);
  }

  /** Errors: SLUICE_STREAM_UNKNOWN, SLUICE_SUBSCRIBE_FAILED; with captions also SLUICE_PUBLISH_FAILED, SLUICE_SESSION_CLOSED. */
  async readerOpen(args: ReaderOpenArgs): Promise<void> {
    if (!mayRead(this.#permission)) {
      throw new SluiceError('SLUICE_SUBSCRIBE_FAILED', 'the token does not grant receiving the streams of others');
    }
    if (args.captions === true) {
      await this.#data.open();
      if (this.#ended) throw sessionLeft();
    }
    this.#reading.open(args);
  }

  credit(reader: number, kind: ReadKind, values: number): void {
    this.#reading.credit(reader, kind, values);
  }

  requestKeyFrame(reader: number): void {
    this.#reading.requestKeyFrame(reader);
  }

  prefer(reader: number, preference: VideoPreference): void {
    this.#reading.prefer(reader, preference);
  }

  readerClose(reader: number): void {
    this.#reading.close(reader);
  }

  stats(): SessionStats {
    const { link } = this.#membership;
    const rttMs = link?.signal.rttMs;
    const availableBps = link?.uplink.availableBps;
    return {
      ...(rttMs !== undefined && { rttMs }),
      ...(availableBps !== undefined && { availableOutgoingBitrate: Math.round(availableBps) }),
      candidatePairs: link ? candidatePairs(link.uplink, link.downlink, this.#media.roundTripUs) : [],
      outbound: this.#publishing.stats(),
      remoteInbound: this.#publishing.remoteStats(),
      inbound: this.#reading.stats(),
      packetsDiscarded: this.#media.packetsDiscarded,
      captionsDiscarded: this.#reading.captionsDiscarded,
    };
  }

  /** Leaves the session. Everything that was opened in it ends. */
  async disconnect(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#returnTimer?.cancel();
    this.attributes.close();
    this.#reading.closeAll();
    this.#data.close();
    await this.#membership.leave();
    await this.#publishing.closeAll();
    this.#media.close();
  }

  #handlers(): MembershipHandlers {
    return {
      onParticipants: (participants, complete) => {
        this.#take(participants, complete);
      },
      onTrackUnpublished: (trackSid) => {
        this.#publishing.onUnpublished(trackSid).catch(this.#options.onFault);
      },
      onTrackMuted: (trackSid) => {
        this.#publishing.onMuted(trackSid);
      },
      onSpeakers: (speakers) => {
        this.#speaker.update(speakers, this.#directory);
        this.#tellSpeaker();
      },
      onData: (packet) => {
        this.#reading.receiveData(packet);
      },
      onRequestResponse: (response) => {
        this.attributes.onResponse(response);
      },
      onResumed: () => {
        this.attributes.repeat();
        this.#reading.resume();
      },
      onAway: () => {
        this.#depart();
      },
      onBack: (link) => this.#arrive(link),
      onSettled: () => {
        this.#away = false;
        this.#tell(() => {
          this.#options.emit('migrated', { session: this.#args.session });
        });
      },
      onOver: (error) => {
        this.#lose(error);
      },
    };
  }

  /** The server is gone: all that is open waits for the next one. */
  #depart(): void {
    if (!this.#away) {
      this.#tell(() => {
        this.#options.emit('migrating', { session: this.#args.session });
      });
    }
    this.#away = true;
    this.attributes.detach();
    this.#publishing.detach();
    this.#reading.attach(undefined);
    this.#data.detach();
    this.#media.setSections([]);
    this.#directory.awaitEveryone();
    this.#speaker = new LoudestSpeaker();
    this.#tellSpeaker();
    this.#returnTimer?.cancel();
    this.#returnTimer = undefined;
  }

  /** There is a server: what is open goes on there. Resolves when all is published, and data that somebody reads gets through. */
  async #arrive(link: ServerLink): Promise<void> {
    this.#takeOwn(link.join.participant);
    this.attributes.attach(link.signal);
    this.#reading.attach(link.signal);
    const data = this.#data.attach(link);
    this.#take(link.join.otherParticipants);
    const published = this.#publishing.attach(link.uplink, () => {
      link.fail();
    });
    await Promise.all([data, published]);
  }

  #lose(error: SluiceError): void {
    if (this.#ended) return;
    this.#tell(() => {
      this.#options.emit('sessionLost', { session: this.#args.session, error: toErrorData(error) });
    });
    this.disconnect().catch(this.#options.onFault);
  }

  #take(participants: readonly ParticipantInfo[], complete = false): void {
    const self = this.#membership.link?.join.participant.sid;
    const own = participants.find(({ sid }) => sid === self);
    if (own) this.#takeOwn(own);
    this.#apply(this.#directory.update(participants, complete));
    if (this.#directory.isWaiting) this.#returnTimer ??= this.#awaitReturn();
  }

  #awaitReturn(): ClockTimer {
    return this.#options.clock.after(RETURN_TIMEOUT_MS, () => {
      this.#returnTimer = undefined;
      this.#apply(this.#directory.giveUp());
    });
  }

  #apply(changes: readonly DirectoryChange[]): void {
    for (const change of changes) {
      switch (change.type) {
        case 'streamReceived':
        case 'streamUpdated':
        case 'streamReturned':
          this.#reading.onStream(change.stream);
          break;
        case 'streamDropped':
          this.#reading.onStreamDropped(change.stream);
          break;
        case 'trackMoved':
          this.#media.rename(change.from, change.to);
          break;
        case 'trackLost':
          this.#media.forget(change.trackSid);
          break;
        default:
      }
      this.#tell(() => {
        this.#report(change);
      });
    }
    this.#reading.subscribe();
  }

  #takeOwn(own: ParticipantInfo): void {
    if (own.permission) this.#permission = own.permission;
    const connection = newConnection(this.#connection, own);
    if (!connection) return;
    this.#connection = connection;
    this.#tell(() => {
      this.#options.emit('connectionUpdated', { session: this.#args.session, connection });
    });
  }

  #report(change: DirectoryChange): void {
    const { session } = this.#args;
    const { emit } = this.#options;
    switch (change.type) {
      case 'connectionCreated':
      case 'connectionDropped':
      case 'connectionUpdated':
        emit(change.type, { session, connection: change.connection });
        break;
      case 'streamReceived':
      case 'streamUpdated':
        emit(change.type, { session, stream: change.stream.state });
        break;
      case 'streamDropped':
        emit('streamDropped', { session, streamId: change.stream.state.streamId });
        break;
      default:
    }
  }

  #tell(task: () => void): void {
    if (this.#announced) task();
    else this.#early.push(task);
  }

  #tellSpeaker(): void {
    const { streamId } = this.#speaker;
    if (streamId === this.#toldSpeaker) return;
    this.#toldSpeaker = streamId;
    const { session } = this.#args;
    this.#tell(() => {
      this.#options.emit('speakerChanged', { session, ...(streamId !== undefined && { streamId }) });
    });
  }
}
