import { randomUUID } from 'node:crypto';
import { unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { defineNode } from '../media/node.js';
import { pathFrom } from '../media/path-template.js';
import { wavHeader } from '../media/wav-header.js';
import { runProgram } from '../speech/program.js';
import type { Recogniser } from '../speech/recogniser.js';
import { Transcribing } from '../speech/transcribing.js';
import type { Utterance } from '../speech/utterances.js';

/** Programs whose arguments are known, as Debian installs them. */
const PRESETS = ['pocketsphinx'] as const;

const Options = z
  .strictObject({
    preset: z
      .enum(PRESETS)
      .optional()
      .describe(
        'A program whose arguments are known: `pocketsphinx` (pocketsphinx_continuous with its English model).',
      ),
    grammar: z
      .string()
      .optional()
      .describe(
        'Of the preset: file with the sentences that can be said (JSGF), relative to the pipeline file. Empty for none.',
      ),
    command: z
      .array(z.string())
      .min(1)
      .optional()
      .describe(
        'Program and arguments, run for each utterance; what it prints is the text. `{wav}` stands for a file with the sound; without it the file comes on standard input.',
      ),
    sampleRate: z
      .literal([8000, 16_000, 24_000, 48_000])
      .default(16_000)
      .describe('Samples per second of the sound that the program gets, in Hz; it is mono.'),
    leadMs: z
      .number()
      .min(0)
      .max(2000)
      .default(200)
      .describe('Sound before speech was found and after it ended that goes with it, in ms.'),
    maxMs: z
      .number()
      .min(1000)
      .max(600_000)
      .default(30_000)
      .describe('Longest utterance, in ms; what is longer is transcribed in parts.'),
    timeoutMs: z.number().min(100).max(600_000).default(20_000).describe('How long the program may take, in ms.'),
  })
  .refine(({ preset, command }) => (preset === undefined) !== (command === undefined), {
    message: 'Give either `command` or `preset`',
    path: ['command'],
  })
  .refine(({ preset, grammar }) => preset !== undefined || grammar === undefined, {
    message: 'Belongs to a preset',
    path: ['grammar'],
  });
type SttExecOptions = z.output<typeof Options>;

/**
 * Turns speech into text by a program that is run for each utterance. Utterances are found by the voice activity that comes in
 * beside the sound; without it all sound up to its end is one. What the program cannot understand is counted, and does not end the
 * node. Errors: SLUICE_PROGRAM_MISSING and SLUICE_SPEECH_FAILED are logged.
 */
export const sttExec = defineNode({
  type: 'stt-exec',
  summary: 'Turns speech into text by a program that is run for each utterance.',
  options: Options,
  inputs: ({ sampleRate }) => [
    { name: 'audio', formats: [{ kind: 'audio', sampleRate, numberOfChannels: 1 }], flow: 'push' },
    { name: 'activity', formats: [{ kind: 'voice-activity' }], optional: true, flow: 'push' },
  ],
  outputs: [{ name: 'out', formats: [{ kind: 'transcript' }] }],
  latency: ({ maxMs, timeoutMs }) => ({ minMs: 0, maxMs: maxMs + timeoutMs }),
  example: `sessions:
  room: { sessionId: demo }
nodes:
  voices: { type: subscriber, media: audio, streams: each }
  speech: { type: vad, from: voices }
  text:   { type: stt-exec, preset: pocketsphinx, from: [voices, speech] }
  file:   { type: jsonl, from: text, path: "out/{name}.jsonl" }`,
  create: (options, context) =>
    new Transcribing({
      recogniser: new ProgramRecogniser(commandOf(options, context.baseDir), options.timeoutMs),
      context,
      leadMs: options.leadMs,
      maxMs: options.maxMs,
    }),
});

class ProgramRecogniser implements Recogniser {
  readonly #command: readonly string[];
  readonly #timeoutMs: number;

  constructor(command: readonly string[], timeoutMs: number) {
    this.#command = command;
    this.#timeoutMs = timeoutMs;
  }

  async recognise(utterance: Utterance, signal: AbortSignal): Promise<{ text: string }> {
    const command = this.#command;
    const wav = wavOf(utterance);
    const path = command.some((part) => part.includes('{wav}'))
      ? join(tmpdir(), `sluice-${randomUUID()}.wav`)
      : undefined;
    const printed: Buffer[] = [];
    try {
      if (path !== undefined) await writeFile(path, wav, { mode: 0o600 });
      await runProgram({
        command: path === undefined ? command : command.map((part) => part.replaceAll('{wav}', path)),
        ...(path === undefined && { input: wav }),
        timeoutMs: this.#timeoutMs,
        signal,
        onOutput: (bytes) => void printed.push(Buffer.from(bytes)),
      });
    } finally {
      if (path !== undefined) await unlink(path).catch(() => undefined);
    }
    return { text: Buffer.concat(printed).toString('utf8').replaceAll(/\s+/g, ' ').trim() };
  }
}

function commandOf({ command, grammar = '' }: SttExecOptions, baseDir: string): readonly string[] {
  if (command) return command;
  const path = pathFrom(baseDir, grammar);
  const sentences = grammar === '' ? [] : ['-jsgf', path];
  return ['pocketsphinx_continuous', '-logfn', '/dev/null', ...sentences, '-infile', '{wav}'];
}

function wavOf({ samples, sampleRate, numberOfChannels }: Utterance): Uint8Array {
  return Buffer.concat([
    wavHeader(sampleRate, numberOfChannels, samples.byteLength),
    new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength),
  ]);
}
