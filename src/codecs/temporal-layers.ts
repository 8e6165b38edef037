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
 * Every group of four builds on its base picture only, so that a layer can be taken up again after four pictures at most. Patterns
 * of eight, or with the last key frame as a reference for all, were not better by 0.1 dB.
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
 * Of the bits, what the base takes, with the layer above it, and all together. The better the base, the better is what builds on it: at
 * equal quality all three take 9 % more than one layer, where 40 and 60 % (a picture of each as large as the next) take 30 % more.
 */
const SHARES = [0.6, 0.8, 1] as const;

/** What FFmpeg's libvpx is opened with (`ts-parameters`), for a bitrate in bits per second from 20,000 on. */
export function temporalParameters(bitrate: number): string {
  const kilobits = SHARES.map((share) => Math.round((bitrate * share) / 1000));
  return `ts_number_layers=3:ts_target_bitrate=${kilobits.join(',')}:ts_rate_decimator=4,2,1:ts_periodicity=4:ts_layer_id=0,2,1,2`;
}

/** The places of one encoder's pictures, one after the other. */
export class TemporalPattern {
  readonly #properties: readonly AvFrame[];
  #at = 0;

  /** Errors: SLUICE_CODEC_FAILED. */
  constructor(ffmpeg: Ffmpeg) {
    this.#properties = propertiesOf(ffmpeg);
  }

  /** Makes a picture that is to be encoded next what its place asks for. Overwrites all properties of the frame but its size and format. */
  mark(picture: AvFrame, keyFrame: boolean): void {
    if (keyFrame) this.#at = 0;
    picture.copyProps(this.#properties[this.#at]!);
  }

  /** The place of the picture that was marked last, once the encoder has made something of it. */
  take(isKeyFrame: boolean): TemporalPlace {
    if (isKeyFrame) this.#at = 0;
    const { place } = L1T3[this.#at]!;
    this.#at = (this.#at + 1) % L1T3.length;
    return place;
  }

  /** The next picture is the first of another encoder. */
  restart(): void {
    this.#at = 0;
  }
}

let made: { readonly ffmpeg: Ffmpeg; readonly properties: readonly AvFrame[] } | undefined;

/**
 * What makes FFmpeg's libvpx give a picture its place; made once a thread. The patterns that it has itself (`ts_layering_mode`)
 * let upper layers leave probabilities behind, so that pictures break without them.
 */
function propertiesOf(ffmpeg: Ffmpeg): readonly AvFrame[] {
  if (made?.ffmpeg !== ffmpeg) {
    const properties = L1T3.map(({ place, flags }) =>
      frameProperties(ffmpeg, { 'vp8-flags': flags, temporal_id: place.temporalId }),
    );
    made = { ffmpeg, properties };
  }
  return made.properties;
}
