import type { AudioData } from '../../media/audio-data.js';
import { concatSamples } from '../../media/pcm.js';
import type { AudioExpectation } from '../expectation-schema.js';
import type { Judge, Shortfall } from './judgement.js';
import { JUDGED_RATE, SoundBlocks } from './sound-blocks.js';

/** 8 kHz are enough to know sound by. */
const FACTOR = 6;
const RATE = JUDGED_RATE / FACTOR;

/** Judges whether a stretch of mono sound at JUDGED_RATE is that of a file, whose sound is given likewise. */
export class LikenessJudge implements Judge<AudioData> {
  readonly #expected: AudioExpectation;
  readonly #reference: Int16Array;
  readonly #blocks: SoundBlocks;
  readonly #heard: Int16Array[] = [];

  constructor(expected: AudioExpectation, reference: Int16Array) {
    this.#expected = expected;
    this.#reference = decimate(reference);
    const startMs = expected.startMs ?? expected.fromMs;
    const fromMs = Math.max(expected.fromMs, startMs);
    const toMs = Math.min(expected.toMs ?? Infinity, startMs + (this.#reference.length * 1000) / RATE);
    this.#blocks = new SoundBlocks({ fromMs, toMs }, (samples) => {
      this.#heard.push(decimate(samples));
    });
  }

  take(audio: AudioData): void {
    this.#blocks.take(audio);
  }

  verdict(): Shortfall | undefined {
    this.#blocks.finish();
    const { like = '', fromMs, startMs = fromMs, withinMs, correlation } = this.#expected;
    const heard = concatSamples(this.#heard);
    const within = Math.round((withinMs * RATE) / 1000);
    // Where in the file the stretch begins, if it is on time.
    const offset = Math.round((Math.max(0, fromMs - startMs) * RATE) / 1000);
    let best = { lag: 0, alike: 0 };
    for (let lag = -within; lag <= within; lag++) {
      const alike = correlate(heard, this.#reference, offset - lag);
      if (alike > best.alike) best = { lag, alike };
    }
    if (best.alike >= correlation) return undefined;
    return {
      found: `a correlation of ${best.alike.toFixed(2)}, ${Math.round((best.lag * 1000) / RATE)} ms late at best`,
      expected: `at least ${correlation} with ${like}, at most ${withinMs} ms early or late`,
    };
  }
}

/** How much `heard` is like what begins at `offset` of the reference, whatever the level: 1 for the same. */
function correlate(heard: Int16Array, reference: Int16Array, offset: number): number {
  let product = 0;
  let heardPower = 0;
  let referencePower = 0;
  const start = Math.max(0, -offset);
  const end = Math.min(heard.length, reference.length - offset);
  for (let i = start; i < end; i++) {
    const a = heard[i]!;
    const b = reference[i + offset]!;
    product += a * b;
    heardPower += a * a;
    referencePower += b * b;
  }
  const power = Math.sqrt(heardPower * referencePower);
  return power === 0 ? 0 : product / power;
}

/** Every sixth sample, each the mean of six. */
function decimate(samples: Int16Array): Int16Array {
  const out = new Int16Array(Math.floor(samples.length / FACTOR));
  for (let i = 0; i < out.length; i++) {
    let sum = 0;
    for (let j = 0; j < FACTOR; j++) sum += samples[i * FACTOR + j]!;
    out[i] = Math.round(sum / FACTOR);
  }
  return out;
}
