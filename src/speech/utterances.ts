import { audioDurationUs, type AudioData } from '../media/audio-data.js';
import type { Passing } from '../media/passing.js';
import { concatSamples } from '../media/pcm.js';
import type { VoiceActivity } from '../media/voice-activity.js';
import { wavHeader } from '../media/wav-header.js';

/** Sound in which somebody says something. */
export interface Utterance {
  /** In one piece, interleaved. */
  readonly samples: Int16Array;
  readonly sampleRate: number;
  readonly numberOfChannels: number;
  /** On the media clock of the sound, in µs. */
  readonly startUs: number;
  readonly endUs: number;
  /** When its end passed the stages before, in their order; where they tell. */
  readonly passed?: readonly Passing[];
}

/** An utterance as a WAV file. Pure. */
export function utteranceWav({ samples, sampleRate, numberOfChannels }: Utterance): Buffer<ArrayBuffer> {
  return Buffer.concat([
    wavHeader(sampleRate, numberOfChannels, samples.byteLength),
    new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength),
  ]);
}

export interface UtteranceOptions {
  /** Sound before speech was found and after it ended that goes with it, in ms. */
  readonly leadMs: number;
  /** What is longer is given in parts, in ms. */
  readonly maxMs: number;
  readonly onUtterance: (utterance: Utterance) => void;
}

/** Voice activity is known so much later than the sound, at most: as much sound is kept while nobody speaks. In µs. */
const KEPT_US = 3_000_000;

interface Span {
  startUs: number;
  endUs: number;
  passed?: readonly Passing[] | undefined;
}

/**
 * Cuts a stream of sound into utterances by the voice activity that was found in it; either may be ahead of the other. Without
 * `activity` ever being told of, all sound up to `end` is one utterance. Pure.
 */
export class UtteranceCollector {
  readonly #options: UtteranceOptions;
  readonly #chunks: AudioData[] = [];
  /** Those whose sound has not all come, oldest first; the last may have no end yet. */
  #spans: Span[] = [];
  #newestUs = 0;
  #segmented = false;

  constructor(options: UtteranceOptions) {
    this.#options = options;
  }

  /** There will be voice activity: what is not speech is not taken. */
  segment(): void {
    this.#segmented = true;
  }

  audio(chunk: AudioData): void {
    if (this.#chunks.length === 0 && !this.#segmented) this.#spans = [{ startUs: chunk.timestamp, endUs: Infinity }];
    this.#chunks.push(chunk);
    this.#newestUs = chunk.timestamp + audioDurationUs(chunk);
    this.#settle();
  }

  activity({ isSpeaking, timestamp, passed }: VoiceActivity): void {
    const leadUs = this.#options.leadMs * 1000;
    const last = this.#spans.at(-1);
    if (isSpeaking) {
      if (!last || last.endUs < Infinity) this.#spans.push({ startUs: timestamp - leadUs, endUs: Infinity });
    } else if (last?.endUs === Infinity) {
      last.endUs = timestamp + leadUs;
      last.passed = passed;
    }
    this.#settle();
  }

  /** No more sound comes: what was being said ends with it. */
  end(): void {
    for (const span of this.#spans) span.endUs = Math.min(span.endUs, this.#newestUs);
    this.#settle();
    this.#chunks.length = 0;
  }

  #settle(): void {
    for (let span = this.#spans[0]; span; span = this.#spans[0]) {
      const mostUs = this.#options.maxMs * 1000;
      if (span.endUs <= this.#newestUs) {
        this.#spans.shift();
        this.#give(span);
      } else if (this.#newestUs - span.startUs >= mostUs) {
        const endUs = span.startUs + mostUs;
        this.#give({ startUs: span.startUs, endUs });
        span.startUs = endUs;
      } else break;
    }
    const keepFromUs = Math.min(this.#spans[0]?.startUs ?? Infinity, this.#newestUs - KEPT_US);
    while (this.#chunks[0] && this.#chunks[0].timestamp + audioDurationUs(this.#chunks[0]) <= keepFromUs)
      this.#chunks.shift();
  }

  #give({ startUs, endUs, passed }: Span): void {
    const parts: Int16Array[] = [];
    let format: AudioData | undefined;
    let beginsUs = startUs;
    for (const chunk of this.#chunks) {
      const part = partOf(chunk, startUs, endUs);
      // A sender that changes its format in the middle of a word is heard from there on.
      if (part.length > 0 && format && !isAlike(format, chunk)) parts.length = 0;
      if (part.length > 0) {
        if (parts.length === 0) beginsUs = Math.max(startUs, chunk.timestamp);
        parts.push(part);
        format = chunk;
      }
    }
    if (!format) return;
    const samples = concatSamples(parts);
    const { sampleRate, numberOfChannels } = format;
    this.#options.onUtterance({
      samples,
      sampleRate,
      numberOfChannels,
      startUs: beginsUs,
      endUs,
      ...(passed && { passed }),
    });
  }
}

function partOf(chunk: AudioData, startUs: number, endUs: number): Int16Array {
  const { data, sampleRate, numberOfChannels, numberOfFrames, timestamp } = chunk;
  const frameAt = (us: number): number =>
    Math.max(0, Math.min(numberOfFrames, Math.round(((us - timestamp) * sampleRate) / 1_000_000)));
  return data.subarray(frameAt(startUs) * numberOfChannels, frameAt(endUs) * numberOfChannels);
}

function isAlike(one: AudioData, other: AudioData): boolean {
  return one.sampleRate === other.sampleRate && one.numberOfChannels === other.numberOfChannels;
}
