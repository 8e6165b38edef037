import type { OpusDecoder } from '../../codecs/opus.js';
import { createResampler, type Resampler } from '../../codecs/resampler.js';
import { convertChannels } from '../../media/pcm.js';
import type { AudioFormat } from '../port.js';
import type { AudioConsumer, AudioFlow } from './audio-consumer.js';
import { PERIOD_US } from './send-beat.js';
import { DriftCompensator } from './drift-compensator.js';
import { type Splice, TimeStretch } from './time-stretch.js';
import { TrackDecoder } from './track-decoder.js';

const CLOCK_RATE = 48_000;
/** Opus conceals in steps of 2.5 ms. */
const CONCEALED_STEP = 120;
const FULL_SCALE = 32_768;
const OPUS_RATES: readonly number[] = [8000, 12000, 16000, 24000, 48000];
/** The longest packet, stretched, plus a period that waits. In seconds. */
const FIFO_SECONDS = 0.18;
/** Silence put in front of what is resampled, so that what a resampler holds back at its start makes no period short. */
const PRIME_MS = 2;
/** Sound that begins after a silence made here comes in over so long. */
const FADE_IN_MS = 5;
/** How much the rate is changed for each sample (at 48 kHz) that one decoding of a track has got away from the first. */
const PPM_PER_SAMPLE = 0.2;
/** Beyond this the time stamps jump to where the packets are, in µs. */
const MAX_TIMESTAMP_ERROR_US = 60_000;
/** Time stamps never go back: when they are that much ahead, each period is said to be so much shorter until they are right. */
const SLOWER_US = 1000;
/** Time stamps further from where they belong come nearer by so much with each packet: nobody sees less, or the change. In µs. */
const UNSEEN_US = 5000;
const CLOSER_US = 80;

/** How a packet's sound is to be made longer or shorter: the first of a track's decodings chooses where, the others follow. */
export interface StretchPlan {
  readonly longer: boolean;
  /** By how much at most, in ms. */
  readonly mostMs: number;
  /** How alike both sides of the splice must be, -1 to 1. */
  readonly minLikeness: number;
  splice: Splice | undefined;
  /** Hz of the decoding that chose. */
  rate: number;
}

/** Decodes one track into one format, for all who want it so, and cuts it into periods of 20 ms for those who want these. */
export class AudioDecoding {
  readonly consumers = new Set<AudioConsumer>();
  readonly flows = new Set<AudioFlow>();
  /** Hz, of the decoder; the format's where Opus has it. */
  readonly sampleRate: number;
  /** Mean square of what was played last, full scale being 1. */
  meanSquare = 0;
  readonly #format: AudioFormat;
  readonly #onError: (error: unknown) => void;
  readonly #fifo: Int16Array;
  readonly #periodLength: number;
  readonly #decoder: TrackDecoder;
  #stretch: TimeStretch;
  #drift: DriftCompensator;
  /** Of what is decoded, until it is given out. */
  #channels = 1;
  #held = 0;
  /** A period that came whole while nothing else was held. */
  #whole: Int16Array | undefined;
  /** From the decoder's rate to one that Opus does not have. */
  #resampler: Resampler | undefined;
  #closed = false;
  /** Silence was made here, and what is heard next does not follow on it. */
  #faded = true;
  /** Samples (at 48 kHz) that this decoding has given more than the first of the track. */
  #ahead = 0;
  #nextTimestampUs: number | undefined;
  /** Time stamps were ahead by too much, and are not right yet. */
  #isAhead = false;

