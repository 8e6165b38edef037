import { Transform, type TransformCallback } from 'node:stream';
import { z } from 'zod';
import type { AudioData } from '../media/audio-data.js';
import type { Clock } from '../media/clock.js';
import { defineNode } from '../media/node.js';
import { pathFrom } from '../media/path-template.js';
import type { VoiceActivity } from '../media/voice-activity.js';
import { createRnnoiseDetector } from '../speech/rnnoise-detector.js';
import { createSileroDetector, sileroNeeds } from '../speech/silero-detector.js';
import type { VoiceDetector } from '../speech/voice-detector.js';

const Options = z.strictObject({
  detector: z
    .enum(['rnnoise', 'silero'])
    .default('rnnoise')
    .describe(
      '`rnnoise` is built in; `silero` takes less for speech that is none, and needs the package onnxruntime-node, and its model.',
    ),
  model: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Of `silero`: its model (version 5, .onnx), relative to the pipeline file; that of the package @ricky0123/vad-web when left out.',
    ),
  threshold: z
    .number()
    .min(0)
    .max(1)
    .default(0.6)
    .describe('How sure it must be that somebody speaks, 0 to 1; half as sure is enough to go on.'),
  minSpeechMs: z
    .number()
    .min(10)
    .max(2000)
    .default(60)
    .describe('Speech is told of when it has lasted so long, in ms: shorter sounds are no words.'),
  minSilenceMs: z
    .number()
    .min(50)
    .max(10_000)
    .default(500)
    .describe('Its end is told of when nobody has spoken for so long, in ms.'),
});
type VadOptions = z.output<typeof Options>;

/**
 * Finds out when somebody speaks, by RNNoise or Silero. Steady noise of any loudness is no speech, nor is anything softer than -60 dB
 * of full scale, for which RNNoise rests. Tells where speech began and where it ended, on the media clock of the sound: when that is
 * known, so much later. Speech that is not over when the sound ends is ended there. `passed` tells when its first or last sound came in
 * (`heard`), and when that was known (`speech-began`, `speech-ended`).
 *
 * Errors: SLUICE_CODEC_UNAVAILABLE, SLUICE_DRIVER_UNAVAILABLE and SLUICE_FILE_NOT_FOUND where a detector does not load.
 */
export const vad = defineNode({
  type: 'vad',
  summary: 'Finds out when somebody begins to speak, and stops.',
  options: Options,
  inputs: ({ detector }) => [
    {
      name: 'in',
      formats: [{ kind: 'audio', sampleRate: detector === 'silero' ? 16_000 : 48_000, numberOfChannels: 1 }],
      flow: 'push',
    },
  ],
  outputs: [{ name: 'out', formats: [{ kind: 'voice-activity' }] }],
  latency: ({ minSpeechMs, minSilenceMs }) => ({ minMs: minSpeechMs, maxMs: minSilenceMs }),
  example: `nodes:
  clip:   { type: file, path: speech.ogg }
  speech: { type: vad, from: clip.audio }
  times:  { type: jsonl, from: speech, path: out/speech.jsonl }`,
  needs: ({ detector, model }, baseDir) =>
    detector === 'silero' ? sileroNeeds(model === undefined ? undefined : pathFrom(baseDir, model)) : [],
  create: (options, { clock, baseDir }) => new VoiceActivityStream(options, clock, baseDir),
});

class VoiceActivityStream extends Transform {
  readonly #options: VadOptions;
  readonly #clock: Clock;
  readonly #baseDir: string;
  /** Both are there before anything comes in. */
  #detector!: VoiceDetector;
  #frame!: Float32Array;
  /** Samples in the frame that is being filled, and where it begins. */
  #filled = 0;
  #frameUs = 0;
  #speaking = false;
  /** Where the speech or the silence began that is not told of yet; undefined while there is none. */
  #changeUs: number | undefined;
  /** On the clock of the graph: when the last sound before that came in, and when the last frame did. */
  #changeHeardUs = 0;
  #heardUs = 0;

