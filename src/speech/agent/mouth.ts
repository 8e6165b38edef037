import { Readable } from 'node:stream';
import { audioDurationUs, audioData, type AudioData } from '../../media/audio-data.js';
import type { Clock, ClockTimer } from '../../media/clock.js';
import type { Playout, PlayoutSource } from '../../media/playout.js';

export interface MouthOptions {
  readonly clock: Clock;
  /** So much is given before it is heard, in ms: what is dropped when somebody interrupts. */
  readonly aheadMs: number;
  /** Sound is given to whoever plays it, about to be heard from `atUs` on. */
  readonly onGiven: (chunk: AudioData, atUs: number) => void;
  /** More has been heard: up to there, in µs of what is said now. */
  readonly onHeard: (untilUs: number) => void;
  /** All of what was to be said has been heard. */
  readonly onSaid: () => void;
}

/** How often it is looked how far the playout has come, in ms. */
const LOOK_MS = 10;
/** What is heard later than so much before the end of what is given is kept for going on, in µs. */
const KEPT_US = 1_000_000;

/** A piece of what is said, and where it begins. */
interface Piece {
  readonly chunk: AudioData;
  readonly fromUs: number;
}

/**
 * The voice of an agent: gives its sound to a publisher only a little before it is heard, knows to the sample how much of it has left,
 * and can stop at any moment, and go on from there. Where nobody tells how far the sound has come, it goes by the clock.
 */
export class Mouth {
  readonly audio: Readable & PlayoutSource;
  readonly #options: MouthOptions;
  #playout: Playout | undefined;
  /** What is said now: from what is kept for going on, to what has come. */
  #pieces: Piece[] = [];
  /** The next piece to give. */
  #next = 0;
  #endUs = 0;
  #isWhole = true;
  /** Where what was given last ends. */
  #givenUs = 0;
  /** Where what the playout counts begins; and by the clock. */
  #baseUs = 0;
  #baseAtUs = 0;
  #heardUs = 0;
  #isPaused = false;
  #pauses = 0;
  /** It has not been told yet that all was said. */
  #isSaying = false;
  /** Time stamp of the chunk that is given next, in µs: it never goes back. */
  #stampUs = 0;
  #cutting: Promise<number> | undefined;
  #timer: ClockTimer | undefined;
  #room: (() => void) | undefined;

  constructor(options: MouthOptions) {
    this.#options = options;
    const audio = new Readable({ objectMode: true, read: () => undefined });
    this.audio = Object.assign(audio, {
      playedBy: (playout: Playout | undefined) => {
        this.#playout = playout;
        this.#rebase();
      },
    });
  }

  /** Nothing is said, nor to be said. */
  get isSilent(): boolean {
    return this.#isWhole && this.#heardUs >= this.#endUs;
  }

  /** Whether what was heard is known from the playout; otherwise it is by the clock. */
  get isExact(): boolean {
    return this.#playout !== undefined;
  }

  /** Something new is said; what was said before is over. */
  begin(): void {
    this.#pieces = [];
    this.#next = 0;
    this.#endUs = this.#givenUs = this.#heardUs = 0;
    this.#isWhole = this.#isPaused = false;
    this.#isSaying = true;
    this.#rebase();
  }

  /** More of its sound, in one format. */
  say(chunk: AudioData): void {
    this.#pieces.push({ chunk, fromUs: this.#endUs });
    this.#endUs += audioDurationUs(chunk);
    this.#flow();
  }

  /** Media time in µs that waits to be given. */
  get waitingUs(): number {
    return this.#endUs - this.#givenUs;
  }

  /** Settles when less than that waits to be given, or nothing more is to be said. */
  async untilLess(us: number): Promise<void> {
    while (this.waitingUs > us && !this.#isWhole) await new Promise<void>((resolve) => (this.#room = resolve));
  }

  /** No more of its sound comes. */
  end(): void {
    this.#isWhole = true;
    this.#makeRoom();
    this.#flow();
  }

  /** Stops at once, and keeps what was to come. Settles with what has been heard, in µs of what is said. */
  async pause(): Promise<number> {
    this.#isPaused = true;
    this.#pauses++;
    this.#timer?.cancel();
    this.#cutting ??= this.#cut();
    return await this.#cutting;
  }

  /** Goes on with the sample after the last that was heard. */
  async resume(): Promise<void> {
    const pause = this.#pauses;
    await this.#cutting;
    if (pause !== this.#pauses) return;
    this.#isPaused = false;
    this.#flow();
  }

  /** Drops what was to come. Settles with what has been heard. */
  async drop(): Promise<number> {
    const heardUs = await this.pause();
    this.#pieces = [];
    this.#next = 0;
    this.#endUs = this.#givenUs = heardUs;
    this.#isWhole = true;
    this.#isSaying = false;
    this.#makeRoom();
    return heardUs;
  }

  close(): void {
    this.#timer?.cancel();
    this.#isWhole = true;
    this.#makeRoom();
    if (!this.audio.destroyed) this.audio.push(null);
  }

  async #cut(): Promise<number> {
    const baseUs = this.#baseUs;
    // What nobody has taken yet goes the way of what was taken.
    while (this.audio.readableLength > 0 && this.audio.read() !== null);
    const playedUs = await this.#cutOff();
    this.#cutting = undefined;
    // It counts on from a sample and not from a rounded time, or pauses would add up to samples.
    this.#heardUs = this.#baseUs = this.#goBackTo(Math.min(this.#givenUs, baseUs + playedUs));
    this.#baseAtUs = this.#options.clock.nowUs();
    return this.#heardUs;
  }

  /** Drops what has not left; what has, in µs. Without a playout what was given is heard whatever happens. */
  async #cutOff(): Promise<number> {
    const playout = this.#playout;
    if (!playout) return this.#givenUs - this.#baseUs;
    try {
      return await playout.cut();
    } catch {
      // A publisher that is gone plays nothing more, and tells of it itself.
      return playout.playedUs();
    }
  }

