import { levelOf } from './level.js';

const WINDOW_SAMPLES = 1024;

let shared: AudioContext | undefined;

/** Browsers hold an audio context back until the person has done something: called on every key, click and touch. */
export function resumeMeters(): void {
  if (shared?.state === 'suspended') void shared.resume();
}

/** Measures how loud one audio track is. Follows `watch()` to another track, and to a track that replaces its source. */
export class Meter {
  readonly #analyser: AnalyserNode;
  readonly #samples = new Float32Array(WINDOW_SAMPLES);
  #source: MediaStreamAudioSourceNode | undefined;
  #track: MediaStreamTrack | undefined;

  constructor() {
    shared ??= new AudioContext({ latencyHint: 'interactive' });
    this.#analyser = shared.createAnalyser();
    this.#analyser.fftSize = WINDOW_SAMPLES;
  }

  watch(track: MediaStreamTrack | undefined): void {
    if (track === this.#track) return;
    this.#track = track;
    this.#source?.disconnect();
    this.#source = undefined;
    if (!track || !shared) return;
    this.#source = shared.createMediaStreamSource(new MediaStream([track]));
    this.#source.connect(this.#analyser);
  }

  /** The level now, 0 to 1 (see `levelOf`). */
  read(): number {
    if (!this.#track || this.#track.readyState === 'ended') return 0;
    this.#analyser.getFloatTimeDomainData(this.#samples);
    return levelOf(this.#samples);
  }

  close(): void {
    this.watch(undefined);
    this.#analyser.disconnect();
  }
}
