import { Readable } from 'node:stream';
import { audioData } from '../../media/audio-data.js';
import type { ClockTimer } from '../../media/clock.js';
import { nearestIn, type FormatPattern } from '../../media/format.js';
import type { MediaValue } from '../../media/media-value.js';
import type { NodeContext, NodePorts, PortDef } from '../../media/node.js';
import type { TextData } from '../../media/text.js';
import { AudioConversion } from '../conversion/audio-conversion.js';
import { VideoConversion } from '../conversion/video-conversion.js';
import type { AudioScript } from './audio-script.js';
import { SCRIPT_FORMAT, frameUs } from './script-format.js';
import type { VideoScript } from './video-script.js';

export interface ScriptedOutputs {
  readonly audio?: AudioScript;
  readonly video?: VideoScript;
  readonly texts?: readonly string[];
}

export interface ScriptSourceOptions {
  readonly scripts: ScriptedOutputs;
  readonly outputs: readonly PortDef[];
  /** Media comes by the clock; otherwise as fast as it is read. */
  readonly live: boolean;
}

/** Stands for a source: gives what is written down, in the formats of its outputs. */
export function scriptSource({ scripts, outputs, live }: ScriptSourceOptions, context: NodeContext): NodePorts {
  return {
    output(name) {
      const format = outputs.find((port) => port.name === name)?.formats[0];
      if (format?.kind === 'text') return textsOf(scripts);
      const steps = format && stepsFor(format, scripts);
      return steps ? new ScriptReadable(steps, live, context) : Readable.from([]);
    },
  };
}

function textsOf({ texts = [] }: ScriptedOutputs): Readable {
  return Readable.from(texts.map((text): TextData => ({ kind: 'text', text, isFinal: true })));
}

/** What comes next, at which time, and what makes it fit. */
interface Steps {
  /** In µs from the beginning; undefined at the end. */
  dueUs(): number | undefined;
  /** Gives the value that is due to `give`, once or several times or not at all, before it settles. */
  step(give: (value: MediaValue) => void): Promise<void>;
  /** Gives what is left inside. */
  finish(give: (value: MediaValue) => void): Promise<void>;
  close(): void;
}

function stepsFor(format: FormatPattern, { audio, video }: ScriptedOutputs): Steps | undefined {
  if ((format.kind === 'audio' || format.kind === 'encoded-audio') && audio) return new AudioSteps(audio, format);
  if ((format.kind === 'video' || format.kind === 'encoded-video') && video) return new VideoSteps(video, format);
  return undefined;
}

abstract class ConvertedSteps {
  protected give: (value: MediaValue) => void = () => undefined;
  protected failure: unknown;

  protected readonly onValue = (value: MediaValue): void => {
    this.give(value);
  };

  protected readonly onError = (error: unknown): void => {
    this.failure = error;
  };

  protected check(): void {
    if (this.failure !== undefined) throw this.failure as Error;
  }
}

class AudioSteps extends ConvertedSteps implements Steps {
  readonly #script: AudioScript;
  readonly #conversion: AudioConversion;
  #frame = 0;

  constructor(script: AudioScript, format: FormatPattern) {
    super();
    this.#script = script;
    const raw = format.kind === 'audio' ? format : undefined;
    const sampleRate = nearestIn(raw?.sampleRate, undefined) ?? SCRIPT_FORMAT.sampleRate;
    const numberOfChannels = nearestIn(raw?.numberOfChannels, undefined) === 1 ? 1 : 2;
    this.#conversion = new AudioConversion({
      target: raw ? { sampleRate, numberOfChannels } : 'opus',
      onValue: this.onValue,
      onError: this.onError,
    });
  }

  dueUs(): number | undefined {
    return this.#frame < this.#script.endFrame ? frameUs(this.#frame) : undefined;
  }

  async step(give: (value: MediaValue) => void): Promise<void> {
    this.give = give;
    const { sampleRate, numberOfChannels, chunkFrames } = SCRIPT_FORMAT;
    const samples = this.#script.chunk(this.#frame);
    await this.#conversion.push(audioData(samples, sampleRate, numberOfChannels, frameUs(this.#frame)));
    this.#frame += chunkFrames;
    this.check();
  }

  async finish(give: (value: MediaValue) => void): Promise<void> {
    this.give = give;
    await this.#conversion.flush();
    this.check();
  }

  close(): void {
    this.#conversion.close();
  }
}

class VideoSteps extends ConvertedSteps implements Steps {
  readonly #script: VideoScript;
  readonly #conversion: VideoConversion;
  #fromUs = 0;

  constructor(script: VideoScript, format: FormatPattern) {
    super();
    this.#script = script;
    const codec = format.kind === 'encoded-video' ? (nearestIn(format.codec, undefined) ?? 'vp8') : undefined;
    const pixels = format.kind === 'video' ? nearestIn(format.format, undefined) : undefined;
    this.#conversion = new VideoConversion({
      target: codec ? { codec } : { format: pixels ?? 'YUV420P' },
      onValue: this.onValue,
      onError: this.onError,
    });
  }

  dueUs(): number | undefined {
    return this.#script.nextUs(this.#fromUs);
  }

  async step(give: (value: MediaValue) => void): Promise<void> {
    this.give = give;
    const dueUs = this.#script.nextUs(this.#fromUs);
    const picture = dueUs === undefined ? undefined : this.#script.draw(dueUs);
    if (picture) await this.#conversion.push(picture);
    this.#fromUs = (dueUs ?? 0) + 1;
    this.check();
  }

  finish(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    this.#conversion.close();
  }
}

class ScriptReadable extends Readable {
  readonly #steps: Steps;
  readonly #live: boolean;
  readonly #context: NodeContext;
  #startUs: number | undefined;
  #timer: ClockTimer | undefined;
  #isHungry = false;
  #isBusy = false;

  constructor(steps: Steps, live: boolean, context: NodeContext) {
    super({ objectMode: true, highWaterMark: 8 });
    this.#steps = steps;
    this.#live = live;
    this.#context = context;
  }

  override _read(): void {
    this.#isHungry = true;
    if (this.#isBusy) return;
    this.#isBusy = true;
    this.#startUs ??= this.#context.clock.nowUs();
    this.#run().catch((error: unknown) => {
      this.destroy(error as Error);
    });
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#timer?.cancel();
    this.#steps.close();
    done(error);
  }

  /** Goes on while it is read; a live one to its end. */
  async #run(): Promise<void> {
    for (;;) {
      const dueUs = this.#steps.dueUs();
      if (dueUs === undefined) break;
      if (this.#live) await this.#until(dueUs);
      if (this.destroyed) return;
      await this.#steps.step(this.#give);
      if (!this.#live && !this.#isHungry) {
        this.#isBusy = false;
        return;
      }
    }
    await this.#steps.finish(this.#give);
    if (!this.destroyed) this.push(null);
  }

  readonly #give = (value: MediaValue): void => {
    if (this.destroyed) return;
    if (this.#isHungry || !this.#live) this.#isHungry = this.push(value);
    else this.#context.dropped('reader too slow');
  };

  #until(dueUs: number): Promise<void> {
    const { clock } = this.#context;
    const waitUs = (this.#startUs ?? 0) + dueUs - clock.nowUs();
    return new Promise((resolve) => {
      this.#timer = clock.after(waitUs / 1000, resolve);
    });
  }
}
