import type { CaptionsData } from '../media/captions.js';
import { systemClock } from '../media/clock.js';
import { SluiceError } from '../media/errors.js';
import { SendBeat } from './audio/send-beat.js';
import type { Emit } from './media-reader.js';
import { Participant } from './participant.js';
import type {
  ConnectArgs,
  ConnectResult,
  EnginePosts,
  PublisherOpenArgs,
  ReaderOpenArgs,
  SessionStats,
} from './port.js';
import { Ticker } from './ticker.js';

const AUDIO_BEAT_MS = 20;
const SHORT_AUDIO_BEAT_MS = 10;
const PACING_BEAT_MS = 5;

/** Everything that the media thread does for sessions: finds the participant that an id belongs to, and hands on. */
export class MediaThread {
  readonly #emit: Emit;
  readonly #sessions = new Map<number, Participant>();
  /** The session of each publisher and each reader. */
  readonly #owners = new Map<number, Participant>();
  readonly #onFault = (error: unknown): void => {
    process.emitWarning(error instanceof Error ? error : String(error));
  };
  readonly #sendBeat = new SendBeat(systemClock, this.#onFault);
  readonly #audioTicker = new Ticker(systemClock, AUDIO_BEAT_MS, this.#onFault);
  readonly #shortAudioTicker = new Ticker(systemClock, SHORT_AUDIO_BEAT_MS, this.#onFault);
  readonly #ticker = new Ticker(systemClock, PACING_BEAT_MS, this.#onFault);

  constructor(emit: Emit) {
    this.#emit = emit;
  }

  async connect(args: ConnectArgs): Promise<ConnectResult> {
    const participant = await Participant.connect(args, {
      clock: systemClock,
      sendBeat: this.#sendBeat,
      audioTicker: this.#audioTicker,
      shortAudioTicker: this.#shortAudioTicker,
      ticker: this.#ticker,
      emit: this.#emit,
      onFault: this.#onFault,
    });
    this.#sessions.set(args.session, participant);
    return participant.result;
  }

  /** The application has its session: events may come. */
  announce(session: number): void {
    this.#sessions.get(session)?.announce();
  }

  async disconnect(session: number): Promise<void> {
    const participant = this.#sessions.get(session);
    this.#sessions.delete(session);
    for (const [id, owner] of this.#owners) if (owner === participant) this.#owners.delete(id);
    await participant?.disconnect();
  }

  async setAttributes(session: number, attributes: Readonly<Record<string, string>>): Promise<void> {
    await this.#session(session).attributes.set(attributes);
  }

  async publisherOpen(args: PublisherOpenArgs): Promise<{ streamId: string }> {
    const participant = this.#session(args.session);
    // Media may follow at once.
    this.#owners.set(args.publisher, participant);
    try {
      return await participant.publisherOpen(args);
    } catch (error) {
      this.#owners.delete(args.publisher);
      throw error;
    }
  }

  async publisherClose(publisher: number): Promise<void> {
    const participant = this.#owners.get(publisher);
    this.#owners.delete(publisher);
    await participant?.publisherClose(publisher);
  }

  async publisherCaptions(publisher: number, captions: CaptionsData): Promise<void> {
    await this.#owners.get(publisher)?.publisherCaptions(publisher, captions);
  }

  async publisherDrain(publisher: number, kind: 'audio' | 'video'): Promise<void> {
    await this.#owners.get(publisher)?.publisherDrain(publisher, kind);
  }

  async readerOpen(args: ReaderOpenArgs): Promise<void> {
    const participant = this.#session(args.session);
    await participant.readerOpen(args);
    this.#owners.set(args.reader, participant);
  }

  readerClose(reader: number): void {
    this.#owners.get(reader)?.readerClose(reader);
    this.#owners.delete(reader);
  }

  stats(session: number): SessionStats {
    return this.#session(session).stats();
  }

  post<N extends keyof EnginePosts>(name: N, args: EnginePosts[N]): void {
    switch (name) {
      case 'write': {
        const { publisher, value } = args as EnginePosts['write'];
        this.#owners.get(publisher)?.write(publisher, value);
        break;
      }
      case 'clear': {
        const { publisher, kind } = args as EnginePosts['clear'];
        this.#owners.get(publisher)?.clear(publisher, kind);
        break;
      }
      case 'mute': {
        const { publisher, kind, muted } = args as EnginePosts['mute'];
        this.#owners.get(publisher)?.mute(publisher, kind, muted);
        break;
      }
      case 'credit': {
        const { reader, kind, values } = args as EnginePosts['credit'];
        this.#owners.get(reader)?.credit(reader, kind, values);
        break;
      }
      case 'requestKeyFrame': {
        const { reader } = args as EnginePosts['requestKeyFrame'];
        this.#owners.get(reader)?.requestKeyFrame(reader);
        break;
      }
      case 'prefer': {
        const { reader, preferredVideo } = args as EnginePosts['prefer'];
        this.#owners.get(reader)?.prefer(reader, preferredVideo);
        break;
      }
    }
  }

  /** Leaves every session. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.#sessions.keys()].map((session) => this.disconnect(session)));
  }

  #session(id: number): Participant {
    const participant = this.#sessions.get(id);
    if (!participant) throw new SluiceError('SLUICE_SESSION_CLOSED', 'the session was left');
    return participant;
  }
}
