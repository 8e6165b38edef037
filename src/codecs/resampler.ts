import { SAMPLE_RATES } from '../media/audio-data.js';
import { SluiceError } from '../media/errors.js';
import { convertChannels } from '../media/pcm.js';
import { type Ffmpeg, check, loadFfmpeg } from './ffmpeg.js';

export interface AudioFormat {
  /** Hz, one of SAMPLE_RATES. */
  readonly sampleRate: number;
  readonly numberOfChannels: number;
}

export interface ResamplerOptions {
  readonly from: AudioFormat;
  readonly to: AudioFormat;
  /** `compensate` will be used: keeps a resampler even where both rates are the same. Default false. */
  readonly adjustable?: boolean;
  /** `from` may be of any rate of 4 to 192 kHz, as others have them. Default false: one of SAMPLE_RATES. */
  readonly anyRate?: boolean;
}

/** Converts interleaved samples. Not tied to a chunk length: gives what is ready, `flush` gives the rest. */
export interface Resampler {
  /** Samples that are ready; may be empty. The same array as `data` when nothing has to be changed. */
  process(data: Int16Array): Int16Array;
  /** What is still inside; the resampler starts anew afterwards. */
  flush(): Int16Array;
  /**
   * Spreads `deltaFrames` more (or fewer, when negative) output frames over the next `distanceFrames`
   * output frames. Errors: SLUICE_STATE_INVALID where rates are the same and `adjustable` was not asked for.
   */
  compensate(deltaFrames: number, distanceFrames: number): void;
  close(): void;
}

/**
 * Makes a resampler. Without a change of rate it is plain JavaScript and FFmpeg is not loaded.
 * Errors: SLUICE_CONFIG_INVALID, SLUICE_CODEC_UNAVAILABLE.
 */
export async function createResampler(options: ResamplerOptions): Promise<Resampler> {
  const { from, to } = options;
  if (options.anyRate !== true || !isUsable(from.sampleRate)) checkFormat(from);
  checkFormat(to);
  if (from.sampleRate === to.sampleRate && options.adjustable !== true) return new ChannelConverter(from, to);
  return new SwResampler(await loadFfmpeg(), from, to);
}

class ChannelConverter implements Resampler {
  readonly #from: number;
  readonly #to: number;

  constructor(from: AudioFormat, to: AudioFormat) {
    this.#from = from.numberOfChannels;
    this.#to = to.numberOfChannels;
  }

  process(data: Int16Array): Int16Array {
    return convertChannels(data, this.#from, this.#to);
  }

  flush(): Int16Array {
    return new Int16Array(0);
  }

  compensate(): void {
    throw new SluiceError('SLUICE_STATE_INVALID', 'this resampler cannot compensate for drift', {
      mend: 'Create it with `adjustable: true`.',
    });
  }

  close(): void {
    // Holds nothing.
  }
}

/** Frames that one call may put out beyond what swresample announces. */
const SLACK_FRAMES = 64;

class SwResampler implements Resampler {
  readonly #ffmpeg: Ffmpeg;
  readonly #from: AudioFormat;
  readonly #to: AudioFormat;
  /** Channels inside: the fewer of both sides, so that no work is done twice. */
  readonly #channels: number;
  readonly #inputs: Buffer[] = [];
  readonly #outputs: Buffer[] = [];
  #swr: InstanceType<Ffmpeg['lib']['SoftwareResampleContext']> | undefined;
  /** What `inputs` shows: who uses the same memory over and over needs no other view of it. */
  #input: Int16Array | undefined;
  #scratch = new Int16Array(0);

  constructor(ffmpeg: Ffmpeg, from: AudioFormat, to: AudioFormat) {
    this.#ffmpeg = ffmpeg;
    this.#from = from;
    this.#to = to;
    this.#channels = Math.min(from.numberOfChannels, to.numberOfChannels);
    this.#swr = this.#start();
  }

  process(data: Int16Array): Int16Array {
    const narrow = convertChannels(data, this.#from.numberOfChannels, this.#channels);
    const frames = narrow.length / this.#channels;
    if (frames === 0) return new Int16Array(0);
    if (this.#input !== narrow) this.#inputs[0] = Buffer.from(narrow.buffer, narrow.byteOffset, narrow.byteLength);
    this.#input = narrow;
    return this.#convert(this.#inputs, frames);
  }

  flush(): Int16Array {
    const rest = this.#convert(null, 0);
    this.close();
    this.#swr = this.#start();
    return rest;
  }

  compensate(deltaFrames: number, distanceFrames: number): void {
    check(this.#ffmpeg, this.#open().setCompensation(deltaFrames, distanceFrames), 'drift cannot be compensated for');
  }

  close(): void {
    this.#swr?.free();
    this.#swr = undefined;
  }

  #convert(inputs: Buffer[] | null, frames: number): Int16Array {
    const swr = this.#open();
    const capacity = Math.max(0, swr.getOutSamples(frames)) + SLACK_FRAMES;
    if (this.#scratch.length < capacity * this.#channels) {
      this.#scratch = new Int16Array(capacity * this.#channels);
      this.#outputs[0] = Buffer.from(this.#scratch.buffer);
    }
    const done = check(this.#ffmpeg, swr.convertSync(this.#outputs, capacity, inputs, frames), 'resampling failed');
    const narrow = this.#scratch.subarray(0, done * this.#channels);
    return this.#to.numberOfChannels === this.#channels ? narrow.slice() : convertChannels(narrow, this.#channels, 2);
  }

  #start(): InstanceType<Ffmpeg['lib']['SoftwareResampleContext']> {
    const { lib, c } = this.#ffmpeg;
    const layout = this.#channels === 1 ? c.AV_CHANNEL_LAYOUT_MONO : c.AV_CHANNEL_LAYOUT_STEREO;
    const swr = new lib.SoftwareResampleContext();
    const s16 = c.AV_SAMPLE_FMT_S16;
    check(
      this.#ffmpeg,
      swr.allocSetOpts2(layout, s16, this.#to.sampleRate, layout, s16, this.#from.sampleRate),
      'the resampler cannot be set up',
    );
    check(this.#ffmpeg, swr.init(), 'the resampler cannot be set up');
    return swr;
  }

  #open(): InstanceType<Ffmpeg['lib']['SoftwareResampleContext']> {
    if (!this.#swr) throw new SluiceError('SLUICE_STATE_INVALID', 'the resampler is closed');
    return this.#swr;
  }
}

function isUsable(sampleRate: number): boolean {
  return Number.isInteger(sampleRate) && sampleRate >= 4000 && sampleRate <= 192_000;
}

function checkFormat({ sampleRate, numberOfChannels }: AudioFormat): void {
  if (!(SAMPLE_RATES as readonly number[]).includes(sampleRate)) {
    throw new SluiceError('SLUICE_CONFIG_INVALID', `sample rate ${sampleRate} Hz is not supported`, {
      mend: `Use one of ${SAMPLE_RATES.join(', ')} Hz.`,
    });
  }
  if (numberOfChannels !== 1 && numberOfChannels !== 2) {
    throw new SluiceError('SLUICE_CONFIG_INVALID', `${numberOfChannels} channels are not supported`, {
      mend: 'Use 1 (mono) or 2 (stereo) channels.',
    });
  }
}