  constructor(options: VadOptions, clock: Clock, baseDir: string) {
    super({ objectMode: true });
    this.#options = options;
    this.#clock = clock;
    this.#baseDir = baseDir;
  }

  override _construct(done: (error?: Error | null) => void): void {
    this.#load().then((detector) => {
      this.#detector = detector;
      this.#frame = new Float32Array(detector.frameSize);
      done();
    }, done);
  }

  override _transform(audio: AudioData, _encoding: BufferEncoding, done: TransformCallback): void {
    try {
      const judged = this.#take(audio, 0);
      if (judged === undefined) done();
      else judged.then(done, done);
    } catch (error) {
      done(error as Error);
    }
  }

  override _flush(done: TransformCallback): void {
    if (this.#speaking) {
      if (this.#changeUs === undefined) this.#changeHeardUs = this.#heardUs;
      this.#tell(false, this.#changeUs ?? this.#frameUs);
    }
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    // It may not have been loaded.
    (this.#detector as VoiceDetector | undefined)?.close();
    done(error);
  }

  #load(): Promise<VoiceDetector> {
    const { detector, model } = this.#options;
    if (detector === 'rnnoise') return createRnnoiseDetector();
    return createSileroDetector(model === undefined ? undefined : pathFrom(this.#baseDir, model));
  }

  /** Takes what is behind `at`; a promise where the detector needs time. */
  #take(audio: AudioData, from: number): Promise<undefined> | undefined {
    const { data, timestamp, sampleRate } = audio;
    const { frameSize } = this.#detector;
    for (let at = from; at < data.length;) {
      if (this.#filled === 0) this.#frameUs = timestamp + (at * 1_000_000) / sampleRate;
      const count = Math.min(frameSize - this.#filled, data.length - at);
      for (let i = 0; i < count; i++) this.#frame[this.#filled + i] = data[at + i]!;
      this.#filled += count;
      at += count;
      if (this.#filled < frameSize) continue;
      this.#filled = 0;
      const likelihood = this.#detector.judge(this.#frame);
      if (typeof likelihood !== 'number') return this.#takeRest(likelihood, audio, at);
      this.#judge(likelihood);
    }
    return undefined;
  }

  async #takeRest(likelihood: Promise<number>, audio: AudioData, from: number): Promise<undefined> {
    this.#judge(await likelihood);
    return await this.#take(audio, from);
  }

  #judge(likelihood: number): void {
    const { threshold, minSpeechMs, minSilenceMs } = this.#options;
    const beforeUs = this.#heardUs;
    this.#heardUs = this.#clock.nowUs();
    const isSpeech = likelihood >= (this.#speaking ? threshold / 2 : threshold);
    if (isSpeech === this.#speaking) {
      this.#changeUs = undefined;
      return;
    }
    if (this.#changeUs === undefined) {
      this.#changeUs = this.#frameUs;
      this.#changeHeardUs = isSpeech ? this.#heardUs : beforeUs;
    }
    const { frameSize, sampleRate } = this.#detector;
    const lastsUs = this.#frameUs + (frameSize * 1_000_000) / sampleRate - this.#changeUs;
    if (lastsUs >= (isSpeech ? minSpeechMs : minSilenceMs) * 1000) this.#tell(isSpeech, this.#changeUs);
  }

  #tell(isSpeaking: boolean, timestamp: number): void {
    this.#speaking = isSpeaking;
    this.#changeUs = undefined;
    const passed = [
      { stage: 'heard', atUs: this.#changeHeardUs },
      { stage: isSpeaking ? 'speech-began' : 'speech-ended', atUs: this.#clock.nowUs() },
    ];
    this.push({ kind: 'voice-activity', isSpeaking, timestamp, passed } satisfies VoiceActivity);
  }
}
