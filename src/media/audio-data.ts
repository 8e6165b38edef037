import { SluiceError } from './errors.js';

/** Sample rates that every audio port of sluice takes, in Hz. */
export const SAMPLE_RATES = [8000, 12000, 16000, 24000, 32000, 44100, 48000] as const;
export type SampleRate = (typeof SAMPLE_RATES)[number];
export type ChannelCount = 1 | 2;

/**
 * Raw audio: 16-bit signed samples, interleaved (names as in W3C WebCodecs AudioData).
 * Immutable once it has been written to a stream.
 */
export interface AudioData {
  readonly kind: 'audio';
  /** Interleaved samples; its length is `numberOfFrames * numberOfChannels`. */
  readonly data: Int16Array;
  /** Hz, one of SAMPLE_RATES. */
  readonly sampleRate: number;
  readonly numberOfChannels: number;
  /** Samples per channel; any whole number, 20 ms unless a node says otherwise. */
  readonly numberOfFrames: number;
  /** Microseconds on the media clock of the source; never goes back. */
  readonly timestamp: number;
}

/** Makes AudioData of interleaved samples, without a copy. Errors: SLUICE_FORMAT_MISMATCH. */
export function audioData(
  data: Int16Array,
  sampleRate: number,
  numberOfChannels: number,
  timestamp: number,
): AudioData {
  return {
    kind: 'audio',
    data,
    sampleRate,
    numberOfChannels,
    numberOfFrames: data.length / numberOfChannels,
    timestamp,
  };
}

/** The length of a chunk in microseconds. */
export function audioDurationUs(audio: AudioData): number {
  return (audio.numberOfFrames * 1_000_000) / audio.sampleRate;
}

/** Refuses audio whose fields contradict each other. Errors: SLUICE_FORMAT_MISMATCH. */
export function checkAudioData(audio: AudioData): void {
  if (!(SAMPLE_RATES as readonly number[]).includes(audio.sampleRate)) {
    throw new SluiceError('SLUICE_FORMAT_MISMATCH', `sample rate ${audio.sampleRate} Hz is not supported`, {
      mend: `Use one of ${SAMPLE_RATES.join(', ')} Hz.`,
    });
  }
  if (audio.numberOfChannels !== 1 && audio.numberOfChannels !== 2) {
    throw new SluiceError('SLUICE_FORMAT_MISMATCH', `${audio.numberOfChannels} channels are not supported`, {
      mend: 'Use 1 (mono) or 2 (stereo) channels.',
    });
  }
  if (!(audio.data instanceof Int16Array)) {
    throw new SluiceError('SLUICE_FORMAT_MISMATCH', 'audio samples are not an Int16Array', {
      mend: 'Convert the samples to 16-bit signed integers.',
    });
  }
  if (!Number.isInteger(audio.numberOfFrames) || audio.data.length !== audio.numberOfFrames * audio.numberOfChannels) {
    throw new SluiceError(
      'SLUICE_FORMAT_MISMATCH',
      `${audio.data.length} samples do not make ${audio.numberOfFrames} frames of ${audio.numberOfChannels} channel(s)`,
      { mend: 'The buffer must hold numberOfFrames * numberOfChannels samples.' },
    );
  }
}
