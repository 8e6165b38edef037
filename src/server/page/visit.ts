import {
  ConnectionState,
  DefaultReconnectPolicy,
  DisconnectReason,
  Room,
  RoomEvent,
  Track,
  type LocalTrack,
} from 'livekit-client';
import { listenForCaptions } from './caption-intake.js';
import type { Caption } from './captions.js';
import { DEVICE_KINDS, factsOf, type LocalMedia } from './devices.js';
import type { Ticket } from './join.js';
import { endProblem, publishProblem, type DeviceKind, type Problem } from './problems.js';
import type { StatsReport } from './traffic.js';

const SOURCES = { microphone: Track.Source.Microphone, camera: Track.Source.Camera } as const;

/** The server keeps a place for about 15 s; after that joining anew is what helps, and the page does that by itself. */
const RECONNECT_DELAYS_MS = [0, 300, 1200, 2500, 4000, 5000];

/** Everything that may change who is there and what they send. */
const CHANGES = [
  RoomEvent.ParticipantConnected,
  RoomEvent.ParticipantDisconnected,
  RoomEvent.ParticipantNameChanged,
  RoomEvent.ParticipantAttributesChanged,
  RoomEvent.TrackPublished,
  RoomEvent.TrackUnpublished,
  RoomEvent.TrackSubscribed,
  RoomEvent.TrackUnsubscribed,
  RoomEvent.TrackMuted,
  RoomEvent.TrackUnmuted,
  RoomEvent.LocalTrackPublished,
  RoomEvent.LocalTrackUnpublished,
  RoomEvent.Reconnected,
] as const;

export interface VisitEvents {
  readonly onChange: () => void;
  readonly onCaption: (caption: Caption) => void;
  readonly onReconnecting: () => void;
  readonly onReconnected: () => void;
  readonly onPublishProblem: (problem: Problem) => void;
  /** The browser holds sound back until the person presses something. */
  readonly onPlayback: (allowed: boolean) => void;
  readonly onEnd: (problem: Problem) => void;
}

/** One stay in a session: from joining until it was left, ended or lost for good. Publishes what is on in `media`. */
export class Visit {
  readonly room: Room;
  readonly #media: LocalMedia;
  readonly #events: VisitEvents;
  #joined = false;
  #publishing: Promise<void> = Promise.resolve();
  readonly #onMediaChange = (): void => this.#publish();

  constructor(media: LocalMedia, events: VisitEvents, audio: 'speech' | 'raw' | 'off') {
    this.#media = media;
    this.#events = events;
    this.room = new Room({
      adaptiveStream: true,
      dynacast: true,
      // The embedded server speaks the two-connection form of the protocol; asking for the other one first costs a round trip.
      singlePeerConnection: false,
      stopLocalTrackOnUnpublish: false,
      reconnectPolicy: new DefaultReconnectPolicy(RECONNECT_DELAYS_MS),
      publishDefaults: { red: false, dtx: audio === 'speech', simulcast: true },
    });
  }

  /** Joins. Throws what livekit-client throws; `joinProblem` puts it into words. */
  async join(ticket: Ticket): Promise<void> {
    for (const event of CHANGES) this.room.on(event, this.#events.onChange);
    listenForCaptions(this.room, this.#events.onCaption);
    this.room.on(RoomEvent.SignalReconnecting, this.#events.onReconnecting);
    this.room.on(RoomEvent.Reconnecting, this.#events.onReconnecting);
    this.room.on(RoomEvent.Reconnected, () => {
      this.#events.onReconnected();
      this.#publish();
    });
    this.room.on(RoomEvent.AudioPlaybackStatusChanged, this.#events.onPlayback);
    this.room.on(RoomEvent.Disconnected, (reason) => this.#end(reason));
    await this.room.connect(ticket.url, ticket.token);
    this.#joined = true;
    this.#media.addEventListener('change', this.#onMediaChange);
    this.#publish();
  }

  /** Leaves; microphone and camera stay open for a rejoin. */
  async leave(): Promise<void> {
    await this.room.disconnect(false);
  }

  /** Statistics of the connections that there are, the publishing one first. */
  async stats(): Promise<StatsReport[]> {
    const connections = this.room.engine.pcManager;
    const reports = await Promise.all([connections?.publisher.getStats(), connections?.subscriber?.getStats()]);
    return reports.filter((report) => report !== undefined);
  }

  #end(reason: DisconnectReason | undefined): void {
    this.#media.removeEventListener('change', this.#onMediaChange);
    // An attempt that fails ends the room as well; its error is told by `join`.
    if (!this.#joined) return;
    this.#joined = false;
    this.#events.onEnd(endProblem(reason === undefined ? '' : DisconnectReason[reason]));
  }

  /** One device after the other: offers to the server that overlap are what renegotiation gets wrong. */
  #publish(): void {
    this.#publishing = this.#publishing.then(async () => {
      for (const kind of DEVICE_KINDS) {
        // While it reconnects, livekit-client publishes by itself what was published.
        if (this.room.state === ConnectionState.Connected) await this.#publishOne(kind);
      }
    });
  }

  async #publishOne(kind: DeviceKind): Promise<void> {
    const participant = this.room.localParticipant;
    const track = this.#media.track(kind);
    const published = participant.getTrackPublication(SOURCES[kind])?.track;
    try {
      if (published && published !== track) await participant.unpublishTrack(published.mediaStreamTrack);
      // Muting and unmuting of what is published already goes through the track itself.
      if (track && published !== track && this.#media.isOn(kind)) {
        // The cast drops what exactOptionalPropertyTypes sees in livekit-client's own declarations.
        await participant.publishTrack(track as LocalTrack, { source: SOURCES[kind] });
      }
    } catch (error) {
      if (this.#joined) this.#events.onPublishProblem(publishProblem(kind, factsOf(error)));
    }
  }
}
