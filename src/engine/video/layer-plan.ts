import type { ScalabilityMode } from '../../codecs/temporal-layers.js';
import type { VideoCodec } from '../../media/encoded-chunk.js';

/** What a layer of video may cost, in bits per second. */
export interface LayerRates {
  /** Below it the layer is not worth its bits, unless it is the lowest. */
  readonly minBps: number;
  /** Where it looks good. */
  readonly targetBps: number;
  /** What it may have when there is not room for the one above it. */
  readonly maxBps: number;
}

/** One layer of a published picture. */
export interface LayerPlan {
  /** As in the session description; '' where there is one layer only, which needs no name. */
  readonly rid: string;
  /** The picture's sides are divided by this. */
  readonly scale: number;
}

/** A picture in one size; larger ones carry several. Sides in pixels, either way round. */
const TWO_LAYERS = { long: 640, short: 360 };
const THREE_LAYERS = { long: 960, short: 540 };
/** Pictures per second. */
const MIN_LAYERED_FRAME_RATE = 15;
/** Names that LiveKit servers know, lowest first. */
const RIDS = ['q', 'h', 'f'];

/** Pixels, and bits per second that look good at 30 pictures a second; those of LiveKit's presets. */
const PRESETS: readonly (readonly [pixels: number, bps: number])[] = [
  [160 * 90, 60_000],
  [320 * 180, 150_000],
  [640 * 360, 450_000],
  [960 * 540, 800_000],
  [1280 * 720, 1_700_000],
  [1920 * 1080, 3_000_000],
];

/** The layers that a picture is published in, lowest first: three from 960x540, two from 640x360, else one. */
export function planLayers(width: number, height: number, simulcast: boolean): LayerPlan[] {
  const long = Math.max(width, height);
  const short = Math.min(width, height);
  const reaches = (size: { long: number; short: number }): boolean => long >= size.long && short >= size.short;
  if (!simulcast || !reaches(TWO_LAYERS)) return [{ rid: '', scale: 1 }];
  const count = reaches(THREE_LAYERS) ? 3 : 2;
  return RIDS.slice(0, count).map((rid, index) => ({ rid, scale: 2 ** (count - 1 - index) }));
}

/**
 * Whether pictures are sent in temporal layers, of which a server can leave out some for who asks for fewer pictures or has not the
 * room. Small pictures too, where there is nothing else to choose from; but not slow ones: a quarter of those would be stills.
 */
export function planTemporalLayers(codec: VideoCodec, frameRate: number): ScalabilityMode {
  return codec === 'vp8' && frameRate >= MIN_LAYERED_FRAME_RATE ? 'L1T3' : 'L1T1';
}

/** What pictures of this size (pixels) and rate (1/s) should cost. */
export function layerRates(width: number, height: number, frameRate: number): LayerRates {
  const targetBps = recommendedBitrate(width, height, frameRate);
  return {
    minBps: Math.max(30_000, Math.round(targetBps * 0.35)),
    targetBps,
    maxBps: Math.min(Math.round(targetBps * 1.8), 3_000_000),
  };
}

/** Between presets it grows as a power of the pixels; half the pictures take three quarters of the bits. */
export function recommendedBitrate(width: number, height: number, frameRate: number): number {
  const pixels = width * height;
  let index = 1;
  while (index < PRESETS.length - 1 && PRESETS[index]![0] < pixels) index++;
  const [lowPixels, lowBps] = PRESETS[index - 1]!;
  const [highPixels, highBps] = PRESETS[index]!;
  const power = Math.log(highBps / lowBps) / Math.log(highPixels / lowPixels);
  const at30 = lowBps * (pixels / lowPixels) ** power;
  return Math.round(Math.min(at30, 3_000_000) * (0.5 + Math.min(frameRate, 30) / 60));
}
