import { type AudioData, audioData } from '../media/audio-data.js';
import { convertChannels } from '../media/pcm.js';
import { type Ffmpeg, check } from './ffmpeg.js';
import type { AvFrame } from './picture.js';
import { SampleQueue } from './sample-queue.js';
import { type Track, openTrackDecoder } from './track.js';
import type { TrackInput } from './track-input.js';

/** A hole in the file's timestamps that is longer than this is filled with silence, in µs. */
const GAP_US = 15_000;

type Context = InstanceType<Ffmpeg['lib']['CodecContext']>;

/** The decoded audio of a file: chunks of 20 ms without gaps in the rate and channels asked for. */
export class AudioTrack implements Track {
  readonly #ffmpeg: Ffmpeg;
  readonly #input: TrackInput;
  readonly #context: Context;
  readonly #frame: AvFrame;
  readonly #resampler: FrameResampler;
  readonly #queue = new SampleQueue();
  readonly #sampleRate: number;
  readonly #channels: number;
  #startUs: number | undefined;
  #framesIn = 0;
  #framesOut = 0;
  #isEnded = false;
  #next: AudioData | undefined;

  constructor(
    ffmpeg: Ffmpeg,
    input: TrackInput,
    path: string,
    target: { sampleRate: number; numberOfChannels: number },
  ) {
    this.#ffmpeg = ffmpeg;
    this.#input = input;
    this.#sampleRate = target.sampleRate;
    this.#channels = target.numberOfChannels;
    this.#context = openTrackDecoder(ffmpeg, input, path);
    this.#resampler = new FrameResampler(ffmpeg, target.sampleRate, target.numberOfChannels);
    this.#frame = new ffmpeg.lib.Frame();
    this.#frame.alloc();
  }

  peek(): AudioData | undefined {
    this.#next ??= this.#cut();
    return this.#next;
  }

  take(): AudioData | undefined {
    const value = this.peek();
    this.#next = undefined;
    return value;
  }

  close(): void {
    this.#resampler.close();
    this.#frame.free();
    this.#context.freeContext();
    this.#input.close();
  }

