import type { VideoLayer } from './video-layer.js';

/** Servers tell others of a track when they have its first packets: one that is muted begins with so many black pictures. */
const MUTED_LEAD_PICTURES = 5;

/** Which layers of a track are sent: those that somebody takes, and none while it is muted. */
export class LayerDemand {
  readonly #layers: readonly VideoLayer[];
  #taken: readonly boolean[] = [];
  #muted = false;
  /** Since the track began at this server. */
  #pictures = 0;

  constructor(layers: readonly VideoLayer[]) {
    this.#layers = layers;
  }

  get muted(): boolean {
    return this.#muted;
  }

  /** The track begins at another server, which has not told yet what anybody takes. */
  restart(): void {
    this.#taken = [];
    this.#pictures = 0;
    this.#apply();
  }

  /** Which layers anybody takes; those that are not told of are taken. */
  take(taken: readonly boolean[]): void {
    this.#taken = taken;
    this.#apply();
  }

  mute(muted: boolean): void {
    this.#muted = muted;
    this.#apply();
  }

  /** A picture left; whether that has changed anything. */
  noteSent(): boolean {
    if (++this.#pictures !== MUTED_LEAD_PICTURES || !this.#muted) return false;
    this.#apply();
    return true;
  }

  #apply(): void {
    const sends = !this.#muted || this.#pictures < MUTED_LEAD_PICTURES;
    for (const [index, layer] of this.#layers.entries()) layer.wanted = sends && (this.#taken[index] ?? true);
  }
}
