import { SpeakerInfo } from '@livekit/protocol';

/** Louder than this counts as speech, in -dBov (RFC 6464: 0 loudest, 127 silence). LiveKit's default. */
const ACTIVE_LEVEL = 35;
/** A window with fewer loud packets than this share is silence. */
const ACTIVE_SHARE = 0.4;
/** A change of the linear level below this is not told. */
const LEVEL_STEP = 0.05;
/** Weight of a new window in the level that is told. */
const SMOOTHING = 0.5;

interface Voice {
  packets: number;
  loudPackets: number;
  /** Loudest level of the window, in -dBov. */
  loudest: number;
  level: number;
  active: boolean;
  told: number;
}

/** Finds out who speaks, from the audio levels that packets carry. */
export class SpeakerDetector {
  readonly #voices = new Map<string, Voice>();

  /** Notes the level of one audio packet, in -dBov, 0 to 127. */
  hear(participantSid: string, level: number): void {
    let voice = this.#voices.get(participantSid);
    if (!voice) {
      voice = { packets: 0, loudPackets: 0, loudest: 127, level: 0, active: false, told: 0 };
      this.#voices.set(participantSid, voice);
    }
    voice.packets++;
    if (level <= ACTIVE_LEVEL) voice.loudPackets++;
    if (level < voice.loudest) voice.loudest = level;
  }

  forget(participantSid: string): void {
    this.#voices.delete(participantSid);
  }

  /**
   * Ends a window. When something changed: everyone who speaks, the loudest first, and those who have stopped; else nothing.
   * Some clients take such a list as what changed, others as all who speak: this one is both.
   */
  takeChanges(): SpeakerInfo[] {
    const speakers: SpeakerInfo[] = [];
    let changed = false;
    for (const [sid, voice] of this.#voices) {
      const active = voice.packets > 0 && voice.loudPackets >= voice.packets * ACTIVE_SHARE;
      const level = active ? voice.level * (1 - SMOOTHING) + 10 ** (-voice.loudest / 20) * SMOOTHING : 0;
      if (active || voice.active) speakers.push(new SpeakerInfo({ sid, level, active }));
      if (active !== voice.active || Math.abs(level - voice.told) >= LEVEL_STEP) changed = true;
      voice.level = level;
      voice.active = active;
      voice.packets = voice.loudPackets = 0;
      voice.loudest = 127;
    }
    if (!changed) return [];
    for (const voice of this.#voices.values()) voice.told = voice.level;
    return speakers.sort((a, b) => b.level - a.level);
  }
}