  #cut(): AudioData | undefined {
    const wanted = (this.#sampleRate / 50) * this.#channels;
    while (this.#queue.length < wanted && !this.#isEnded) this.#decodePacket();
    if (this.#queue.length === 0) return undefined;
    const timestamp = Math.round((this.#startUs ?? 0) + (this.#framesOut * 1_000_000) / this.#sampleRate);
    const data = this.#queue.shift(wanted);
    this.#framesOut += data.length / this.#channels;
    return audioData(data, this.#sampleRate, this.#channels, timestamp);
  }

  #decodePacket(): void {
    const packet = this.#input.read();
    // A packet that cannot be decoded leaves a hole, which its successor's timestamp shows.
    this.#context.sendPacketSync(packet ?? null);
    while (this.#context.receiveFrameSync(this.#frame) >= 0) {
      this.#place(this.#frame);
      this.#append(this.#resampler.convert(this.#frame));
      this.#frame.unref();
    }
    if (packet) return;
    this.#isEnded = true;
    this.#append(this.#resampler.flush());
  }

  /** Finds out where the frame belongs, and makes up for what is missing before it. */
  #place(frame: AvFrame): void {
    const best = frame.bestEffortTimestamp;
    const us = this.#input.toUs(best === this.#ffmpeg.c.AV_NOPTS_VALUE ? frame.pts : best);
    this.#startUs ??= Math.max(0, us ?? 0);
    if (us === undefined) return;
    const gapUs = us - this.#startUs - (this.#framesIn * 1_000_000) / this.#sampleRate;
    if (gapUs <= GAP_US) return;
    const frames = Math.round((gapUs * this.#sampleRate) / 1_000_000);
    this.#queue.pushSilence(frames * this.#channels);
    this.#framesIn += frames;
  }

  #append(samples: Int16Array): void {
    this.#queue.push(samples);
    this.#framesIn += samples.length / this.#channels;
  }
}

/** Frames that one call may put out beyond what swresample announces. */
const SLACK_FRAMES = 64;

interface SampleFormat {
  readonly sampleRate: number;
  readonly format: number;
  readonly channels: number;
  /** Which channels they are. */
  readonly mask: bigint;
}

/** Turns frames of any sample format, rate and channel layout into interleaved 16-bit samples. */
class FrameResampler {
  readonly #ffmpeg: Ffmpeg;
  readonly #sampleRate: number;
  readonly #channels: number;
  readonly #outputs: Buffer[] = [];
  #swr: InstanceType<Ffmpeg['lib']['SoftwareResampleContext']> | undefined;
  /** What frames are converted from. */
  #from: SampleFormat = { sampleRate: 0, format: -1, channels: 0, mask: 0n };
  /** Channels that swresample puts out: it changes the level when it spreads mono, so that is done here. */
  #narrow = 1;
  #scratch = new Int16Array(0);

  constructor(ffmpeg: Ffmpeg, sampleRate: number, channels: number) {
    this.#ffmpeg = ffmpeg;
    this.#sampleRate = sampleRate;
    this.#channels = channels;
  }

  convert(frame: AvFrame): Int16Array {
    let rest: Int16Array | undefined;
    if (!this.#swr || !this.#isSame(frame)) {
      rest = this.flush();
      this.#start(frame);
    }
    const samples = this.#run(frame.extendedData ?? frame.data, frame.nbSamples);
    if (!rest || rest.length === 0) return samples;
    const both = new Int16Array(rest.length + samples.length);
    both.set(rest);
    both.set(samples, rest.length);
    return both;
  }

  /** What is still inside. */
  flush(): Int16Array {
    if (!this.#swr) return new Int16Array(0);
    const rest = this.#run(null, 0);
    this.close();
    return rest;
  }

  close(): void {
    this.#swr?.free();
    this.#swr = undefined;
  }

  #run(planes: Buffer[] | null, frames: number): Int16Array {
    const swr = this.#swr;
    if (!swr) return new Int16Array(0);
    const capacity = Math.max(0, swr.getOutSamples(frames)) + SLACK_FRAMES;
    if (this.#scratch.length < capacity * this.#narrow) {
      this.#scratch = new Int16Array(capacity * this.#narrow);
      this.#outputs[0] = Buffer.from(this.#scratch.buffer);
    }
    const done = check(this.#ffmpeg, swr.convertSync(this.#outputs, capacity, planes, frames), 'resampling failed');
    const samples = this.#scratch.slice(0, done * this.#narrow);
    return convertChannels(samples, this.#narrow, this.#channels);
  }

  #isSame(frame: AvFrame): boolean {
    const { sampleRate, format, channels, mask } = this.#from;
    if (frame.sampleRate !== sampleRate || frame.format !== format || frame.channels !== channels) return false;
    // One or two channels are always the same ones, and asking which takes longer than all the rest.
    return channels <= 2 || frame.channelLayout.mask === mask;
  }

  #start(frame: AvFrame): void {
    const { lib, c } = this.#ffmpeg;
    const { sampleRate, format: inputFormat, channels, channelLayout } = frame;
    this.#from = { sampleRate, format: inputFormat, channels, mask: channelLayout.mask };
    const swr = new lib.SoftwareResampleContext();
    // Files without a layout mean the usual one for their number of channels.
    const layout = channelLayout.mask === 0n ? lib.avChannelLayoutDefault(channels) : channelLayout;
    this.#narrow = channels === 1 ? 1 : 2;
    const target = this.#narrow === 1 ? c.AV_CHANNEL_LAYOUT_MONO : c.AV_CHANNEL_LAYOUT_STEREO;
    const format = inputFormat as typeof c.AV_SAMPLE_FMT_S16;
    const what = 'the audio of the file cannot be converted';
    check(
      this.#ffmpeg,
      swr.allocSetOpts2(target, c.AV_SAMPLE_FMT_S16, this.#sampleRate, layout, format, sampleRate),
      what,
    );
    check(this.#ffmpeg, swr.init(), what);
    this.#swr = swr;
  }
}
