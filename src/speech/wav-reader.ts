import { SluiceError } from '../media/errors.js';

/** No header of a WAV file is longer than this before its data, in bytes. */
const MAX_HEADER_BYTES = 64 * 1024;
const PCM = 1;
/** The real format comes later in the header. */
const EXTENSIBLE = 0xfffe;

export interface WavFormat {
  /** Hz; any. */
  readonly sampleRate: number;
  readonly numberOfChannels: number;
}

/** Reads 16-bit PCM out of a WAV file that comes in parts of any length, as a program writes it. */
export class WavReader {
  /** Known once the header has come. */
  format: WavFormat | undefined;
  #rest: Buffer = Buffer.alloc(0);

  /** The samples in what has come, interleaved, in whole frames. Errors: SLUICE_SPEECH_FAILED for what is no such file. */
  push(bytes: Uint8Array): Int16Array {
    this.#rest = this.#rest.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#rest, bytes]);
    this.format ??= this.#readHeader();
    if (!this.format) return new Int16Array(0);
    const frameBytes = 2 * this.format.numberOfChannels;
    const whole = this.#rest.length - (this.#rest.length % frameBytes);
    const samples = new Int16Array(whole / 2);
    Buffer.from(samples.buffer).set(this.#rest.subarray(0, whole));
    this.#rest = this.#rest.subarray(whole);
    return samples;
  }

  #readHeader(): WavFormat | undefined {
    const bytes = this.#rest;
    if (bytes.length >= 12 && !(isTag(bytes, 0, 'RIFF') && isTag(bytes, 8, 'WAVE'))) throw refused('no WAV file');
    let format: WavFormat | undefined;
    for (let at = 12; at + 8 <= bytes.length;) {
      const size = bytes.readUInt32LE(at + 4);
      if (isTag(bytes, at, 'data')) {
        if (!format) throw refused('a WAV file without a format');
        this.#rest = bytes.subarray(at + 8);
        return format;
      }
      if (isTag(bytes, at, 'fmt ') && bytes.length >= at + 24) format = formatOf(bytes, at + 8);
      at += 8 + size + (size % 2);
    }
    if (bytes.length > MAX_HEADER_BYTES) throw refused('a WAV file without sound');
    return undefined;
  }
}

function formatOf(bytes: Buffer, at: number): WavFormat {
  const [tag, numberOfChannels, bits] = [
    bytes.readUInt16LE(at),
    bytes.readUInt16LE(at + 2),
    bytes.readUInt16LE(at + 14),
  ];
  if ((tag !== PCM && tag !== EXTENSIBLE) || bits !== 16 || numberOfChannels < 1 || numberOfChannels > 2)
    throw refused(`a WAV file of format ${tag} with ${bits} bits and ${numberOfChannels} channels`);
  return { sampleRate: bytes.readUInt32LE(at + 4), numberOfChannels };
}

function isTag(bytes: Buffer, at: number, tag: string): boolean {
  return bytes.toString('latin1', at, at + 4) === tag;
}

function refused(found: string): SluiceError {
  return new SluiceError('SLUICE_SPEECH_FAILED', 'a speech program wrote what cannot be played', {
    found,
    expected: 'a WAV file with 16-bit PCM, mono or stereo',
    mend: 'Let it write WAV to its standard output.',
  });
}
