import { audioData, type AudioData } from './audio-data.js';

/**
 * Places in the head of the memory (Int32Array, Atomics): units that were written, and read, since the beginning; chunks that the
 * reader has asked for since then; it was told, and has not looked yet; the writer waits for it to ask for more.
 */
const WRITTEN = 0;
const READ = 1;
const ASKED = 2;
const TOLD = 3;
const AWAITED = 4;
const HEAD_BYTES = 24;
/** All begins at a multiple of this many bytes. */
const UNIT_BYTES = 8;
const SAMPLES_PER_UNIT = UNIT_BYTES / Int16Array.BYTES_PER_ELEMENT;
/** In front of the samples: the time stamp, when they were written, then their number and the mark. */
const RECORD_UNITS = 3;

/** Memory for an AudioRing that holds so many samples, of all channels, and a few chunks' heads. */
export function audioRingMemory(samples: number): SharedArrayBuffer {
  const units = 2 ** Math.ceil(Math.log2(samples / SAMPLES_PER_UNIT + 16 * RECORD_UNITS));
  return new SharedArrayBuffer(HEAD_BYTES + units * UNIT_BYTES);
}

/**
 * Raw audio of one format on its way from one thread to another through shared memory: one thread writes, another reads, each
 * with a ring of its own on the same memory. It wakes nobody, but tells when somebody has to be woken.
 */
export class AudioRing {
  readonly #head: Int32Array;
  readonly #times: Float64Array;
  readonly #words: Int32Array;
  readonly #samples: Int16Array;
  readonly #units: number;
  /** Written by this one, 32 bits. */
  #chunks = 0;

  /** `memory`: of `audioRingMemory`. */
  constructor(memory: SharedArrayBuffer) {
    this.#head = new Int32Array(memory, 0, HEAD_BYTES / Int32Array.BYTES_PER_ELEMENT);
    this.#times = new Float64Array(memory, HEAD_BYTES);
    this.#words = new Int32Array(memory, HEAD_BYTES);
    this.#samples = new Int16Array(memory, HEAD_BYTES);
    this.#units = this.#times.length;
  }

  /**
   * Copies a chunk in; false where there is no room for it. `writtenUs`: the moment, of a clock that both threads have;
   * `mark`: a 32-bit number that goes with it.
   */
  write(samples: Int16Array, timestampUs: number, writtenUs = 0, mark = 0): boolean {
    const head = this.#head;
    const at = Atomics.load(head, WRITTEN);
    const units = RECORD_UNITS + Math.ceil(samples.length / SAMPLES_PER_UNIT);
    if (((at - Atomics.load(head, READ)) | 0) + units > this.#units) return false;
    const words = this.#place(at + 2) * 2;
    this.#times[this.#place(at)] = timestampUs;
    this.#times[this.#place(at + 1)] = writtenUs;
    this.#words[words] = samples.length;
    this.#words[words + 1] = mark;
    const from = this.#place(at + RECORD_UNITS) * SAMPLES_PER_UNIT;
    const first = Math.min(samples.length, this.#samples.length - from);
    if (first === samples.length) this.#samples.set(samples, from);
    else {
      this.#samples.set(samples.subarray(0, first), from);
      this.#samples.set(samples.subarray(first), 0);
    }
    this.#chunks = (this.#chunks + 1) | 0;
    Atomics.store(head, WRITTEN, (at + units) | 0);
    return true;
  }

  /** The mark of the oldest chunk; undefined while there is none. */
  get mark(): number | undefined {
    if (this.isEmpty) return undefined;
    const at = Atomics.load(this.#head, READ);
    return this.#words[this.#place(at + 2) * 2 + 1];
  }

  /** When the oldest chunk was written; 0 while there is none. */
  get writtenUs(): number {
    return this.isEmpty ? 0 : (this.#times[this.#place(Atomics.load(this.#head, READ) + 1)] ?? 0);
  }

  /** Takes the oldest chunk out, into memory of its own; undefined while there is none. */
  read(sampleRate: number, numberOfChannels: number): AudioData | undefined {
    const head = this.#head;
    const at = Atomics.load(head, READ);
    if (at === Atomics.load(head, WRITTEN)) return undefined;
    const timestampUs = this.#times[this.#place(at)] ?? 0;
    const length = this.#words[this.#place(at + 2) * 2] ?? 0;
    const from = this.#place(at + RECORD_UNITS) * SAMPLES_PER_UNIT;
    const first = Math.min(length, this.#samples.length - from);
    const samples = new Int16Array(length);
    samples.set(this.#samples.subarray(from, from + first));
    if (first < length) samples.set(this.#samples.subarray(0, length - first), first);
    Atomics.store(head, READ, (at + RECORD_UNITS + Math.ceil(length / SAMPLES_PER_UNIT)) | 0);
    return audioData(samples, sampleRate, numberOfChannels, timestampUs);
  }

  get isEmpty(): boolean {
    return Atomics.load(this.#head, READ) === Atomics.load(this.#head, WRITTEN);
  }

  /** For the reader: asks for so many more chunks. Whether the writer waits for that, and has to be woken. */
  ask(chunks: number): boolean {
    Atomics.add(this.#head, ASKED, chunks);
    return Atomics.exchange(this.#head, AWAITED, 0) !== 0;
  }

  /** For the writer: chunks that were asked for and not written yet. */
  get asked(): number {
    return (Atomics.load(this.#head, ASKED) - this.#chunks) | 0;
  }

  /** For the writer, that has more than was asked for: it is woken when there is more. What is asked meanwhile it has to see for itself. */
  await(): void {
    Atomics.store(this.#head, AWAITED, 1);
  }

  /** For the writer, after it has written: whether the reader has to be woken. Not again before that calls `look`. */
  wakesReader(): boolean {
    return Atomics.exchange(this.#head, TOLD, 1) === 0;
  }

  /** For the reader, before it reads what there is. */
  look(): void {
    Atomics.store(this.#head, TOLD, 0);
  }

  #place(unit: number): number {
    return unit & (this.#units - 1);
  }
}
