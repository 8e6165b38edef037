import { z } from 'zod';
import { SAMPLE_RATES, audioData, type AudioData } from '../media/audio-data.js';
import { audioOptions, type FormatPattern } from '../media/format.js';
import type { PipelineValue } from '../media/media-value.js';
import { defineNode, type PortDef } from '../media/node.js';
import { LineSplitter } from '../speech/line-splitter.js';
import { ProgramStream, type OutputDecoder } from '../speech/program-stream.js';

const WAYS = ['audio', 'text', 'none'] as const;
const CHUNK_MS = 20;

const Options = z
  .strictObject({
    command: z.array(z.string()).min(1).describe('Program and arguments.'),
    input: z
      .enum(WAYS)
      .default('audio')
      .describe(
        'What goes to its standard input: `audio`, 16-bit little-endian PCM; `text`, a line for each text or final transcript; or nothing.',
      ),
    output: z
      .enum(WAYS)
      .default('audio')
      .describe(
        'What it writes to its standard output: `audio`, the same PCM; `text`, lines, those of more than 4000 characters in parts; or nothing.',
      ),
    sampleRate: z.literal(SAMPLE_RATES).default(16_000).describe('Samples per second of the PCM, in Hz.'),
    channels: z.literal([1, 2]).default(1).describe('Channels of the PCM: 1 for mono, 2 for stereo.'),
    endMs: z
      .number()
      .min(0)
      .max(600_000)
      .default(10_000)
      .describe('How long it may take to end after its input has ended, in ms.'),
  })
  .refine(({ input, output }) => input !== 'none' || output !== 'none', {
    message: 'At least one of input and output must not be none',
    path: ['output'],
  });
type ExecOptions = z.output<typeof Options>;

/**
 * Runs a program for as long as the node: values go to its standard input, and what it writes comes out, each no faster than it is
 * taken. Ends when the program does. What it says on standard error is logged (debug). Not for tests on a virtual clock, which a
 * program knows nothing of. Errors: SLUICE_PROGRAM_MISSING; SLUICE_PROGRAM_FAILED when it ends with another exit code than 0, or not in
 * time.
 */
export const exec = defineNode({
  type: 'exec',
  summary: 'Runs a program that takes and gives sound or text.',
  options: Options,
  inputs: (options) => portsOf('in', options.input, options, [{ kind: 'text' }, { kind: 'transcript' }]),
  outputs: (options) => portsOf('out', options.output, options, [{ kind: 'text' }]),
  adapts: audioOptions,
  needs: ({ command }) => [{ kind: 'program', name: command[0] ?? '' }],
  example: `nodes:
  clip: { type: file, path: speech.ogg }
  sox:  { type: exec, from: clip.audio, command: [sox, -traw, -r16k, -es, -b16, -c1, "-", -traw, "-", reverb] }
  file: { type: wav, from: sox, path: out/reverb.wav }`,
  create: (options, context) =>
    new ProgramStream({
      command: options.command,
      context,
      encode,
      decoder: decoderOf(options),
      isSource: options.input === 'none',
      isSink: options.output === 'none',
      endMs: options.endMs,
    }),
});

function portsOf<Name extends string>(
  name: Name,
  way: ExecOptions['input'],
  { sampleRate, channels }: ExecOptions,
  texts: readonly FormatPattern[],
): readonly PortDef<Name>[] {
  if (way === 'none') return [];
  const audio: FormatPattern = { kind: 'audio', sampleRate, numberOfChannels: channels };
  return [{ name, formats: way === 'audio' ? [audio] : texts }];
}

function encode(value: PipelineValue): Uint8Array | undefined {
  switch (value.kind) {
    case 'audio':
      return new Uint8Array(value.data.buffer, value.data.byteOffset, value.data.byteLength);
    case 'text':
      return Buffer.from(value.isFinal ? `${value.text}\n` : value.text);
    case 'transcript':
      return value.isFinal ? Buffer.from(`${value.text}\n`) : undefined;
    default:
      return undefined;
  }
}

function decoderOf(options: ExecOptions): OutputDecoder {
  switch (options.output) {
    case 'audio':
      return new Pcm(options);
    case 'text':
      return new LineSplitter();
    case 'none':
      return { push: () => [], end: () => [] };
  }
}

/** Chunks of 20 ms of PCM that comes in parts of any length. */
class Pcm implements OutputDecoder {
  readonly #sampleRate: ExecOptions['sampleRate'];
  readonly #channels: 1 | 2;
  #bytes: Uint8Array;
  #filled = 0;
  #frames = 0;

  constructor({ sampleRate, channels }: ExecOptions) {
    this.#sampleRate = sampleRate;
    this.#channels = channels;
    this.#bytes = this.#newBytes();
  }

  push(bytes: Uint8Array): AudioData[] {
    const chunks: AudioData[] = [];
    for (let at = 0; at < bytes.length;) {
      const count = Math.min(bytes.length - at, this.#bytes.length - this.#filled);
      this.#bytes.set(bytes.subarray(at, at + count), this.#filled);
      this.#filled += count;
      at += count;
      if (this.#filled === this.#bytes.length) chunks.push(this.#chunk());
    }
    return chunks;
  }

  end(): AudioData[] {
    return this.#filled >= 2 * this.#channels ? [this.#chunk()] : [];
  }

  /** The whole frames of what has come. */
  #chunk(): AudioData {
    const samples = Math.floor(this.#filled / (2 * this.#channels)) * this.#channels;
    const data = new Int16Array(this.#bytes.buffer, 0, samples);
    const timestamp = Math.round((this.#frames * 1_000_000) / this.#sampleRate);
    const chunk = audioData(data, this.#sampleRate, this.#channels, timestamp);
    this.#frames += chunk.numberOfFrames;
    this.#bytes = this.#newBytes();
    this.#filled = 0;
    return chunk;
  }

  #newBytes(): Uint8Array {
    return new Uint8Array(((this.#sampleRate * CHUNK_MS) / 1000) * 2 * this.#channels);
  }
}
