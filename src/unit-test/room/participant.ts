import type { CaptionsData } from '../../media/captions.js';
import { audioData } from '../../media/audio-data.js';
import type { ClockTimer } from '../../media/clock.js';
import type { Connection, ReadKind } from '../../session/driver.js';
import type { AudioScript } from '../script/audio-script.js';
import { SCRIPT_FORMAT, frameAt, frameUs } from '../script/script-format.js';
import type { VideoScript } from '../script/video-script.js';
import { RoomStream } from './room-stream.js';
import type { Room, Voice } from './room.js';

/** When somebody sends nothing of a kind, in ms from the beginning of the test. */
export interface MutedTime {
  readonly kind: 'audio' | 'video';
  readonly fromMs: number;
  readonly toMs: number;
}

/** What a participant does. Times are in ms from the beginning of the test. */
export interface ParticipantScript {
  readonly name: string;
  readonly joinMs: number;
  /** Infinity for who stays. */
  readonly leaveMs: number;
  /** Metadata of its connection. */
  readonly data: string;
  readonly audio?: AudioScript;
  readonly video?: VideoScript;
  readonly captions: readonly { readonly atMs: number; readonly captions: CaptionsData }[];
  readonly muted: readonly MutedTime[];
}

/** Somebody in a room who does what is written down. Makes nothing that nobody reads. */
export class Participant implements Voice {
  readonly #room: Room;
  readonly #script: ParticipantScript;
  readonly #connection: Connection;
  readonly #stream: RoomStream;
  readonly #timers = new Set<ClockTimer>();
  readonly #stops = new Map<ReadKind, () => void>();
  #isThere = false;

  constructor(room: Room, script: ParticipantScript) {
    const { name, joinMs, data } = script;
    this.#room = room;
    this.#script = script;
    const creationTime = new Date(joinMs);
    this.#connection = { connectionId: `PA_${name}`, creationTime, data, identity: name, name, attributes: {} };
    const description = {
      streamId: streamIdOf(name),
      name,
      connection: this.#connection,
      hasAudio: script.audio !== undefined,
      hasVideo: script.video !== undefined,
    };
    this.#stream = new RoomStream(description, {
      onDemand: (kind, wanted) => {
        this.#stops.get(kind)?.();
        this.#stops.set(kind, wanted ? this.#start(kind) : nothing);
      },
    });
  }

  get streamId(): string {
    return this.#stream.streamId;
  }

  /** Sets its doings on the clock. */
  begin(): void {
    const { joinMs, leaveMs, captions, muted } = this.#script;
    this.#at(joinMs, () => {
      this.#join();
    });
    if (leaveMs < Infinity) {
      this.#at(leaveMs, () => {
        this.#leave();
      });
    }
    for (const { atMs, captions: text } of captions) {
      this.#at(atMs, () => {
        if (this.#isThere) this.#stream.give('captions', text);
      });
    }
    for (const time of muted) this.#mute(time);
    for (const frame of this.#script.audio?.edges ?? []) {
      this.#at(frameUs(frame) / 1000, () => {
        this.#room.updateSpeaker();
      });
    }
  }

  /** Takes everything back that is still to come. */
  end(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    this.#leave();
  }

  level(): number | undefined {
    const { hasAudio } = this.#stream.description;
    return hasAudio ? this.#script.audio?.levelAt(frameAt(this.#room.clock.nowUs() / 1000)) : undefined;
  }

  #join(): void {
    this.#isThere = true;
    this.#room.connect(this.#connection);
    if (!this.#script.audio && !this.#script.video) return;
    this.#room.addStream(this.#stream);
    this.#room.addVoice(this);
  }

  #leave(): void {
    if (!this.#isThere) return;
    this.#isThere = false;
    this.#room.removeVoice(this);
    this.#room.removeStream(this.#stream);
    this.#room.disconnect(this.#connection);
  }

  #mute({ kind, fromMs, toMs }: MutedTime): void {
    const field = kind === 'audio' ? 'hasAudio' : 'hasVideo';
    const has = this.#script[kind] !== undefined;
    this.#at(fromMs, () => {
      this.#room.updateStream(this.#stream, { [field]: false });
    });
    if (toMs === Infinity) return;
    this.#at(toMs, () => {
      this.#room.updateStream(this.#stream, { [field]: has });
    });
  }

  /** Returns what stops it. */
  #start(kind: ReadKind): () => void {
    const { audio, video } = this.#script;
    if (kind === 'audio' && audio) return this.#room.ticker.add('source', (beat) => this.#speak(audio, beat));
    if (kind === 'video' && video) return this.#show(video);
    return nothing;
  }

  #speak(script: AudioScript, beat: number): void {
    if (!this.#stream.description.hasAudio) return;
    const { sampleRate, numberOfChannels, chunkFrames } = SCRIPT_FORMAT;
    const frame = beat * chunkFrames;
    this.#stream.give('audio', audioData(script.chunk(frame), sampleRate, numberOfChannels, frameUs(frame)));
  }

  #show(script: VideoScript): () => void {
    const { clock } = this.#room;
    let timer: ClockTimer | undefined;
    const schedule = (fromUs: number): void => {
      const dueUs = script.nextUs(fromUs);
      if (dueUs === undefined) return;
      timer = clock.after((dueUs - clock.nowUs()) / 1000, () => {
        schedule(dueUs + 1);
        const picture = this.#stream.description.hasVideo ? script.draw(dueUs) : undefined;
        if (picture) this.#stream.give('video', picture);
      });
    };
    schedule(clock.nowUs());
    return () => timer?.cancel();
  }

  #at(ms: number, task: () => void): void {
    const { clock } = this.#room;
    const timer = clock.after(ms - clock.nowUs() / 1000, () => {
      this.#timers.delete(timer);
      task();
    });
    this.#timers.add(timer);
  }
}

function nothing(): void {
  // There is nothing to stop.
}

/** The id of the stream that a participant of this name publishes. */
function streamIdOf(name: string): string {
  return `ST_${name}`;
}
