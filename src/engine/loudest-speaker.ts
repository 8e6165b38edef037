import type { SpeakerInfo } from '@livekit/protocol';
import type { Directory } from './directory.js';

/** Follows who speaks: the loudest of those who do, as far as they have a stream. Pure. */
export class LoudestSpeaker {
  /** Level of those who speak, by participant. */
  readonly #levels = new Map<string, number>();
  #streamId: string | undefined;

  /** The stream of who speaks loudest; none when all are silent. */
  get streamId(): string | undefined {
    return this.#streamId;
  }

  /** Takes in what the server says about some of the speakers. */
  update(speakers: readonly SpeakerInfo[], directory: Directory): void {
    for (const speaker of speakers) {
      if (speaker.active) this.#levels.set(speaker.sid, speaker.level);
      else this.#levels.delete(speaker.sid);
    }
    let loudest = -1;
    this.#streamId = undefined;
    for (const [sid, level] of this.#levels) {
      const stream = directory.streamsOf(sid)[0];
      if (!stream || level <= loudest) continue;
      this.#streamId = stream.state.streamId;
      loudest = level;
    }
  }
}