  constructor(format: AudioFormat, onError: (error: unknown) => void) {
    this.#format = format;
    this.#onError = onError;
    this.sampleRate = OPUS_RATES.includes(format.sampleRate) ? format.sampleRate : CLOCK_RATE;
    const { numberOfChannels } = format;
    this.#periodLength = (format.sampleRate / 50) * numberOfChannels;
    this.#fifo = new Int16Array(Math.ceil(format.sampleRate * FIFO_SECONDS) * numberOfChannels);
    this.#decoder = new TrackDecoder(this.sampleRate, numberOfChannels, onError);
    this.#stretch = new TimeStretch(this.sampleRate, 1);
    this.#drift = new DriftCompensator(this.sampleRate, 1, onError);
    if (this.#resamples) this.#openResampler().catch(onError);
  }

  get isUsed(): boolean {
    return this.consumers.size + this.flows.size > 0;
  }

  /** Nothing is being opened that the sound needs. */
  get isOpen(): boolean {
    return this.#decoder.isOpen && this.#drift.isOpen && (!this.#resamples || this.#resampler !== undefined);
  }

  /**
   * Decodes a packet, stretches it by the plan and resamples it for a source that is `ppm` parts per million fast. Returns how many
   * samples (at 48 kHz) came of it; so do `conceal` and `pause`.
   */
  decode(packet: Uint8Array, samples48: number, plan: StretchPlan | undefined, ppm: number): number {
    const decoder = this.#decoderFor(packet);
    if (!decoder) return this.#silence(samples48, ppm);
    try {
      return this.#play(decoder.decode(packet), plan, ppm);
    } catch (error) {
      this.#onError(error);
      return this.conceal(undefined, samples48, ppm);
    }
  }

  /** Stands in for a lost packet, from the copy of it in the one after it where that is given. */
  conceal(next: Uint8Array | undefined, samples48: number, ppm: number): number {
    const decoder = this.#decoderFor(next);
    if (!decoder) return this.#silence(samples48, ppm);
    try {
      return this.#play(this.#makeUp(decoder, next, samples48), undefined, ppm);
    } catch (error) {
      this.#onError(error);
      return this.#silence(samples48, ppm);
    }
  }

  /** Goes on without packets: comfort noise in a pause that the source announced, else what was heard fades away. */
  pause(samples48: number, announced: boolean, ppm: number): number {
    const decoder = this.#decoderFor(undefined);
    if (!decoder || (this.#faded && !announced)) return this.#silence(samples48, ppm);
    const samples = this.#makeUp(decoder, undefined, samples48);
    if (!announced) {
      for (let i = 0; i < samples.length; i++) samples[i] = samples[i]! * (1 - i / samples.length);
      this.#faded = true;
    }
    this.#note(samples);
    return this.#push(samples, ppm);
  }

  /** Tells one that is not the first how much it gave, and how much the first. */
  follow(samples48: number, first48: number): void {
    this.#ahead += samples48 - first48;
  }

  /** Gives every whole period to every consumer. */
  deliver(): void {
    const whole = this.#whole;
    this.#whole = undefined;
    if (whole) this.#give(whole);
    if (this.consumers.size === 0) this.#held = 0;
    let at = 0;
    for (; this.#held - at >= this.#periodLength; at += this.#periodLength)
      this.#give(this.#fifo.slice(at, at + this.#periodLength));
    if (at === 0) return;
    this.#fifo.copyWithin(0, at, this.#held);
    this.#held -= at;
  }

  /** Keeps the time stamps that are given out on those of the packets: what is played next is of `timestampUs`. */
  align(timestampUs: number): void {
    const heldPeriods = this.#held / this.#periodLength + (this.#whole ? 1 : 0);
    const wantedUs = timestampUs - heldPeriods * PERIOD_US;
    const nextUs = this.#nextTimestampUs;
    if (nextUs === undefined || wantedUs - nextUs > MAX_TIMESTAMP_ERROR_US) this.#nextTimestampUs = wantedUs;
    else if (Math.abs(wantedUs - nextUs) <= UNSEEN_US) this.#isAhead = false;
    else {
      this.#isAhead ||= nextUs - wantedUs > MAX_TIMESTAMP_ERROR_US;
      this.#nextTimestampUs = nextUs + (this.#isAhead ? -SLOWER_US : Math.sign(wantedUs - nextUs) * CLOSER_US);
    }
  }

  close(): void {
    this.#closed = true;
    this.#decoder.close();
    this.#resampler?.close();
    this.#drift.close();
    this.#resampler = undefined;
  }

  get #resamples(): boolean {
    return this.sampleRate !== this.#format.sampleRate;
  }

  async #openResampler(): Promise<void> {
    const { sampleRate, numberOfChannels } = this.#format;
    const from = { sampleRate: this.sampleRate, numberOfChannels };
    this.#resampler = await createResampler({ from, to: this.#format });
    if (this.#closed) this.close();
    else this.#take(new Int16Array(((sampleRate * PRIME_MS) / 1000) * numberOfChannels));
  }

  /** The decoder for a packet, or for what is made up; undefined while not all is open. */
  #decoderFor(packet: Uint8Array | undefined): OpusDecoder | undefined {
    const decoder = this.#decoder.for(packet);
    if (!decoder || (this.#resamples && !this.#resampler)) return undefined;
    const { numberOfChannels } = this.#decoder;
    if (numberOfChannels !== this.#channels) {
      this.#channels = numberOfChannels;
      this.#stretch = new TimeStretch(this.sampleRate, numberOfChannels);
      this.#drift.close();
      this.#drift = new DriftCompensator(this.sampleRate, numberOfChannels, this.#onError);
    }
    return decoder;
  }

  #play(samples: Int16Array, plan: StretchPlan | undefined, ppm: number): number {
    if (this.#faded) this.#fadeIn(samples);
    this.#note(samples);
    return this.#push(plan ? this.#stretched(samples, plan) : samples, ppm);
  }

  #stretched(samples: Int16Array, plan: StretchPlan): Int16Array {
    const splice = plan.splice
      ? this.#stretch.moved(plan.splice, plan.rate, this.#frames(this.#lagToFollow(plan, plan.splice)), samples)
      : this.#choose(samples, plan);
    if (!splice) return samples;
    return plan.longer ? this.#stretch.lengthen(samples, splice) : this.#stretch.shorten(samples, splice);
  }

  #choose(samples: Int16Array, plan: StretchPlan): Splice | undefined {
    const splice = this.#stretch.find(samples, plan.mostMs, this.meanSquare * FULL_SCALE ** 2);
    if (!splice || splice.likeness < plan.minLikeness) return undefined;
    plan.splice = splice;
    plan.rate = this.sampleRate;
    return splice;
  }

  /** The span of the first's splice at 48 kHz, and what rounding left over before: no more, since it would be no period any more. */
  #lagToFollow(plan: StretchPlan, splice: Splice): number {
    const sample = CLOCK_RATE / this.sampleRate;
    const left = Math.max(-sample, Math.min(sample, this.#ahead));
    const lag = (splice.lag * CLOCK_RATE) / plan.rate;
    return plan.longer ? lag - left : lag + left;
  }

  #fadeIn(samples: Int16Array): void {
    this.#faded = false;
    const length = Math.min(samples.length, ((this.sampleRate * FADE_IN_MS) / 1000) * this.#channels);
    for (let i = 0; i < length; i++) samples[i] = (samples[i]! * i) / length;
  }

  #note(samples: Int16Array): void {
    let sum = 0;
    for (let i = 0; i < samples.length; i++) sum += samples[i]! * samples[i]!;
    this.meanSquare = sum / Math.max(1, samples.length) / FULL_SCALE ** 2;
    this.#stretch.hear(sum / Math.max(1, samples.length));
  }

  /** What a decoder makes up comes in steps: of the last one a part may do, since servers write time stamps of their own. */
  #makeUp(decoder: OpusDecoder, next: Uint8Array | undefined, samples48: number): Int16Array {
    const frames = this.#frames(Math.ceil(samples48 / CONCEALED_STEP) * CONCEALED_STEP);
    const samples = next ? decoder.decodeFec(next, frames) : decoder.conceal(frames);
    return samples.subarray(0, this.#frames(samples48) * this.#channels);
  }

  #silence(samples48: number, ppm: number): number {
    this.meanSquare = 0;
    this.#faded = true;
    if (!this.#resamples || this.#resampler)
      return this.#push(new Int16Array(this.#frames(samples48) * this.#channels), ppm);
    const { sampleRate, numberOfChannels } = this.#format;
    this.#take(new Int16Array(Math.round((samples48 * sampleRate) / CLOCK_RATE) * numberOfChannels));
    return samples48;
  }

  /** Resamples for the drift, and gives on in the format asked for. Returns how many samples at 48 kHz it came to. */
  #push(samples: Int16Array, ppm: number): number {
    const even = this.#drift.process(samples, ppm === 0 ? 0 : ppm + this.#ahead * PPM_PER_SAMPLE);
    const wide = convertChannels(even, this.#channels, this.#format.numberOfChannels);
    this.#take(this.#resampler ? this.#resampler.process(wide) : wide);
    return (even.length * CLOCK_RATE) / (this.sampleRate * this.#channels);
  }

  #take(samples: Int16Array): void {
    for (const consumer of this.flows) consumer.flow(samples);
    if (this.consumers.size === 0) return;
    if (this.#held === 0 && !this.#whole && samples.length === this.#periodLength) {
      this.#whole = samples;
      return;
    }
    if (this.#whole) this.deliver();
    const length = Math.min(samples.length, this.#fifo.length - this.#held);
    this.#fifo.set(samples.length === length ? samples : samples.subarray(0, length), this.#held);
    this.#held += length;
  }

  #give(period: Int16Array): void {
    const timestampUs = this.#nextTimestampUs ?? 0;
    this.#nextTimestampUs = timestampUs + PERIOD_US;
    for (const consumer of this.consumers) consumer.audio(period, timestampUs);
  }

  #frames(samples48: number): number {
    return Math.round((samples48 * this.sampleRate) / CLOCK_RATE);
  }
}
