import { audioDurationUs, type AudioData } from '../../media/audio-data.js';

/** Loudness is compared in pieces of that length, in µs. */
const PIECE_US = 10_000;
/** So much of what was heard is compared, in pieces. */
const COMPARED = 100;
/** An echo comes back within that, in pieces: the network both ways, and the buffers of a browser. */
const LATEST = 80;
/** What is played is known before it leaves, in pieces. */
const AHEAD = 100;
/** Pieces on either side that loudness is smoothed over: a room smears it by about as much. */
const SMOOTHED = 3;
/** Loudness below that is none, in dB of full scale. */
const FLOOR_DB = -65;
/** How alike an echo is at least, after a room and Opus, 0 to 1. Of other voices 2 % of the moments are. */
const ALIKE = 0.8;

/**
 * Tells a participant's voice from the agent's own, which comes back from their loudspeaker: its loudness rises and falls as that of
 * what was played up to 0.8 s before. Judges the last second, so a voice that has just begun is soon told apart. Pure; times in µs
 * on one clock.
 */
export class OwnEcho {
  readonly #played = new Loudness(COMPARED + LATEST + AHEAD);
  readonly #heard = new Map<string, Loudness>();

  /** The agent's sound, when it leaves. */
  played(chunk: AudioData, atUs: number): void {
    this.#played.add(chunk, atUs);
  }

  /** A participant's sound, when it comes. */
  heard(participant: string, chunk: AudioData, atUs: number): void {
    let loudness = this.#heard.get(participant);
    if (!loudness) this.#heard.set(participant, (loudness = new Loudness(COMPARED)));
    loudness.add(chunk, atUs);
  }

  left(participant: string): void {
    this.#heard.delete(participant);
  }

  /** Whether what a participant let hear last is the agent's voice. */
  isEcho(participant: string): boolean {
    const heard = this.#heard.get(participant);
    if (!heard) return false;
    const window = heard.until(heard.lastPiece, COMPARED);
    const played = this.#played.until(heard.lastPiece, COMPARED + LATEST);
    for (let lag = 0; lag <= LATEST; lag++) {
      if (correlation(window, played, LATEST - lag) >= ALIKE) return true;
    }
    return false;
  }
}

/** How loud a sound was in its last pieces, in dB above FLOOR_DB. */
class Loudness {
  /** Number of the piece that was filled last. */
  lastPiece = -1;
  readonly #levels: Float32Array;

  constructor(pieces: number) {
    this.#levels = new Float32Array(pieces);
  }

  add(chunk: AudioData, atUs: number): void {
    const { data } = chunk;
    const pieces = Math.max(1, Math.round(audioDurationUs(chunk) / PIECE_US));
    const first = Math.floor(atUs / PIECE_US);
    for (let piece = Math.max(this.lastPiece + 1, first - this.#levels.length); piece < first; piece++)
      this.#set(piece, 0);
    const length = Math.floor(data.length / pieces);
    for (let i = 0; i < pieces; i++) this.#set(first + i, levelOf(data, i * length, length));
    this.lastPiece = Math.max(this.lastPiece, first + pieces - 1);
  }

  /** The `count` pieces up to `last`, smoothed; 0 where nothing is known. */
  until(last: number, count: number): Float32Array {
    const window = new Float32Array(count);
    const first = last - count + 1;
    let sum = 0;
    for (let piece = first - SMOOTHED; piece < first + SMOOTHED; piece++) sum += this.#level(piece);
    for (let i = 0; i < count; i++) {
      sum += this.#level(first + i + SMOOTHED);
      window[i] = sum / (2 * SMOOTHED + 1);
      sum -= this.#level(first + i - SMOOTHED);
    }
    return window;
  }

  #level(piece: number): number {
    const isKnown = piece >= 0 && piece <= this.lastPiece && piece > this.lastPiece - this.#levels.length;
    return isKnown ? this.#levels[piece % this.#levels.length]! : 0;
  }

  #set(piece: number, level: number): void {
    if (piece >= 0) this.#levels[piece % this.#levels.length] = level;
  }
}

function levelOf(data: Int16Array, from: number, length: number): number {
  let sum = 0;
  // Differences: low tones are what rooms and microphones change most.
  for (let i = from + 1; i < from + length; i++) sum += (data[i]! - data[i - 1]!) ** 2;
  const db = 10 * Math.log10(sum / Math.max(1, length) / 32_768 ** 2 + 1e-12);
  return Math.max(0, db - FLOOR_DB);
}

/** Of one window and the part of another that begins at `from`, -1 to 1; 0 where one of them hardly changes. */
function correlation(one: Float32Array, other: Float32Array, from: number): number {
  let [sumA, sumB, sumAA, sumBB, sumAB] = [0, 0, 0, 0, 0];
  for (let i = 0; i < COMPARED; i++) {
    const [a, b] = [one[i]!, other[from + i]!];
    sumA += a;
    sumB += b;
    sumAA += a * a;
    sumBB += b * b;
    sumAB += a * b;
  }
  const [varA, varB] = [sumAA - (sumA * sumA) / COMPARED, sumBB - (sumB * sumB) / COMPARED];
  return varA < COMPARED || varB < COMPARED ? 0 : (sumAB - (sumA * sumB) / COMPARED) / Math.sqrt(varA * varB);
}