  /** What is given next begins there: with a sample, whose time is given back. */
  #goBackTo(us: number): number {
    const index = this.#pieces.findIndex((piece) => framesUntil(piece, us) < piece.chunk.numberOfFrames);
    const piece = this.#pieces[index];
    this.#next = piece ? index : this.#pieces.length;
    if (!piece) return (this.#givenUs = this.#endUs);
    const rest = (this.#pieces[index] = after(piece, Math.max(0, framesUntil(piece, us))));
    return (this.#givenUs = rest.fromUs);
  }

  #rebase(): void {
    this.#heardUs = this.#givenUs;
    // It counts on over what was said before, where nothing was cut.
    this.#baseUs = this.#givenUs - (this.#playout?.playedUs() ?? 0);
    this.#baseAtUs = this.#options.clock.nowUs();
  }

  #flow(): void {
    if (this.#isPaused || this.#cutting || this.audio.destroyed) return;
    this.#timer?.cancel();
    this.#look();
    const untilUs = this.#heardUs + this.#options.aheadMs * 1000;
    for (let piece = this.#pieces[this.#next]; piece && this.#givenUs < untilUs; piece = this.#pieces[this.#next]) {
      this.#next++;
      this.#give(piece);
    }
    this.#forget();
    this.#makeRoom();
    if (this.#givenUs > this.#heardUs) this.#timer = this.#options.clock.after(LOOK_MS, this.#onTime);
    if (!this.isSilent || !this.#isSaying) return;
    this.#isSaying = false;
    this.#options.onSaid();
  }

  #give({ chunk, fromUs }: Piece): void {
    const nowUs = this.#options.clock.nowUs();
    // By the clock, what is given after a gap is heard from now on.
    if (!this.#playout && this.#heardUs >= this.#givenUs) [this.#baseUs, this.#baseAtUs] = [this.#givenUs, nowUs];
    const stamped = { ...chunk, timestamp: Math.round(this.#stampUs) };
    this.#stampUs += audioDurationUs(chunk);
    this.#givenUs = fromUs + audioDurationUs(chunk);
    this.#options.onGiven(stamped, nowUs + Math.max(0, fromUs - this.#heardUs));
    this.audio.push(stamped);
  }

  readonly #onTime = (): void => {
    this.#flow();
  };

  /** How far it has been heard. */
  #look(): void {
    const passedUs = this.#playout?.playedUs() ?? this.#options.clock.nowUs() - this.#baseAtUs;
    const heardUs = Math.min(this.#givenUs, this.#baseUs + passedUs);
    if (heardUs <= this.#heardUs) return;
    this.#heardUs = heardUs;
    this.#options.onHeard(heardUs);
  }

  /** What nobody will go back to. */
  #forget(): void {
    let count = 0;
    while (count < this.#next && (this.#pieces[count]?.fromUs ?? Infinity) < this.#heardUs - KEPT_US) count++;
    if (count === 0) return;
    this.#pieces.splice(0, count);
    this.#next -= count;
  }

  #makeRoom(): void {
    const room = this.#room;
    this.#room = undefined;
    room?.();
  }
}

/** How many samples per channel of a piece lie before a moment. */
function framesUntil({ chunk, fromUs }: Piece, us: number): number {
  return Math.round(((us - fromUs) * chunk.sampleRate) / 1_000_000);
}

/** The rest of a piece without its first samples. */
function after({ chunk, fromUs }: Piece, frames: number): Piece {
  const { data, sampleRate, numberOfChannels, timestamp } = chunk;
  const passedUs = (frames * 1_000_000) / sampleRate;
  return {
    chunk: audioData(
      data.subarray(frames * numberOfChannels),
      sampleRate,
      numberOfChannels,
      Math.round(timestamp + passedUs),
    ),
    fromUs: fromUs + passedUs,
  };
}
