import { SluiceError } from '../media/errors.js';
import type { Need } from '../media/need.js';

const PACKAGE = 'sherpa-onnx-node';
const INSTALL = `Run \`npm install ${PACKAGE}\``;
const UNPACK = 'Unpack a model of https://k2-fsa.github.io/sherpa/onnx/ there.';

/** What is used of sherpa-onnx-node. */
export interface Sherpa {
  readonly OfflineTts: { createAsync(config: object): Promise<SherpaVoice> };
  readonly OfflineRecognizer: { createAsync(config: object): Promise<SherpaEars> };
  readonly OnlineRecognizer: new (config: object) => SherpaOnlineModel;
}

/** A model that hears while somebody speaks. All of it blocks its thread. */
export interface SherpaOnlineModel {
  createStream(): SherpaOnlineStream;
  /** Whether enough has come for the next step. */
  isReady(stream: SherpaOnlineStream): boolean;
  decode(stream: SherpaOnlineStream): void;
  /** Times in seconds from the beginning of the stream, one for each token. */
  getResult(stream: SherpaOnlineStream): {
    readonly text: string;
    readonly tokens: readonly string[];
    readonly timestamps: readonly number[];
  };
}

/** The sound of a speaker. */
export interface SherpaOnlineStream extends SherpaUtterance {
  /** Nothing more comes. */
  inputFinished(): void;
}

/** A model that understands utterances. */
export interface SherpaEars {
  createStream(): SherpaUtterance;
  /** Off the main thread. */
  decodeAsync(stream: SherpaUtterance): Promise<{ readonly text: string }>;
}

interface SherpaUtterance {
  /** Mono samples from -1 to 1, at any rate in Hz. */
  acceptWaveform(wave: { readonly samples: Float32Array; readonly sampleRate: number }): void;
}

/** A model that says texts. */
export interface SherpaVoice {
  /** Hz. */
  readonly sampleRate: number;
  readonly numSpeakers: number;
  /** Off the main thread; `onProgress` is told the samples as they come, and ends it by false. */
  generateAsync(request: {
    readonly text: string;
    readonly sid: number;
    readonly speed: number;
    readonly enableExternalBuffer: boolean;
    readonly onProgress: (info: { readonly samples: Float32Array }) => boolean;
  }): Promise<unknown>;
}

/** Errors: SLUICE_DRIVER_UNAVAILABLE. */
export async function loadSherpa(): Promise<Sherpa> {
  try {
    // Not a literal: it is there only where the user has installed it.
    const name: string = PACKAGE;
    const loaded = (await import(name)) as { readonly default: Sherpa };
    return loaded.default;
  } catch (cause) {
    throw new SluiceError('SLUICE_DRIVER_UNAVAILABLE', `${PACKAGE} is not there, or does not load on this machine`, {
      cause,
      mend: `${INSTALL}; \`sluice doctor\` tells what else is missing.`,
      retryable: false,
    });
  }
}

/** What an engine needs whose model is in a folder. */
export function sherpaNeeds(folder: string): readonly Need[] {
  return [
    { kind: 'package', name: PACKAGE, mend: `${INSTALL}.` },
    { kind: 'file', path: folder, mend: UNPACK },
  ];
}

/** SLUICE_FILE_NOT_FOUND for the folder of a model that cannot be read. */
export function missingFolder(path: string, cause: unknown): SluiceError {
  return new SluiceError('SLUICE_FILE_NOT_FOUND', `there is no folder ${path}`, {
    cause,
    retryable: false,
    mend: UNPACK,
  });
}
