import type { Clock, ClockTimer } from '../media/clock.js';

/** Packets, counted since the beginning. */
export interface MediaCounts {
  /** On the transport that this side publishes on. */
  readonly sent: number;
  /** What came back on it: reports and feedback. */
  readonly answered: number;
  /** On the transport that this side receives on. */
  readonly received: number;
}

export interface MediaWatchOptions {
  readonly clock: Clock;
  readonly counts: () => MediaCounts;
  /** Media came and comes no more, which may have many reasons. Told again at each beat while that lasts. */
  readonly onSilent: () => void;
  /** What is sent is answered no more: the path, or the server at its end, is gone. */
  readonly onUnanswered: () => void;
}

const BEAT_MS = 500;
/** Media that came within so long flows, in µs. */
const FLOWING_US = 1_200_000;
/** Without a packet for so long there is a doubt, in µs. */
const SILENT_US = 2_000_000;
/** Servers tell about what they get at least once a second. In µs. */
const UNANSWERED_US = 2_500_000;

/**
 * Watches with a look now and then whether media comes from a server: the native library tells of a dead peer after half a minute only.
 * A participant that neither sends nor receives anything is not watched.
 */
export class MediaWatch {
  readonly #options: MediaWatchOptions;
  #counts: MediaCounts = { sent: 0, answered: 0, received: 0 };
  /** When something came last; undefined before that. */
  #heardUs: number | undefined;
  /** Since when what is sent has found no answer; undefined while it does, or nothing is sent. */
  #unansweredUs: number | undefined;
  #timer: ClockTimer | undefined;
  readonly #beat = (): void => {
    this.#timer = this.#options.clock.after(BEAT_MS, this.#beat);
    this.#look();
  };

  constructor(options: MediaWatchOptions) {
    this.#options = options;
    this.#timer = options.clock.after(BEAT_MS, this.#beat);
  }

  /** Media came a moment ago. */
  get flows(): boolean {
    const { clock, counts } = this.#options;
    const now = counts();
    if (now.answered > this.#counts.answered || now.received > this.#counts.received) return true;
    return this.#heardUs !== undefined && clock.nowUs() - this.#heardUs < FLOWING_US;
  }

  close(): void {
    this.#timer?.cancel();
  }

  #look(): void {
    const { clock, counts, onUnanswered, onSilent } = this.#options;
    const nowUs = clock.nowUs();
    const before = this.#counts;
    const now = (this.#counts = counts());
    const answered = now.answered > before.answered;
    if (answered || now.received > before.received) this.#heardUs = nowUs;
    // A server that never answers is not dead for that.
    if (answered || now.answered === 0 || now.sent <= before.sent) this.#unansweredUs = undefined;
    else this.#unansweredUs ??= nowUs;
    if (this.#unansweredUs !== undefined && nowUs - this.#unansweredUs > UNANSWERED_US) onUnanswered();
    else if (this.#heardUs !== undefined && nowUs - this.#heardUs > SILENT_US) onSilent();
  }
}
