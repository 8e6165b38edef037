import type { FormatParameters } from './media-section.js';

/** What a receiver of Opus asks for, and a sender announces (RFC 7587, section 6.1). */
export interface OpusFormat {
  /** Two channels; false when left out. */
  readonly stereo?: boolean;
  /** Nothing is sent in silence; false when left out. */
  readonly dtx?: boolean;
  /** In-band forward error correction; true when left out. */
  readonly fec?: boolean;
  /** Upper limit in bits per second. */
  readonly maxAverageBitrate?: number;
}

/** `a=fmtp` of an answer. */
export function opusFormat(format: OpusFormat): FormatParameters {
  return {
    minptime: '10',
    ...(format.fec !== false && { useinbandfec: '1' }),
    ...(format.stereo && { stereo: '1' }),
    ...(format.dtx && { usedtx: '1' }),
    ...(format.maxAverageBitrate !== undefined && { maxaveragebitrate: String(format.maxAverageBitrate) }),
  };
}

/** `a=fmtp` of an offer to send: the same, and the announcement that what is sent will be stereo. */
export function sentOpusFormat(format: OpusFormat): FormatParameters {
  return { ...opusFormat(format), ...(format.stereo && { 'sprop-stereo': '1' }) };
}

/** The way back. Unlike in OpusFormat, all that the description can say is there. */
export function readOpusFormat(fmtp: FormatParameters): Required<Omit<OpusFormat, 'maxAverageBitrate'>> {
  return { stereo: fmtp['stereo'] === '1', dtx: fmtp['usedtx'] === '1', fec: fmtp['useinbandfec'] === '1' };
}
