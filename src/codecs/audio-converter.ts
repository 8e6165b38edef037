import { type AudioData, audioData } from '../media/audio-data.js';
import { concatSamples, convertChannels, stereoToMono } from '../media/pcm.js';
import { type AudioFormat, type Resampler, createResampler } from './resampler.js';
import { interpolate } from './interpolate.js';

/** Input whose timestamp is further from the samples before it than this leaves a gap in what comes out. In µs. */
const MAX_GAP_US = 20_000;
/** Timestamps are rounded: one that is earlier than the end of what was before by less than this has not gone back. In µs. */
const ROUNDING_US = 1000;
/** So much of both sides is used where the rate changes: a whole number of samples at every rate, and more than a filter looks at. */
const BRIDGE_MS = 10;

/**
 * Brings audio to one format, whatever it comes in and however that changes on the way: where the rate changes, each side is
 * filtered with what comes after, or came before, in the other, so that the sound goes on. Chunks keep about their length;
 * timestamps go on by the samples that came out, gaps stay gaps, and time never goes back.
 */
export class AudioConverter {
  readonly #target: AudioFormat;
  #resampler: Resampler | undefined;
  #inputRate = 0;
  /** What came last, in the channels that come out. */
  #tail: Int16Array = new Int16Array(0);
  /** Memory for that where it has fewer channels than what came, and goes no further than into the resampler. */
  #mono = new Int16Array(0);
  /** Where the run without a gap began, and what has come in and gone out since. */
  #startUs = 0;
  #framesIn = 0;
  #framesOut = 0;
  /** Frames of the next output that are of the time before. */
  #skip = 0;

  constructor(target: AudioFormat) {
    this.#target = target;
  }

