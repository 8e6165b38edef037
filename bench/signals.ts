import { toneAmplitude } from '../test/codecs/tones.js';
import { SAMPLE_RATE, type VideoSize } from './client.js';

/** Level above which a sample belongs to a click; the noise between clicks is far below. */
const CLICK_LEVEL = 6000;
const CLICK_SAMPLES = SAMPLE_RATE / 100;
/** No two clicks are closer. */
const REFRACTORY_SAMPLES = SAMPLE_RATE / 10;
const NOISE_LEVEL = 60;

/** Soft noise, with a click of 10 ms at its beginning if `click`. */
export function clickFrame(samples: number, click: boolean): Int16Array {
  const frame = new Int16Array(samples);
  for (let i = 0; i < samples; i++) {
    const tone = click && i < CLICK_SAMPLES ? 20_000 * Math.sin((2 * Math.PI * 1500 * i) / SAMPLE_RATE) : 0;
    frame[i] = tone + (Math.random() * 2 - 1) * NOISE_LEVEL;
  }
  return frame;
}

/** Finds the beginnings of clicks in chunks of samples. */
export class ClickFinder {
  #sinceLoud = Infinity;

  /** Whether a click begins in this chunk. */
  begins(samples: Int16Array): boolean {
    let found = false;
    for (const sample of samples) {
      if (Math.abs(sample) > CLICK_LEVEL) {
        if (this.#sinceLoud > REFRACTORY_SAMPLES) found = true;
        this.#sinceLoud = 0;
      } else this.#sinceLoud++;
    }
    return found;
  }
}

/** Something like a voice, without a pause that a codec could save on: harmonics of 140 Hz in syllables, and noise. */
export function voice(seconds: number): Int16Array {
  const samples = new Int16Array(seconds * SAMPLE_RATE);
  for (let i = 0; i < samples.length; i++) {
    const time = i / SAMPLE_RATE;
    let sum = 0;
    for (let harmonic = 1; harmonic <= 12; harmonic++) sum += Math.sin(2 * Math.PI * 140 * harmonic * time) / harmonic;
    const syllable = 0.35 + 0.65 * Math.abs(Math.sin(2 * Math.PI * 2 * time));
    samples[i] = 5000 * syllable * sum + (Math.random() * 2 - 1) * 300;
  }
  return samples;
}

const TONE_LEVEL = 700;
const FRAMES_PER_TONE = 5;

/** 100 ms of a tone in frames of 20 ms; without an end when they are repeated. `hz`: a multiple of 10. */
export function toneFrames(hz: number, level = TONE_LEVEL): Int16Array[] {
  const length = SAMPLE_RATE / 50;
  return Array.from({ length: FRAMES_PER_TONE }, (_, frame) =>
    Int16Array.from({ length }, (_, i) => level * Math.sin((2 * Math.PI * hz * (frame * length + i)) / SAMPLE_RATE)),
  );
}

/** The levels of tones in one piece of `window` samples after the other: of each tone, of all pieces. */
export function toneLevels(samples: Int16Array, frequencies: readonly number[], window: number): number[][] {
  return frequencies.map((hz) => {
    const levels: number[] = [];
    for (let at = 0; at + window <= samples.length; at += window)
      levels.push(toneAmplitude(samples.subarray(at, at + window), hz, SAMPLE_RATE));
    return levels;
  });
}

/** A VP8 frame by its header (RFC 6386, 9.1) and nothing after it, which ends with the time `atMs`. */
export function stampedPicture({ width, height }: VideoSize, bytes: number, key: boolean, atMs: number): Uint8Array {
  const picture = new Uint8Array(bytes);
  const view = new DataView(picture.buffer);
  // Shown, version 0; the lowest bit says that it is no key frame.
  picture[0] = key ? 0x10 : 0x11;
  if (key) {
    picture.set([0x9d, 0x01, 0x2a], 3);
    view.setUint16(6, width, true);
    view.setUint16(8, height, true);
  }
  view.setFloat64(bytes - 8, atMs);
  return picture;
}

/** The time in a picture of `stampedPicture`. */
export function stampOf(picture: Uint8Array): number {
  return new DataView(picture.buffer, picture.byteOffset, picture.length).getFloat64(picture.length - 8);
}
