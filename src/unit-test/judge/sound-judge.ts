import type { AudioData } from '../../media/audio-data.js';
import { SILENCE_DBFS, levelDbfs } from '../../media/pcm.js';
import type { AudioExpectation } from '../expectation-schema.js';
import type { Judge, Shortfall } from './judgement.js';
import { JUDGED_RATE, SoundBlocks } from './sound-blocks.js';

const FULL_SCALE = 32_768;
/** A tone below this is not heard, in dBFS. */
const TONE_DBFS = -50;
/** The part of the power that the tones must hold together. */
const PURITY = 0.8;
/** The part of the time in which they must be heard. */
const PRESENCE = 0.95;
const SILENCE_LEVEL_DBFS = -60;
/** What is left of 16 bits below this is rounding. */
const INAUDIBLE_DBFS = -90;

/** Judges a stretch of mono sound at JUDGED_RATE: tones, silence, or its level. */
export function soundJudge(expected: AudioExpectation): Judge<AudioData> {
  if (expected.tone !== undefined) return new ToneJudge(expected);
  return expected.silence === true ? new SilenceJudge(expected) : new LevelJudge(expected);
}

abstract class BlockJudge implements Judge<AudioData> {
  protected readonly expected: AudioExpectation;
  readonly #blocks: SoundBlocks;

  constructor(expected: AudioExpectation) {
    this.expected = expected;
    this.#blocks = new SoundBlocks(expected, (samples) => {
      this.takeBlock(samples);
    });
  }

  take(audio: AudioData): void {
    this.#blocks.take(audio);
  }

  verdict(): Shortfall | undefined {
    this.#blocks.finish();
    return this.judge();
  }

  protected abstract takeBlock(samples: Int16Array): void;
  protected abstract judge(): Shortfall | undefined;
}

class ToneJudge extends BlockJudge {
  readonly #tones: { readonly frequency: number; power: number }[];
  #blocks = 0;
  #good = 0;
  #power = 0;

  constructor(expected: AudioExpectation) {
    super(expected);
    const { tone = [] } = expected;
    this.#tones = [tone].flat().map((frequency) => ({ frequency, power: 0 }));
  }

  protected takeBlock(samples: Int16Array): void {
    this.#blocks++;
    const power = powerOf(samples);
    let inTones = 0;
    let isHeard = true;
    for (const tone of this.#tones) {
      const amplitude = toneAmplitude(samples, tone.frequency);
      tone.power += amplitude ** 2 / 2;
      inTones += amplitude ** 2 / 2;
      if (dbfs(amplitude) < TONE_DBFS) isHeard = false;
    }
    this.#power += power;
    if (isHeard && inTones >= PURITY * power) this.#good++;
  }

  protected judge(): Shortfall | undefined {
    const { level, toleranceDb } = this.expected;
    const peaks = this.#tones.map(({ power }) => dbfs(Math.sqrt((2 * power) / Math.max(1, this.#blocks))));
    const isThere = this.#blocks > 0 && this.#good >= PRESENCE * this.#blocks;
    const fits = level === undefined || peaks.every((peak) => Math.abs(peak - level) <= toleranceDb);
    if (isThere && fits) return undefined;
    const tones = this.#tones
      .map(({ frequency }, i) => `${frequency} Hz at ${shown(peaks[i] ?? SILENCE_DBFS)}`)
      .join(', ');
    const rest = this.#power - this.#tones.reduce((sum, { power }) => sum + power, 0);
    const other = shown(dbfs(Math.sqrt(Math.max(0, rest) / Math.max(1, this.#blocks))));
    return {
      found: `${tones}, heard in ${this.#good} of ${this.#blocks} tenths of a second; everything else at ${other}`,
      expected: `${this.#tones.map(({ frequency }) => `${frequency} Hz`).join(' and ')}${level === undefined ? '' : ` at ${level} dBFS, give or take ${toleranceDb} dB`}, throughout`,
    };
  }
}

class SilenceJudge extends BlockJudge {
  #blocks = 0;
  #loudest = SILENCE_DBFS;
  #loudestMs = 0;

  protected takeBlock(samples: Int16Array): void {
    const level = levelDbfs(samples);
    if (level > this.#loudest) {
      this.#loudest = level;
      this.#loudestMs = this.expected.fromMs + this.#blocks * 100;
    }
    this.#blocks++;
  }

  protected judge(): Shortfall | undefined {
    const { level = SILENCE_LEVEL_DBFS } = this.expected;
    if (this.#loudest <= level) return undefined;
    return { found: `${shown(this.#loudest)} at ${this.#loudestMs} ms`, expected: `silence: at most ${level} dBFS` };
  }
}

class LevelJudge extends BlockJudge {
  #blocks = 0;
  #power = 0;

  protected takeBlock(samples: Int16Array): void {
    this.#blocks++;
    this.#power += powerOf(samples);
  }

  protected judge(): Shortfall | undefined {
    const { level = 0, toleranceDb } = this.expected;
    const found = dbfs(Math.sqrt(this.#power / Math.max(1, this.#blocks)));
    if (Math.abs(found - level) <= toleranceDb) return undefined;
    return { field: 'level', found: shown(found), expected: `${level} dBFS, give or take ${toleranceDb} dB` };
  }
}

function powerOf(samples: Int16Array): number {
  let sum = 0;
  for (let i = 0; i < samples.length; i++) sum += samples[i]! ** 2;
  return sum / Math.max(1, samples.length);
}

/** Amplitude of one frequency (Goertzel's algorithm). */
function toneAmplitude(samples: Int16Array, frequency: number): number {
  const coefficient = 2 * Math.cos((2 * Math.PI * frequency) / JUDGED_RATE);
  let s1 = 0;
  let s2 = 0;
  for (let i = 0; i < samples.length; i++) {
    const s0 = samples[i]! + coefficient * s1 - s2;
    s2 = s1;
    s1 = s0;
  }
  return (2 * Math.sqrt(Math.max(0, s1 * s1 + s2 * s2 - coefficient * s1 * s2))) / Math.max(1, samples.length);
}

function dbfs(amplitude: number): number {
  return amplitude === 0 ? SILENCE_DBFS : Math.max(SILENCE_DBFS, 20 * Math.log10(amplitude / FULL_SCALE));
}

function shown(level: number): string {
  return level <= INAUDIBLE_DBFS ? 'silence' : `${level.toFixed(1)} dBFS`;
}
