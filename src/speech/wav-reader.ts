import type { SluiceError } from '../media/errors.js';
import type { SpeechFormat } from './synthesiser.js';
import { unplayable } from './voice-failure.js';

/** No header of a WAV file is longer than this before its data, in bytes. */
const MAX_HEADER_BYTES = 64 * 1024;
/** Who does not know how long it gets writes nothing, or about as much as fits. */
const UNKNOWN_BYTES = 0x7fff_0000;

/** What can be played, in Hz. */
const LOWEST_RATE = 4000;
const HIGHEST_RATE = 192_000;

/** Codes of sample formats. */
const PCM = 1;
const FLOAT = 3;
/** The real format comes later in the header. */
const EXTENSIBLE = 0xfffe;

/** Reads samples out of a WAV file of 16-bit PCM or 32-bit floats that comes in parts of any length, as it is written. */
export class WavReader {
  /** Known once the header has come. */
  format: SpeechFormat | undefined;
  #isFloat = false;
  #rest: Buffer = Buffer.alloc(0);
  /** Bytes of sound that are still to come; what follows is no sound. */
  #left = Infinity;

  /** The samples in what has come, interleaved, in whole frames. Errors: SLUICE_SPEECH_FAILED for what is no such file. */
  push(bytes: Uint8Array): Int16Array {
    this.#rest = this.#rest.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#rest, bytes]);
    if (!this.format) this.#readHeader();
    if (!this.format) return new Int16Array(0);
    const frameBytes = (this.#isFloat ? 4 : 2) * this.format.numberOfChannels;
    const length = Math.min(this.#rest.length, this.#left);
    const whole = length - (length % frameBytes);
    const samples = this.#isFloat ? fromFloats(this.#rest, whole) : fromBytes(this.#rest, whole);
    this.#rest = this.#rest.subarray(whole);
    this.#left -= whole;
    if (this.#left < frameBytes) this.#rest = Buffer.alloc(0);
    return samples;
  }

  #readHeader(): void {
    const bytes = this.#rest;
    if (bytes.length >= 12 && !(isTag(bytes, 0, 'RIFF') && isTag(bytes, 8, 'WAVE'))) throw refused('no WAV file');
    let header: Header | undefined;
    for (let at = 12; at + 8 <= bytes.length;) {
      const size = bytes.readUInt32LE(at + 4);
      if (isTag(bytes, at, 'data')) {
        if (!header) throw refused('a WAV file without a format');
        this.format = { sampleRate: header.sampleRate, numberOfChannels: header.numberOfChannels };
        this.#isFloat = header.isFloat;
        this.#left = size === 0 || size >= UNKNOWN_BYTES ? Infinity : size;
        this.#rest = bytes.subarray(at + 8);
        return;
      }
      if (isTag(bytes, at, 'fmt ') && bytes.length >= at + 8 + size)
        header = headerOf(bytes.subarray(at + 8, at + 8 + size));
      at += 8 + size + (size % 2);
    }
    if (bytes.length > MAX_HEADER_BYTES) throw refused('a WAV file without sound');
  }
}

interface Header extends SpeechFormat {
  readonly isFloat: boolean;
}

function headerOf(bytes: Buffer): Header {
  if (bytes.length < 16) throw refused('a WAV file whose format is cut off');
  const [written, numberOfChannels, bits] = [bytes.readUInt16LE(0), bytes.readUInt16LE(2), bytes.readUInt16LE(14)];
  const code = written === EXTENSIBLE && bytes.length >= 26 ? bytes.readUInt16LE(24) : written;
  const isFloat = code === FLOAT && bits === 32;
  if (!(isFloat || (code === PCM && bits === 16)) || numberOfChannels < 1 || numberOfChannels > 2)
    throw refused(`a WAV file of format ${code} with ${bits} bits and ${numberOfChannels} channels`);
  const sampleRate = bytes.readUInt32LE(4);
  if (sampleRate < LOWEST_RATE || sampleRate > HIGHEST_RATE) throw refused(`a WAV file of ${sampleRate} Hz`);
  return { sampleRate, numberOfChannels, isFloat };
}

/** Little-endian samples in memory of their own. */
function fromBytes(bytes: Buffer, length: number): Int16Array {
  const samples = new Int16Array(length / 2);
  Buffer.from(samples.buffer).set(bytes.subarray(0, length));
  return samples;
}

function fromFloats(bytes: Buffer, length: number): Int16Array {
  const samples = new Int16Array(length / 4);
  for (let i = 0; i < samples.length; i++)
    samples[i] = Math.max(-32_768, Math.min(32_767, Math.round(bytes.readFloatLE(4 * i) * 32_767)));
  return samples;
}

function isTag(bytes: Buffer, at: number, tag: string): boolean {
  return bytes.toString('latin1', at, at + 4) === tag;
}

function refused(found: string): SluiceError {
  return unplayable({
    found,
    expected: 'a WAV file with 16-bit PCM or 32-bit floats, mono or stereo, of 4 to 192 kHz',
    mend: 'Let the program or service give WAV.',
  });
}
