import { type AudioData, audioData, audioDurationUs } from '../media/audio-data.js';

/** From where on sound follows without a gap. */
interface Piece {
  /** Samples that were sent before it. */
  readonly atFrame: number;
  /** On the media clock. */
  readonly timestampUs: number;
}

/** Sound that begins no further than this from where the one before ended follows it, in µs. */
const GAP_US = 1000;
/** Gaps that are remembered while nothing is settled. */
const MAX_PIECES = 1000;

/**
 * Mono sound that was sent to a service which counts its time by the sound it got: where what it tells of lies on the media clock,
 * and what would have to be sent again over a new connection. Bounded. Pure.
 */
export class SentSound {
  readonly #sampleRate: number;
  readonly #mostFrames: number;
  #kept: AudioData[] = [];
  #keptFrames = 0;
  #pieces: Piece[] = [];
  /** Over this connection. */
  #frames = 0;

  /** Sound that is not settled is kept for so long, in ms. */
  constructor(sampleRate: number, keepMs: number) {
    this.#sampleRate = sampleRate;
    this.#mostFrames = (keepMs * sampleRate) / 1000;
  }

  /** Whether as much is kept as can be. */
  get isFull(): boolean {
    return this.#keptFrames >= this.#mostFrames;
  }

  /** A chunk is on its way; the oldest is forgotten where too much is. */
  add(chunk: AudioData): void {
    const last = this.#kept.at(-1);
    const follows = last && Math.abs(last.timestamp + audioDurationUs(last) - chunk.timestamp) <= GAP_US;
    if (follows !== true) this.#pieces.push({ atFrame: this.#frames, timestampUs: chunk.timestamp });
    if (this.#pieces.length > MAX_PIECES) this.#pieces.shift();
    this.#kept.push(chunk);
    this.#keptFrames += chunk.numberOfFrames;
    this.#frames += chunk.numberOfFrames;
    while (this.#keptFrames > this.#mostFrames && this.#kept.length > 1) this.#forget();
  }

  /** Where something begins or ends, in µs on the media clock: `seconds` after the beginning of the connection's sound. */
  timeUs(seconds: number, side: 'begins' | 'ends'): number {
    const frame = Math.max(0, Math.min(seconds * this.#sampleRate, this.#frames));
    // What ends where a gap begins does not end behind it.
    const isBefore = ({ atFrame }: Piece): boolean => (side === 'begins' ? atFrame <= frame : atFrame < frame);
    const piece = this.#pieces.findLast(isBefore) ?? this.#pieces[0];
    if (!piece) return 0;
    return Math.round(piece.timestampUs + ((frame - piece.atFrame) * 1_000_000) / this.#sampleRate);
  }

  /** Everything before is known for good: it will not be sent again. */
  settle(seconds: number): void {
    const until = Math.round(seconds * this.#sampleRate);
    for (let chunk = this.#kept[0]; chunk; chunk = this.#kept[0]) {
      const over = until - (this.#frames - this.#keptFrames);
      if (over <= 0) break;
      this.#forget();
      if (over >= chunk.numberOfFrames) continue;
      const timestamp = chunk.timestamp + Math.round((over * 1_000_000) / this.#sampleRate);
      this.#kept.unshift(audioData(chunk.data.subarray(over), this.#sampleRate, 1, timestamp));
      this.#keptFrames += chunk.numberOfFrames - over;
      break;
    }
    const from = this.#frames - this.#keptFrames;
    while (this.#pieces[1] && this.#pieces[1].atFrame <= from) this.#pieces.shift();
  }

  /** There is a new connection: what has to be sent over it first. It counts as on its way. */
  again(): readonly AudioData[] {
    const chunks = this.#kept;
    this.#kept = [];
    this.#pieces = [];
    this.#keptFrames = this.#frames = 0;
    for (const chunk of chunks) this.add(chunk);
    return chunks;
  }

  #forget(): void {
    this.#keptFrames -= this.#kept.shift()?.numberOfFrames ?? 0;
  }
}
