import { createOpusDecoder, createOpusEncoder, type OpusDecoder, type OpusEncoder } from '../../codecs/opus.js';
import { createResampler, type Resampler } from '../../codecs/resampler.js';
import { audioData, type AudioData, type ChannelCount } from '../../media/audio-data.js';
import type { EncodedAudioChunk } from '../../media/encoded-chunk.js';

type AudioValue = AudioData | EncodedAudioChunk;

/** What is wanted of audio: raw in one format, or Opus. */
export type AudioTarget = 'opus' | { readonly sampleRate: number; readonly numberOfChannels: ChannelCount };

export interface AudioConversionOptions {
  readonly target: AudioTarget;
  readonly onValue: (value: AudioValue) => void;
  readonly onError: (error: unknown) => void;
}

const OPUS_RATE = 48_000;
const PERIOD_US = 20_000;
/** Time stamps that are off by more begin a new stretch of sound. */
const GAP_US = 1000;

/** Turns audio of any kind, which may change on the way, into one kind. Values keep their order and their time. */
export class AudioConversion {
  readonly #options: AudioConversionOptions;
  /** What is converted from now, and by what; undefined while values pass as they are. */
  #steps: Steps | undefined;
  #work: Promise<void> | undefined;
  #closed = false;

  constructor(options: AudioConversionOptions) {
    this.#options = options;
  }

  /** Settles when the value is through; undefined where that was at once. */
  push(value: AudioValue): Promise<void> | undefined {
    if (this.#work) return this.#after(() => this.#convert(value));
    const steps = this.#ready(value);
    if (!steps) return this.#after(() => this.#convert(value));
    this.#guard(() => steps.take(value));
    return undefined;
  }

  /** Gives what is still inside. */
  flush(): Promise<void> | undefined {
    if (this.#work) return this.#after(() => Promise.resolve(this.#flushNow()));
    this.#flushNow();
    return undefined;
  }

  close(): void {
    this.#closed = true;
    this.#steps?.close();
  }

  #after(work: () => Promise<void>): Promise<void> {
    const mine = (this.#work ?? Promise.resolve()).then(work).catch(this.#options.onError);
    this.#work = mine;
    void mine.then(() => {
      if (this.#work === mine) this.#work = undefined;
    });
    return mine;
  }

  async #convert(value: AudioValue): Promise<void> {
    let steps = this.#ready(value);
    if (!steps) {
      this.#flushNow();
      this.#steps?.close();
      steps = this.#steps = await openSteps(value, this.#options);
    }
    if (this.#closed) steps.close();
    else steps.take(value);
  }

  #ready(value: AudioValue): Steps | undefined {
    return this.#steps?.source === sourceOf(value) ? this.#steps : undefined;
  }

  #flushNow(): void {
    this.#guard(() => this.#steps?.flush());
  }

  #guard(work: () => void): void {
    if (this.#closed) return;
    try {
      work();
    } catch (error) {
      this.#options.onError(error);
    }
  }
}

/** What tells one format from another. */
function sourceOf(value: AudioValue): string {
  return value.kind === 'audio' ? `${value.sampleRate}/${value.numberOfChannels}` : value.codec;
}

interface Steps {
  readonly source: string;
  take(value: AudioValue): void;
  flush(): void;
  close(): void;
}

async function openSteps(first: AudioValue, { target, onValue }: AudioConversionOptions): Promise<Steps> {
  const source = sourceOf(first);
  if (source === target || (target !== 'opus' && source === `${target.sampleRate}/${target.numberOfChannels}`)) {
    return { source, take: onValue, flush: () => undefined, close: () => undefined };
  }
  const from = first.kind === 'audio' ? first : { sampleRate: OPUS_RATE, numberOfChannels: 2 };
  const to = target === 'opus' ? { sampleRate: OPUS_RATE, numberOfChannels: from.numberOfChannels } : target;
  const decoder =
    first.kind === 'audio' ? undefined : await createOpusDecoder({ sampleRate: OPUS_RATE, numberOfChannels: 2 });
  const resampler = await createResampler({ from, to });
  const numberOfChannels = to.numberOfChannels === 1 ? 1 : 2;
  const encoder =
    target === 'opus'
      ? new Periods(await createOpusEncoder({ sampleRate: OPUS_RATE, numberOfChannels }), numberOfChannels, onValue)
      : undefined;
  return new ConvertingSteps({ source, decoder, resampler, to, encoder, onValue });
}

interface StepOptions {
  readonly source: string;
  readonly decoder: OpusDecoder | undefined;
  readonly resampler: Resampler;
  readonly to: { readonly sampleRate: number; readonly numberOfChannels: number };
  readonly encoder: Periods | undefined;
  readonly onValue: (value: AudioValue) => void;
}

class ConvertingSteps implements Steps {
  readonly source: string;
  readonly #options: StepOptions;
  #endUs = 0;

  constructor(options: StepOptions) {
    this.source = options.source;
    this.#options = options;
  }

  take(value: AudioValue): void {
    const { decoder, resampler } = this.#options;
    const samples = value.kind === 'audio' ? value.data : (decoder?.decode(value.data) ?? new Int16Array(0));
    this.#give(resampler.process(samples), value.timestamp);
  }

  flush(): void {
    this.#give(this.#options.resampler.flush(), this.#endUs);
    this.#options.encoder?.flush();
  }

  close(): void {
    this.#options.decoder?.close();
    this.#options.resampler.close();
    this.#options.encoder?.close();
  }

  #give(samples: Int16Array, timestamp: number): void {
    if (samples.length === 0) return;
    const { to, encoder, onValue } = this.#options;
    const value = audioData(samples, to.sampleRate, to.numberOfChannels, timestamp);
    this.#endUs = timestamp + (value.numberOfFrames * 1_000_000) / to.sampleRate;
    if (encoder) encoder.take(value);
    else onValue(value);
  }
}

/** Brings audio into periods of 20 ms and encodes them. */
class Periods {
  readonly #encoder: OpusEncoder;
  readonly #numberOfChannels: number;
  readonly #onValue: (value: AudioValue) => void;
  readonly #period: Int16Array;
  #filled = 0;
  #startUs = 0;

  constructor(encoder: OpusEncoder, numberOfChannels: number, onValue: (value: AudioValue) => void) {
    this.#encoder = encoder;
    this.#numberOfChannels = numberOfChannels;
    this.#onValue = onValue;
    this.#period = new Int16Array((OPUS_RATE / 50) * numberOfChannels);
  }

  take({ data, timestamp }: AudioData): void {
    if (this.#filled > 0 && Math.abs(timestamp - this.#startUs - this.#usOf(this.#filled)) > GAP_US) this.flush();
    for (let at = 0; at < data.length;) {
      if (this.#filled === 0) this.#startUs = timestamp + this.#usOf(at);
      const part = data.subarray(at, at + this.#period.length - this.#filled);
      this.#period.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === this.#period.length) this.#encode();
    }
  }

  /** What does not fill a period is filled up with silence. */
  flush(): void {
    if (this.#filled > 0) this.#encode();
  }

  close(): void {
    this.#encoder.close();
  }

  #encode(): void {
    this.#period.fill(0, this.#filled);
    this.#filled = 0;
    const data = this.#encoder.encode(this.#period);
    this.#onValue({ kind: 'encoded-audio', codec: 'opus', data, timestamp: this.#startUs, duration: PERIOD_US });
  }

  #usOf(samples: number): number {
    return Math.round((samples * 1_000_000) / (OPUS_RATE * this.#numberOfChannels));
  }
}
