import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { SluiceError } from '../media/errors.js';
import {
  type EncoderSettings,
  type OpusEncoderOptions,
  type OpusImplementation,
  type OpusSampleRate,
  checkFormat,
  clampBitrate,
  encoderSettings,
  forcedImplementation,
} from './opus-settings.js';

export type { OpusEncoderOptions, OpusImplementation, OpusSampleRate } from './opus-settings.js';

export interface OpusEncoder {
  readonly implementation: OpusImplementation;
  /**
   * Encodes 2.5, 5, 10, 20, 40 or 60 ms of interleaved samples. The packet belongs to the caller.
   * Errors: SLUICE_FORMAT_MISMATCH for another length, SLUICE_CODEC_FAILED, SLUICE_STATE_INVALID after `close`.
   */
  encode(pcm: Int16Array): Uint8Array;
  setBitrate(bitsPerSecond: number): void;
  setPacketLossPercent(percent: number): void;
  setDtx(enabled: boolean): void;
  close(): void;
}

export interface OpusDecoderOptions {
  /** Hz. */
  readonly sampleRate: OpusSampleRate;
  readonly numberOfChannels: 1 | 2;
}

/** One object for decoding, FEC and concealment: all three continue the same state. Arrays belong to the caller. */
export interface OpusDecoder {
  /** Interleaved samples of one packet. Errors: SLUICE_CODEC_FAILED; the decoder stays usable. */
  decode(packet: Uint8Array): Int16Array;
  /** What was lost just before `nextPacket`, from its FEC data, else concealed. `numberOfFrames`: whole 2.5 ms, at most 120 ms. */
  decodeFec(nextPacket: Uint8Array, numberOfFrames: number): Int16Array;
  /** A guess at what was lost. `numberOfFrames`: whole 2.5 ms, at most 120 ms. */
  conceal(numberOfFrames: number): Int16Array;
  close(): void;
}

/** Makes an Opus encoder. Errors: SLUICE_CODEC_UNAVAILABLE when the implementation asked for does not load, SLUICE_CONFIG_INVALID. */
export async function createOpusEncoder(options: OpusEncoderOptions): Promise<OpusEncoder> {
  const settings = encoderSettings(options);
  const wanted = options.implementation ?? forcedImplementation();
  if (wanted !== 'wasm') {
    const native = await loadNative();
    if (native) return new CheckedEncoder('native', settings, nativeEncoder(native, settings));
    if (wanted === 'native') {
      throw new SluiceError('SLUICE_CODEC_UNAVAILABLE', 'the native Opus encoder does not load on this machine', {
        mend: 'Leave SLUICE_OPUS and `implementation` out, so that the WebAssembly encoder is used.',
      });
    }
  }
  return new CheckedEncoder('wasm', settings, await wasmEncoder(settings));
}

/** Makes an Opus decoder (libopus as WebAssembly: the only one here that can conceal and use FEC). Errors: SLUICE_CONFIG_INVALID. */
export async function createOpusDecoder(options: OpusDecoderOptions): Promise<OpusDecoder> {
  checkFormat(options);
  const { createDecoder } = await import('libopus-wasm');
  const handle = await createDecoder({ sampleRate: options.sampleRate, channels: options.numberOfChannels });
  return new WasmDecoder(options.sampleRate, handle);
}

/** What an implementation must bring; lengths and state are checked by CheckedEncoder, as one fault there kills the process. */
interface RawEncoder {
  encode(pcm: Int16Array): Uint8Array;
  control(request: number, value: number): void;
  close(): void;
}

const CTL = { application: 4000, bitrate: 4002, complexity: 4010, fec: 4012, packetLoss: 4014, dtx: 4016 } as const;
const APPLICATION = { voip: 2048, audio: 2049 } as const;
const ENCODE_MS = [2.5, 5, 10, 20, 40, 60] as const;
const MAX_DECODE_MS = 120;
const MAX_PACKET_BYTES = 4000;