  /** What comes out now, in order; a promise where the rate is another than before. Errors: SLUICE_CODEC_UNAVAILABLE. */
  convert(audio: AudioData): readonly AudioData[] | Promise<readonly AudioData[]> {
    if (this.#resampler && audio.sampleRate === this.#inputRate) return this.#convert(this.#resampler, audio);
    return this.#changeRate(audio);
  }

  /** What is still inside. */
  flush(): readonly AudioData[] {
    return this.#resampler ? this.#out(this.#resampler.flush()) : [];
  }

  close(): void {
    this.#resampler?.close();
    this.#resampler = undefined;
  }

  async #changeRate(audio: AudioData): Promise<readonly AudioData[]> {
    const { sampleRate, numberOfChannels } = this.#target;
    const next = await createResampler({
      from: { sampleRate: audio.sampleRate, numberOfChannels },
      to: { sampleRate, numberOfChannels },
    });
    const last = this.#resampler;
    const lastRate = this.#inputRate;
    const isJoined = last !== undefined && !this.#hasGap(audio);
    const after = isJoined ? this.#after(audio) : undefined;
    const before = after && this.#before(after, lastRate, audio.sampleRate);
    const out = last ? this.#finish(last, after) : [];
    last?.close();
    this.#resampler = next;
    this.#inputRate = audio.sampleRate;
    this.#begin(audio.timestamp);
    if (!before) return [...out, ...this.#convert(next, audio)];
    this.#skip = (BRIDGE_MS * sampleRate) / 1000;
    return [...out, ...this.#out(next.process(before)), ...this.#convert(next, audio)];
  }

  /** The beginning of what comes in another rate, in the rate of what was before; undefined where it is too short. */
  #after(audio: AudioData): Int16Array | undefined {
    if (audio.numberOfFrames < (BRIDGE_MS * audio.sampleRate) / 1000) return undefined;
    return interpolate(this.#channelsOf(audio), this.#target.numberOfChannels, {
      step: audio.sampleRate / this.#inputRate,
      frames: (BRIDGE_MS * this.#inputRate) / 1000,
    });
  }

  /** The end of what was before, in the rate of what comes; undefined where it is too short. */
  #before(after: Int16Array, lastRate: number, rate: number): Int16Array | undefined {
    const { numberOfChannels } = this.#target;
    const start = this.#tail.length / numberOfChannels - (BRIDGE_MS * lastRate) / 1000;
    if (start < 0) return undefined;
    return interpolate(concatSamples([this.#tail, after.subarray(0, 2 * numberOfChannels)]), numberOfChannels, {
      start,
      step: lastRate / rate,
      frames: (BRIDGE_MS * rate) / 1000,
    });
  }

  /** The rest of what was before; `after` is what follows it. */
  #finish(last: Resampler, after: Int16Array | undefined): readonly AudioData[] {
    if (!after) return this.#out(last.flush());
    const wanted = Math.round((this.#framesIn * this.#target.sampleRate) / this.#inputRate) - this.#framesOut;
    const all = concatSamples([last.process(after), last.flush()]);
    return this.#out(all.subarray(0, Math.max(0, wanted) * this.#target.numberOfChannels));
  }

  #convert(resampler: Resampler, audio: AudioData): readonly AudioData[] {
    if (this.#isTarget(audio) && this.#skip === 0) return this.#pass(audio);
    const rest = this.#hasGap(audio) ? this.#out(resampler.flush()) : [];
    if (this.#hasGap(audio)) this.#begin(audio.timestamp);
    const data = this.#inputOf(audio);
    this.#tail = data;
    this.#framesIn += audio.numberOfFrames;
    const out = this.#out(resampler.process(data));
    return rest.length === 0 ? out : [...rest, ...out];
  }

  #isTarget({ sampleRate, numberOfChannels }: AudioData): boolean {
    return sampleRate === this.#target.sampleRate && numberOfChannels === this.#target.numberOfChannels;
  }

  /** Hands on what has the format already, with its own time. */
  #pass(audio: AudioData): readonly AudioData[] {
    const nextUs = this.#nextTimestamp();
    this.#tail = audio.data;
    this.#startUs = nextUs - audio.timestamp > ROUNDING_US ? nextUs : audio.timestamp;
    this.#framesIn = this.#framesOut = audio.numberOfFrames;
    return [this.#startUs === audio.timestamp ? audio : { ...audio, timestamp: this.#startUs }];
  }

  #hasGap(audio: AudioData): boolean {
    const expectedUs = this.#startUs + (this.#framesIn * 1_000_000) / this.#inputRate;
    return audio.timestamp - expectedUs > MAX_GAP_US;
  }

  #channelsOf(audio: AudioData): Int16Array {
    return convertChannels(audio.data, audio.numberOfChannels, this.#target.numberOfChannels);
  }

  /** As `#channelsOf`, good until the next call. */
  #inputOf(audio: AudioData): Int16Array {
    const isNarrowed = audio.numberOfChannels > this.#target.numberOfChannels;
    if (!isNarrowed || this.#inputRate === this.#target.sampleRate) return this.#channelsOf(audio);
    if (this.#mono.length !== audio.numberOfFrames) this.#mono = new Int16Array(audio.numberOfFrames);
    return stereoToMono(audio.data, this.#mono);
  }

  #begin(timestampUs: number): void {
    this.#startUs = Math.max(timestampUs, this.#nextTimestamp());
    this.#framesIn = 0;
    this.#framesOut = 0;
  }

  #out(samples: Int16Array): readonly AudioData[] {
    const { sampleRate, numberOfChannels } = this.#target;
    const skipped = Math.min(this.#skip, samples.length / numberOfChannels);
    this.#skip -= skipped;
    const data = skipped === 0 ? samples : samples.slice(skipped * numberOfChannels);
    if (data.length === 0) return [];
    const audio = audioData(data, sampleRate, numberOfChannels, this.#nextTimestamp());
    this.#framesOut += audio.numberOfFrames;
    return [audio];
  }

  #nextTimestamp(): number {
    return this.#startUs + Math.round((this.#framesOut * 1_000_000) / this.#target.sampleRate);
  }
}
