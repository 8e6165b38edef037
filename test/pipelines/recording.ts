import { join } from 'node:path';
import { readPattern } from '../../src/media/pattern.js';
import { readAudio, readVideo } from '../nodes/media-lab.js';
import { align, decimate } from '../support/signal.js';
import { shippedPipelines } from './process-lab.js';

/** 8 kHz is enough to find speech. */
const FACTOR = 6;
const SAMPLES_PER_MS = 8;

/** How the shipped speech clip is found in a recording. */
export interface FoundSpeech {
  /** Normalised cross-correlation over what overlaps. */
  readonly peak: number;
  /** Where the beginning of the clip lies in the recording, in ms; negative when the recording began later. */
  readonly startMs: number;
  /** How much of the clip is there, in ms. */
  readonly lengthMs: number;
  /** Where the audio of the recording begins, in ms. */
  readonly audioStartMs: number;
}

export async function findSpeech(path: string): Promise<FoundSpeech> {
  const clip = await readAudio(join(shippedPipelines(), 'media', 'speech.ogg'));
  const heard = await readAudio(path);
  const { lag, peak, overlap } = align(decimate(clip.samples, FACTOR), decimate(heard.samples, FACTOR), 0.2);
  const audioStartMs = heard.startUs / 1000;
  return { peak, startMs: audioStartMs + lag / SAMPLES_PER_MS, lengthMs: overlap / SAMPLES_PER_MS, audioStartMs };
}

/** A picture of a recording: when it is shown, and its number; undefined where it carries none. */
export interface SeenPicture {
  readonly atMs: number;
  readonly number: number | undefined;
}

export async function findPictures(path: string): Promise<SeenPicture[]> {
  return (await readVideo(path)).map((frame) => ({ atMs: frame.timestamp / 1000, number: readPattern(frame) }));
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;
}
