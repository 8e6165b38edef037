import type { BitrateDemand } from '../bitrate-share.js';
import { LayerAllocation } from './layer-allocation.js';
import { type LayerRates, layerRates } from './layer-plan.js';
import type { QualityLimitationReason, VideoLayer } from './video-layer.js';

/** For so long after pictures were left out the encoder counts as what limits, in µs. */
const BUSY_US = 2_000_000;

/** What one published picture may cost, divided among the layers that somebody takes. */
export class VideoBudget {
  readonly #layers: readonly VideoLayer[];
  readonly #frameRate: number;
  readonly #size: () => { readonly width: number; readonly height: number };
  readonly #allocation: LayerAllocation;
  #totalBps = Infinity;
  #busyUntilUs = -Infinity;

  /** `frameRate` in 1/s; `size`: of the pictures, in pixels, now. */
  constructor(
    layers: readonly VideoLayer[],
    frameRate: number,
    size: () => { readonly width: number; readonly height: number },
  ) {
    this.#layers = layers;
    this.#frameRate = frameRate;
    this.#size = size;
    this.#allocation = new LayerAllocation(layers.length);
  }

  /** What it has use for; nothing while nobody takes it. */
  get demand(): BitrateDemand {
    let minBps = 0;
    let maxBps = 0;
    for (const rates of this.#rates()) {
      if (!rates) continue;
      if (minBps === 0) minBps = rates.minBps;
      maxBps += rates.targetBps;
    }
    return { minBps, maxBps, weight: maxBps };
  }

  /** Sets what all layers may cost together, in bits per second. */
  set(totalBps: number, nowUs: number): void {
    this.#totalBps = totalBps;
    this.allocate(nowUs);
  }

  /** Divides it anew: something about the layers has changed. */
  allocate(nowUs: number): void {
    const rates = this.#rates();
    const granted = this.#allocation.allocate(this.#totalBps, rates, nowUs);
    for (const [index, layer] of this.#layers.entries()) {
      layer.grant(granted[index] ?? 0, rates[index]?.targetBps ?? 0, nowUs);
    }
  }

  /** The encoder had no room for a picture. */
  noteBusy(nowUs: number): void {
    this.#busyUntilUs = nowUs + BUSY_US;
  }

  limitation(layer: VideoLayer, nowUs: number): QualityLimitationReason {
    if (layer.limitation !== 'none') return layer.limitation;
    return layer.targetBps > 0 && nowUs < this.#busyUntilUs ? 'cpu' : 'none';
  }

  #rates(): (LayerRates | undefined)[] {
    const { width, height } = this.#size();
    return this.#layers.map(({ wanted, stream, plan: { scale } }) =>
      wanted && stream ? layerRates(width / scale, height / scale, this.#frameRate) : undefined,
    );
  }
}
