import type { Ffmpeg } from './ffmpeg.js';
import { frameProperties } from './frame-properties.js';
import type { AvFrame } from './picture.js';

/** How pictures build on each other (W3C webrtc-svc): each on the one before, or in three temporal layers, of VP8 only. */
export type ScalabilityMode = 'L1T1' | 'L1T3';

/** What a picture is among the temporal layers of its stream (RFC 7741, 4.2). */
export interface TemporalPlace {
  /** 0 is the base. Pictures of a layer can be decoded without those of the layers above it. */
  readonly temporalId: number;
  /** Y: beside itself its picture needs only the last one of the base, so from here on its layer can be shown. */
  readonly layerSync: boolean;
  /** N: no other picture needs it. */
  readonly nonReference: boolean;
}

interface Step {
  readonly place: TemporalPlace;
  /** Flags of libvpx (vpx/vp8cx.h). */
  readonly flags: number;
}

/** Not to be predicted from: golden frame, alternate reference. The last frame is the base's, the golden frame that of the middle layer. */
const NO_REF_GF = 1 << 17;
const NO_REF_ARF = 1 << 21;
/** Not to be replaced by this picture. */
const NO_UPD_LAST = 1 << 18;
const NO_UPD_GF = 1 << 22;
const NO_UPD_ARF = 1 << 23;
/** What was learned about probabilities is forgotten after this picture: who does not get it has not learned it either. */
const NO_UPD_ENTROPY = 1 << 20;

/**
 * Every group of four builds on its base picture only, so that a layer can be taken up again after four pictures at most. A pattern of
 * eight is not better by 0.1 dB; with the last key frame as a reference for all, still pictures are better by that, moving ones worse.
 */
const L1T3: readonly Step[] = [
  {
    place: { temporalId: 0, layerSync: false, nonReference: false },
    flags: NO_REF_GF | NO_REF_ARF | NO_UPD_GF | NO_UPD_ARF,
  },
  {
    place: { temporalId: 2, layerSync: true, nonReference: true },
    flags: NO_REF_GF | NO_REF_ARF | NO_UPD_LAST | NO_UPD_GF | NO_UPD_ARF | NO_UPD_ENTROPY,
  },
  {
    place: { temporalId: 1, layerSync: true, nonReference: false },
    flags: NO_REF_GF | NO_REF_ARF | NO_UPD_LAST | NO_UPD_ARF | NO_UPD_ENTROPY,
  },
  {
    place: { temporalId: 2, layerSync: false, nonReference: true },
    flags: NO_REF_ARF | NO_UPD_LAST | NO_UPD_GF | NO_UPD_ARF | NO_UPD_ENTROPY,
  },
];

/**
 * What the base takes of the bits, in a quarter of the pictures. More makes all pictures better, since they build on it, but holds up
 * what follows on a path that is full: with 0.5 it waits 20 ms more.
 */
const BASE_SHARE = 0.45;
/**
 * So many pictures of an encoder are counted as those of the base, whatever their layer: from each it learns how many bits they take,
 * and with every fourth of them it would make too little for seconds. With more of them it makes too much where pictures are hard.
 */
const LEARNING_PICTURES = 5;

/**
 * What FFmpeg's libvpx is opened with (`ts-parameters`), for a bitrate in bits per second from 20,000 on. It counts the bits of the
 * base, and those of all that is above it.
 */
export function temporalParameters(bitrate: number): string {
  const [base, all] = [Math.round((bitrate * BASE_SHARE) / 1000), Math.round(bitrate / 1000)];
  return `ts_number_layers=2:ts_target_bitrate=${base},${all}:ts_rate_decimator=4,1:ts_periodicity=4:ts_layer_id=0,1,1,1`;
}

/** The places of one encoder's pictures, one after the other. */
export class TemporalPattern {
  readonly #properties: readonly StepProperties[];
  #at = 0;
  #pictures = 0;

  /** Errors: SLUICE_CODEC_FAILED. */
  constructor(ffmpeg: Ffmpeg) {
    this.#properties = propertiesOf(ffmpeg);
  }

  /** Makes a picture that is to be encoded next what its place asks for. Overwrites all properties of the frame but its size and format. */
  mark(picture: AvFrame, keyFrame: boolean): void {
    if (keyFrame) this.#at = 0;
    const { counted, learning } = this.#properties[this.#at]!;
    picture.copyProps(this.#pictures < LEARNING_PICTURES ? learning : counted);
  }

  /** The place of the picture that was marked last, once the encoder has made something of it. */
  take(isKeyFrame: boolean): TemporalPlace {
    if (isKeyFrame) this.#at = 0;
    const { place } = L1T3[this.#at]!;
    this.#at = (this.#at + 1) % L1T3.length;
    this.#pictures++;
    return place;
  }

  /** The next picture is the first of another encoder. */
  restart(): void {
    this.#at = this.#pictures = 0;
  }
}

/** Frames without a picture that carry what a step asks for: `learning` counts the picture as one of the base. */
interface StepProperties {
  readonly counted: AvFrame;
  readonly learning: AvFrame;
}

let made: { readonly ffmpeg: Ffmpeg; readonly properties: readonly StepProperties[] } | undefined;

/**
 * What makes FFmpeg's libvpx give a picture its place; made once a thread. The patterns that it has itself (`ts_layering_mode`)
 * let upper layers leave probabilities behind, so that pictures break without them.
 */
function propertiesOf(ffmpeg: Ffmpeg): readonly StepProperties[] {
  if (made?.ffmpeg !== ffmpeg) {
    const properties = L1T3.map(({ place, flags }) => ({
      counted: frameProperties(ffmpeg, { 'vp8-flags': flags, temporal_id: Math.min(1, place.temporalId) }),
      learning: frameProperties(ffmpeg, { 'vp8-flags': flags, temporal_id: 0 }),
    }));
    made = { ffmpeg, properties };
  }
  return made.properties;
}