class CheckedEncoder implements OpusEncoder {
  readonly implementation: OpusImplementation;
  readonly #lengths: ReadonlySet<number>;
  #raw: RawEncoder | undefined;

  constructor(implementation: OpusImplementation, settings: EncoderSettings, raw: RawEncoder) {
    this.implementation = implementation;
    this.#raw = raw;
    const { sampleRate, numberOfChannels } = settings;
    this.#lengths = new Set(ENCODE_MS.map((ms) => (sampleRate * ms * numberOfChannels) / 1000));
  }

  encode(pcm: Int16Array): Uint8Array {
    const raw = this.#open();
    if (!this.#lengths.has(pcm.length)) {
      throw new SluiceError('SLUICE_FORMAT_MISMATCH', `${pcm.length} samples do not make an Opus frame`, {
        mend: `Give 2.5, 5, 10, 20, 40 or 60 ms at a time: ${[...this.#lengths].join(', ')} samples here.`,
      });
    }
    try {
      return raw.encode(pcm);
    } catch (error) {
      throw codecFailed('the Opus encoder failed', error);
    }
  }

  setBitrate(bitsPerSecond: number): void {
    this.#open().control(CTL.bitrate, clampBitrate(bitsPerSecond));
  }

  setPacketLossPercent(percent: number): void {
    this.#open().control(CTL.packetLoss, Math.round(Math.min(100, Math.max(0, percent))));
  }

  setDtx(enabled: boolean): void {
    this.#open().control(CTL.dtx, enabled ? 1 : 0);
  }

  close(): void {
    this.#raw?.close();
    this.#raw = undefined;
  }

  #open(): RawEncoder {
    if (!this.#raw) throw closed('encoder');
    return this.#raw;
  }
}

type DecoderHandle = Awaited<ReturnType<(typeof import('libopus-wasm'))['createDecoder']>>;

class WasmDecoder implements OpusDecoder {
  readonly #unitFrames: number;
  readonly #maxFrames: number;
  #handle: DecoderHandle | undefined;

  constructor(sampleRate: number, handle: DecoderHandle) {
    this.#unitFrames = sampleRate / 400;
    this.#maxFrames = (sampleRate * MAX_DECODE_MS) / 1000;
    this.#handle = handle;
  }

  decode(packet: Uint8Array): Int16Array {
    const handle = this.#open();
    try {
      return handle.decode(packet);
    } catch (error) {
      throw codecFailed('an Opus packet cannot be decoded', error);
    }
  }

  decodeFec(nextPacket: Uint8Array, numberOfFrames: number): Int16Array {
    const handle = this.#open();
    this.#checkLength(numberOfFrames);
    try {
      return handle.decode(nextPacket, { decodeFec: true, frameSize: numberOfFrames });
    } catch (error) {
      throw codecFailed('an Opus packet cannot be decoded', error);
    }
  }

  conceal(numberOfFrames: number): Int16Array {
    const handle = this.#open();
    this.#checkLength(numberOfFrames);
    return handle.decodePacketLoss(numberOfFrames);
  }

  close(): void {
    this.#handle?.free();
    this.#handle = undefined;
  }

  #checkLength(numberOfFrames: number): void {
    if (numberOfFrames > 0 && numberOfFrames <= this.#maxFrames && numberOfFrames % this.#unitFrames === 0) return;
    throw new SluiceError('SLUICE_FORMAT_MISMATCH', `${numberOfFrames} frames cannot be concealed at once`, {
      mend: `Ask for a multiple of ${this.#unitFrames} frames, at most ${this.#maxFrames}.`,
    });
  }

  #open(): DecoderHandle {
    if (!this.#handle) throw closed('decoder');
    return this.#handle;
  }
}

interface NativeOpus {
  readonly OpusEncoder: new (
    rate: number,
    channels: number,
  ) => {
    encode(pcm: Buffer): Buffer;
    applyEncoderCTL(request: number, value: number): void;
  };
}

