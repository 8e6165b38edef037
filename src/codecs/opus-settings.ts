import { SluiceError } from '../media/errors.js';

export type OpusSampleRate = 8000 | 12000 | 16000 | 24000 | 48000;
export type OpusImplementation = 'native' | 'wasm';

export interface OpusEncoderOptions {
  /** Hz. */
  readonly sampleRate: OpusSampleRate;
  readonly numberOfChannels: 1 | 2;
  /** Bits per second, 500 to 512,000. Default 32,000 a channel. */
  readonly bitrate?: number;
  /** Send next to nothing while it is silent. Default false. */
  readonly dtx?: boolean;
  /** Put a coarse copy of each frame into the next packet. Needs a loss above 0 to be used. Default false. */
  readonly fec?: boolean;
  /** Loss that the encoder should prepare for, 0 to 100. Default 0, and 10 with `fec`. */
  readonly packetLossPercent?: number;
  /** 0 to 10. Default 9. */
  readonly complexity?: number;
  /** `voip` favours speech, `audio` everything else. Default `voip` for mono, `audio` for stereo. */
  readonly application?: 'voip' | 'audio';
  /** Default: SLUICE_OPUS from the environment, else `native` where it loads, else `wasm`. */
  readonly implementation?: OpusImplementation;
}

/** Everything that an encoder has to know. */
export type EncoderSettings = Required<Omit<OpusEncoderOptions, 'implementation'>>;

/** What is left out filled in. Errors: SLUICE_CONFIG_INVALID. */
export function encoderSettings(options: OpusEncoderOptions): EncoderSettings {
  checkFormat(options);
  const { sampleRate, numberOfChannels } = options;
  const fec = options.fec ?? false;
  const complexity = options.complexity ?? 9;
  const packetLossPercent = options.packetLossPercent ?? (fec ? 10 : 0);
  checkRange('complexity', complexity, 10);
  checkRange('packetLossPercent', packetLossPercent, 100);
  return {
    sampleRate,
    numberOfChannels,
    bitrate: clampBitrate(options.bitrate ?? 32_000 * numberOfChannels),
    dtx: options.dtx ?? false,
    fec,
    packetLossPercent,
    complexity,
    application: options.application ?? (numberOfChannels === 1 ? 'voip' : 'audio'),
  };
}

/** Errors: SLUICE_CONFIG_INVALID. */
export function checkFormat({
  sampleRate,
  numberOfChannels,
}: Pick<OpusEncoderOptions, 'sampleRate' | 'numberOfChannels'>): void {
  if (![8000, 12000, 16000, 24000, 48000].includes(sampleRate)) {
    throw new SluiceError('SLUICE_CONFIG_INVALID', `Opus does not work at ${sampleRate} Hz`, {
      mend: 'Use 8000, 12000, 16000, 24000 or 48000 Hz.',
    });
  }
  if (![1, 2].includes(numberOfChannels)) {
    throw new SluiceError('SLUICE_CONFIG_INVALID', `Opus is used with 1 or 2 channels, not ${numberOfChannels}`);
  }
}

function checkRange(name: string, value: number, max: number): void {
  if (Number.isInteger(value) && value >= 0 && value <= max) return;
  throw new SluiceError('SLUICE_CONFIG_INVALID', `Opus ${name} must be a whole number from 0 to ${max}, not ${value}`);
}

/** What Opus can do that is nearest. Errors: SLUICE_CONFIG_INVALID. */
export function clampBitrate(bitsPerSecond: number): number {
  if (!Number.isFinite(bitsPerSecond)) {
    throw new SluiceError('SLUICE_CONFIG_INVALID', `${bitsPerSecond} is not a bitrate`);
  }
  return Math.round(Math.min(512_000, Math.max(500, bitsPerSecond)));
}

/** What SLUICE_OPUS of the environment asks for. Errors: SLUICE_CONFIG_INVALID. */
export function forcedImplementation(): OpusImplementation | undefined {
  const value = process.env['SLUICE_OPUS'];
  if (value === undefined || value === '') return undefined;
  if (value === 'native' || value === 'wasm') return value;
  throw new SluiceError('SLUICE_CONFIG_INVALID', `SLUICE_OPUS is "${value}"`, { mend: 'Set it to native or wasm.' });
}
