import { Transform, type TransformCallback } from 'node:stream';
import { z } from 'zod';
import { RNNOISE_FRAMES, createNoiseSuppressor, type NoiseSuppressor } from '../codecs/rnnoise.js';
import type { AudioData } from '../media/audio-data.js';
import type { Clock } from '../media/clock.js';
import { defineNode } from '../media/node.js';
import type { VoiceActivity } from '../media/voice-activity.js';

const FRAME_US = 10_000;

const Options = z.strictObject({
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
 * Finds out when somebody speaks (by RNNoise, whose model is in its package). Tells where speech began and where it ended, on the
 * media clock of the sound: when that is known, so much later. Speech that is not over when the sound ends is ended there. `passed`
 * tells when its first or last sound came in (`heard`), and when that was known (`speech-began`, `speech-ended`).
 */
export const vad = defineNode({
  type: 'vad',
  summary: 'Finds out when somebody begins to speak, and stops.',
  options: Options,
  inputs: [{ name: 'in', formats: [{ kind: 'audio', sampleRate: 48_000, numberOfChannels: 1 }], flow: 'push' }],
  outputs: [{ name: 'out', formats: [{ kind: 'voice-activity' }] }],
  latency: ({ minSpeechMs, minSilenceMs }) => ({ minMs: minSpeechMs, maxMs: minSilenceMs }),
  example: `nodes:
  clip:   { type: file, path: speech.ogg }
  speech: { type: vad, from: clip.audio }
  times:  { type: jsonl, from: speech, path: out/speech.jsonl }`,
  create: (options, { clock }) => new VoiceActivityStream(options, clock),
});

class VoiceActivityStream extends Transform {
  readonly #options: VadOptions;
  readonly #clock: Clock;
  #suppressor: NoiseSuppressor | undefined;
  readonly #frame = new Float32Array(RNNOISE_FRAMES);
  /** Samples in the frame that is being filled, and where it begins. */
  #filled = 0;
  #frameUs = 0;
  #speaking = false;
  /** Where the speech or the silence began that is not told of yet; undefined while there is none. */
  #changeUs: number | undefined;
  /** On the clock of the graph: when the last sound before that came in, and when the last frame did. */
  #changeHeardUs = 0;
  #heardUs = 0;

  constructor(options: VadOptions, clock: Clock) {
    super({ objectMode: true });
    this.#options = options;
    this.#clock = clock;
  }

  override _construct(done: (error?: Error | null) => void): void {
    createNoiseSuppressor().then((suppressor) => {
      this.#suppressor = suppressor;
      done();
    }, done);
  }

  override _transform(
    { data, timestamp, sampleRate }: AudioData,
    _encoding: BufferEncoding,
    done: TransformCallback,
  ): void {
    try {
      for (let at = 0; at < data.length;) {
        if (this.#filled === 0) this.#frameUs = timestamp + (at * 1_000_000) / sampleRate;
        const count = Math.min(RNNOISE_FRAMES - this.#filled, data.length - at);
        for (let i = 0; i < count; i++) this.#frame[this.#filled + i] = data[at + i]!;
        this.#filled += count;
        at += count;
        if (this.#filled === RNNOISE_FRAMES) this.#judge();
      }
      done();
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
    this.#suppressor?.close();
    done(error);
  }

  #judge(): void {
    this.#filled = 0;
    const { threshold, minSpeechMs, minSilenceMs } = this.#options;
    const beforeUs = this.#heardUs;
    this.#heardUs = this.#clock.nowUs();
    const likelihood = this.#suppressor?.process(this.#frame) ?? 0;
    const isSpeech = likelihood >= (this.#speaking ? threshold / 2 : threshold);
    if (isSpeech === this.#speaking) {
      this.#changeUs = undefined;
      return;
    }
    if (this.#changeUs === undefined) {
      this.#changeUs = this.#frameUs;
      this.#changeHeardUs = isSpeech ? this.#heardUs : beforeUs;
    }
    const lastsUs = this.#frameUs + FRAME_US - this.#changeUs;
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