let nativeOpus: Promise<NativeOpus | undefined> | undefined;

function loadNative(): Promise<NativeOpus | undefined> {
  nativeOpus ??= importNative();
  return nativeOpus;
}

async function importNative(): Promise<NativeOpus | undefined> {
  // Not a literal: the package is optional, and compiling must not need it.
  const name: string = '@discordjs/opus';
  try {
    return requireBinary(name);
  } catch {
    // It is not where it is expected: the package knows better.
  }
  try {
    const module = (await import(name)) as { default?: Partial<NativeOpus> } & Partial<NativeOpus>;
    const OpusEncoder = module.OpusEncoder ?? module.default?.OpusEncoder;
    return OpusEncoder && { OpusEncoder };
  } catch {
    return undefined;
  }
}

/** Loads the binary itself: the package's own way to find it loads some fifty modules first, which takes longer than joining. */
function requireBinary(name: string): NativeOpus {
  const require = createRequire(import.meta.url);
  const folder = join(dirname(require.resolve(`${name}/package.json`)), 'prebuild');
  const { modules } = process.versions;
  const builds = readdirSync(folder).filter((build) => build.startsWith(`node-v${modules}-`));
  // Several are of several systems.
  if (builds.length !== 1) throw new Error(`${builds.length} builds for this Node.js`);
  const { OpusEncoder } = require(join(folder, builds[0] ?? '', 'opus.node')) as Partial<NativeOpus>;
  if (!OpusEncoder) throw new Error('no encoder in it');
  return { OpusEncoder };
}

function nativeEncoder(native: NativeOpus, settings: EncoderSettings): RawEncoder {
  const encoder = new native.OpusEncoder(settings.sampleRate, settings.numberOfChannels);
  encoder.applyEncoderCTL(CTL.application, APPLICATION[settings.application]);
  encoder.applyEncoderCTL(CTL.bitrate, settings.bitrate);
  encoder.applyEncoderCTL(CTL.complexity, settings.complexity);
  encoder.applyEncoderCTL(CTL.fec, settings.fec ? 1 : 0);
  encoder.applyEncoderCTL(CTL.packetLoss, settings.packetLossPercent);
  encoder.applyEncoderCTL(CTL.dtx, settings.dtx ? 1 : 0);
  return {
    encode(pcm) {
      const packet = encoder.encode(Buffer.from(pcm.buffer, pcm.byteOffset, pcm.byteLength));
      return new Uint8Array(packet.buffer, packet.byteOffset, packet.byteLength);
    },
    control: (request, value) => {
      encoder.applyEncoderCTL(request, value);
    },
    // Freed when it is collected; the package has no other way.
    close: () => undefined,
  };
}

async function wasmEncoder(settings: EncoderSettings): Promise<RawEncoder> {
  const { createEncoder } = await import('libopus-wasm');
  const encoder = await createEncoder({
    sampleRate: settings.sampleRate,
    channels: settings.numberOfChannels,
    application: APPLICATION[settings.application],
    bitrate: settings.bitrate,
    complexity: settings.complexity,
    dtx: settings.dtx,
    fec: settings.fec,
    packetLossPercent: settings.packetLossPercent,
  });
  const request = { frameSize: 0, maxPacketBytes: MAX_PACKET_BYTES };
  return {
    encode(pcm) {
      request.frameSize = pcm.length / settings.numberOfChannels;
      return encoder.encode(pcm, request);
    },
    control: (ctl, value) => {
      encoder.encoderCtl(ctl, value);
    },
    close: () => {
      encoder.free();
    },
  };
}

function codecFailed(text: string, cause: unknown): SluiceError {
  return new SluiceError('SLUICE_CODEC_FAILED', `${text}: ${cause instanceof Error ? cause.message : String(cause)}`, {
    cause,
  });
}

function closed(what: string): SluiceError {
  return new SluiceError('SLUICE_STATE_INVALID', `the Opus ${what} is closed`);
}
