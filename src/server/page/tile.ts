import { Track, type LocalTrack, type Participant, type RemoteTrack } from 'livekit-client';
import { Captions, type Caption } from './captions.js';
import { fromTemplate, within } from './dom.js';
import { SpeakingDetector } from './level.js';
import { Meter } from './meter.js';

type ShownTrack = LocalTrack | RemoteTrack;

/** What agents say of themselves, as LiveKit's do, and how the page says it. */
const AGENT_STATES: Readonly<Record<string, string>> = {
  initializing: 'Starting',
  idle: 'Idle',
  listening: 'Listening',
  thinking: 'Thinking',
  speaking: 'Speaking',
};

const VIDEO_SOURCES = [Track.Source.ScreenShare, Track.Source.Camera, Track.Source.Unknown];

/**
 * One participant: picture or initials, name, level, whether muted and whether speaking, what is said, and of an agent what it
 * does. Its state stands in `data-` attributes: `identity`, `name`, `local`, `muted`, `video`, `speaking`, `level` (0 to 1),
 * `captioned`, `agent` (empty for those who are none).
 */
export class Tile {
  readonly element = fromTemplate('tile');
  readonly #video = within(this.element, 'video', HTMLVideoElement);
  readonly #meter = new Meter();
  readonly #speaking = new SpeakingDetector();
  readonly #captions = new Captions();
  readonly #captionsText = within(this.element, '.captions-text', HTMLElement);
  readonly #sounds = new Map<ShownTrack, HTMLMediaElement>();
  #picture: ShownTrack | undefined;
  #participant: Participant;

  constructor(participant: Participant) {
    this.#participant = participant;
    // A video element plays what it is given; the sound comes from elements of its own.
    this.#video.muted = true;
    this.update(participant);
  }

  get speaking(): boolean {
    return this.element.dataset['speaking'] === 'true';
  }

  /** Brings the tile up to what `participant` is and publishes now. */
  update(participant: Participant): void {
    this.#participant = participant;
    const name = participant.name?.trim() || participant.identity;
    const { dataset } = this.element;
    dataset['identity'] = participant.identity;
    dataset['name'] = name;
    dataset['local'] = String(participant.isLocal);
    dataset['muted'] = String(!isHeard(participant));
    within(this.element, '.tile-name', HTMLElement).textContent = name;
    within(this.element, '.you', HTMLElement).hidden = !participant.isLocal;
    const avatar = within(this.element, '.avatar', HTMLElement);
    avatar.textContent = initialsOf(name);
    avatar.style.setProperty('--hue', hueOf(participant.identity).toString());
    this.#video.setAttribute('aria-label', `Picture of ${name}`);
    this.#showAgent(participant.attributes['lk.agent.state'] ?? '');
    this.#show(pictureOf(participant));
    if (!participant.isLocal) this.#hear(soundsOf(participant));
  }

  /** Shows a caption; tells whether it is a text that has just become final. */
  caption(caption: Caption, nowMs: number): boolean {
    const isNew = this.#captions.take(caption, nowMs);
    this.#showCaptions(nowMs);
    return isNew;
  }

  /** Measures anew. @param nowMs any clock that does not go back. */
  tick(nowMs: number): void {
    const heard = isHeard(this.#participant);
    // A microphone that was changed has another MediaStreamTrack under the same track.
    this.#meter.watch(heard ? soundsOf(this.#participant)[0]?.mediaStreamTrack : undefined);
    const level = heard ? this.#meter.read() : 0;
    const text = level.toFixed(2);
    const speaking = String(this.#speaking.update(level, nowMs));
    const { dataset, style } = this.element;
    if (dataset['level'] !== text) {
      dataset['level'] = text;
      style.setProperty('--level', text);
    }
    if (dataset['speaking'] !== speaking) dataset['speaking'] = speaking;
    this.#showCaptions(nowMs);
  }

  remove(): void {
    this.#show(undefined);
    this.#hear([]);
    this.#meter.close();
    this.element.remove();
  }

  #showCaptions(nowMs: number): void {
    const text = this.#captions.textAt(nowMs);
    const captioned = String(text !== '');
    const { dataset } = this.element;
    if (dataset['captioned'] !== captioned) dataset['captioned'] = captioned;
    // What was read fades with its words.
    if (text !== '' && this.#captionsText.textContent !== text) this.#captionsText.textContent = text;
  }

  #showAgent(state: string): void {
    const label = AGENT_STATES[state];
    this.element.dataset['agent'] = label === undefined ? '' : state;
    const badge = within(this.element, '.agent', HTMLElement);
    badge.hidden = label === undefined;
    within(badge, '.agent-state', HTMLElement).textContent = label ?? '';
  }

  #show(picture: ShownTrack | undefined): void {
    this.element.dataset['video'] = String(picture !== undefined);
    this.element.dataset['mirrored'] = String(this.#participant.isLocal && facesUser(picture));
    if (picture === this.#picture) return;
    this.#picture?.detach(this.#video);
    this.#picture = picture;
    picture?.attach(this.#video);
  }

  #hear(sounds: readonly ShownTrack[]): void {
    for (const [track, element] of [...this.#sounds]) {
      if (sounds.includes(track)) continue;
      track.detach(element);
      element.remove();
      this.#sounds.delete(track);
    }
    for (const track of sounds) {
      if (this.#sounds.has(track)) continue;
      const element = track.attach();
      this.#sounds.set(track, element);
      this.element.append(element);
    }
  }
}

function pictureOf(participant: Participant): ShownTrack | undefined {
  for (const source of VIDEO_SOURCES) {
    const publication = participant.getTrackPublication(source);
    if (publication?.kind === Track.Kind.Video && publication.track && !publication.isMuted)
      return shown(publication.track);
  }
  return undefined;
}

/** Every sound of a participant, the microphone first. */
function soundsOf(participant: Participant): ShownTrack[] {
  return [...participant.audioTrackPublications.values()]
    .filter((publication) => publication.track !== undefined)
    .sort((a, b) => Number(b.source === Track.Source.Microphone) - Number(a.source === Track.Source.Microphone))
    .map((publication) => shown(publication.track))
    .filter((track) => track !== undefined);
}

function isHeard(participant: Participant): boolean {
  return [...participant.audioTrackPublications.values()].some((publication) => !publication.isMuted);
}

/** livekit-client types a track of a publication by its base class; every real one is one of these two. */
function shown(track: Track | undefined): ShownTrack | undefined {
  return track as ShownTrack | undefined;
}

function facesUser(track: ShownTrack | undefined): boolean {
  return track?.source === Track.Source.Camera && track.mediaStreamTrack.getSettings().facingMode !== 'environment';
}

/** `Ada Lovelace` is AL, `Echo` is E. */
function initialsOf(name: string): string {
  const words = name.split(/[\s._-]+/).filter((word) => word !== '');
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : [words[0]];
  return letters.map((word) => [...(word ?? '?')][0]?.toUpperCase() ?? '?').join('');
}

/** A colour of one's own, the same on everybody's page. */
function hueOf(identity: string): number {
  let hash = 0;
  for (const letter of identity) hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) >>> 0;
  return hash % 360;
}
