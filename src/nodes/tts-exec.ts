import { Duplex } from 'node:stream';
import { z } from 'zod';
import { type Resampler, createResampler } from '../codecs/resampler.js';
import { SAMPLE_RATES, audioData } from '../media/audio-data.js';
import { audioOptions } from '../media/format.js';
import { defineNode, type NodeContext } from '../media/node.js';
import { pathFrom } from '../media/path-template.js';
import type { TextData } from '../media/text.js';
import type { Transcript } from '../media/transcript.js';
import { runProgram } from '../speech/program.js';
import { WavReader } from '../speech/wav-reader.js';

/** Programs whose arguments are known. */
const PRESETS = ['espeak-ng', 'piper'] as const;

const Options = z
  .strictObject({
    preset: z
      .enum(PRESETS)
      .optional()
      .describe(
        'A program whose arguments are known: `espeak-ng`, which is used where there is no `command`, or `piper`.',
      ),
    voice: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Of the preset: name of a voice (espeak-ng), or path of a model, relative to the pipeline file (piper).',
      ),
    command: z
      .array(z.string())
      .min(1)
      .optional()
      .describe(
        'Program and arguments, run for each text; it prints a WAV file. `{text}` stands for the text; without it the text comes on standard input.',
      ),
    sampleRate: z.literal(SAMPLE_RATES).default(48_000).describe('Samples per second that come out, in Hz.'),
    channels: z.literal([1, 2]).default(1).describe('Channels that come out: 1 for mono, 2 for stereo.'),
    pauseMs: z.number().min(0).max(10_000).default(200).describe('Silence after each text, in ms.'),
    timeoutMs: z.number().min(100).max(600_000).default(30_000).describe('How long the program may take, in ms.'),
  })
  .refine(({ preset, voice, command }) => command === undefined || (preset === undefined && voice === undefined), {
    message: 'Give either `command` or `preset` and `voice`',
    path: ['command'],
  })
  .refine(({ preset, voice }) => preset !== 'piper' || voice !== undefined, {
    message: 'piper needs the path of a model',
    path: ['voice'],
  });
type TtsExecOptions = z.output<typeof Options>;

/** Chunks that come out are so long. */
const CHUNK_MS = 20;

/**
 * Says texts by a program that is run for each of them; sound comes out while the program still writes, no faster than it is taken. Of
 * transcripts only final ones are said. A text that the program cannot say is counted, and does not end the node.
 * Errors: SLUICE_PROGRAM_MISSING and SLUICE_SPEECH_FAILED are logged.
 */
export const ttsExec = defineNode({
  type: 'tts-exec',
  summary: 'Says texts by a program that is run for each of them.',
  options: Options,
  inputs: [{ name: 'in', formats: [{ kind: 'text' }, { kind: 'transcript' }] }],
  outputs: ({ sampleRate, channels }) => [
    { name: 'out', formats: [{ kind: 'audio', sampleRate, numberOfChannels: channels }] },
  ],
  latency: ({ timeoutMs }) => ({ minMs: 0, maxMs: timeoutMs }),
  adapts: audioOptions,
  example: `nodes:
  lines: { type: text-lines, path: lines.txt }
  voice: { type: tts-exec, from: lines }
  file:  { type: wav, from: voice, path: out/lines.wav }`,
  create: (options, context) => new Speaker(options, context),
});

class Speaker extends Duplex {
  readonly #options: TtsExecOptions;
  readonly #context: NodeContext;
  readonly #command: readonly string[];
  readonly #abort = new AbortController();
  /** Of one chunk, filled up to `#filled`. */
  #chunk: Int16Array;
  #filled = 0;
  #framesOut = 0;
  /** Called when the reader wants more. */
  #wanted: (() => void) | undefined;

  constructor(options: TtsExecOptions, context: NodeContext) {
    super({ objectMode: true, readableHighWaterMark: 8, writableHighWaterMark: 4 });
    this.#options = options;
    this.#context = context;
    this.#command = commandOf(options, context.baseDir);
    this.#chunk = this.#newChunk();
  }

  override _write(value: TextData | Transcript, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const text = value.text.trim();
    if (text === '' || (value.kind === 'transcript' && !value.isFinal)) {
      done();
      return;
    }
    this.#say(text).then(() => {
      done();
    }, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.push(null);
    done();
  }

  override _read(): void {
    const wanted = this.#wanted;
    this.#wanted = undefined;
    wanted?.();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#abort.abort(error ?? new Error('the node has ended'));
    this._read();
    done(error);
  }

  async #say(text: string): Promise<void> {
    const { timeoutMs, pauseMs } = this.#options;
    const command = this.#command;
    const reader = new WavReader();
    let resampler: Resampler | undefined;
    try {
      await runProgram({
        command: command.map((part) => part.replaceAll('{text}', text)),
        ...(!command.some((part) => part.includes('{text}')) && { input: text }),
        timeoutMs,
        signal: this.#abort.signal,
        onOutput: async (bytes) => {
          const samples = reader.push(bytes);
          if (!reader.format) return;
          resampler ??= await createResampler({ from: reader.format, to: this.#format, anyRate: true });
          await this.#give(resampler.process(samples));
        },
      });
      if (resampler) await this.#give(resampler.flush());
    } catch (error) {
      if (this.destroyed) return;
      this.#context.dropped('not said');
      this.#context.log.warn({ err: error }, 'a text was not said');
    } finally {
      resampler?.close();
    }
    const { sampleRate, numberOfChannels } = this.#format;
    await this.#give(new Int16Array(Math.round((sampleRate * pauseMs) / 1000) * numberOfChannels));
    await this.#giveChunk();
  }

  get #format(): { sampleRate: number; numberOfChannels: number } {
    return { sampleRate: this.#options.sampleRate, numberOfChannels: this.#options.channels };
  }

  /** Hands samples on in whole chunks, as fast as they are taken. */
  async #give(samples: Int16Array): Promise<void> {
    for (let at = 0; at < samples.length && !this.destroyed;) {
      const count = Math.min(samples.length - at, this.#chunk.length - this.#filled);
      this.#chunk.set(samples.subarray(at, at + count), this.#filled);
      this.#filled += count;
      at += count;
      if (this.#filled === this.#chunk.length) await this.#giveChunk();
    }
  }

  /** The chunk as it is, silent from where it was not filled. */
  async #giveChunk(): Promise<void> {
    if (this.#filled === 0 || this.destroyed) return;
    const { sampleRate, numberOfChannels } = this.#format;
    const timestamp = Math.round((this.#framesOut * 1_000_000) / sampleRate);
    const chunk = audioData(this.#chunk, sampleRate, numberOfChannels, timestamp);
    this.#framesOut += chunk.numberOfFrames;
    this.#chunk = this.#newChunk();
    this.#filled = 0;
    if (this.push(chunk)) return;
    await new Promise<void>((resolve) => {
      this.#wanted = resolve;
    });
  }

  #newChunk(): Int16Array {
    return new Int16Array(((this.#options.sampleRate * CHUNK_MS) / 1000) * this.#options.channels);
  }
}

function commandOf({ preset, voice, command }: TtsExecOptions, baseDir: string): readonly string[] {
  if (command) return command;
  if (preset === 'piper' && voice !== undefined)
    return ['piper', '--model', pathFrom(baseDir, voice), '--output_file', '-'];
  return ['espeak-ng', ...(voice === undefined ? [] : ['-v', voice]), '--stdin', '--stdout'];
}
