import { randomUUID } from 'node:crypto';
import { unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { Need } from '../../media/need.js';
import { pathFrom } from '../../media/path-template.js';
import { defineEngine } from '../engine.js';
import { readProgram } from '../program-text.js';
import type { Recogniser } from '../recogniser.js';
import { type Utterance, utteranceWav } from '../utterances.js';

/** Programs whose arguments are known, as Debian installs them. */
const PRESETS = ['pocketsphinx'] as const;
const INSTALL = 'Install it, and its English model (`apt install pocketsphinx pocketsphinx-en-us` on Debian 12).';

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
type ExecOptions = z.output<typeof Options>;

/** Understands utterances by a program that is run for each of them. */
export const execStt = defineEngine({
  type: 'stt-exec',
  kind: 'stt',
  options: Options,
  needs: (options, baseDir) => {
    const [name = ''] = commandOf(options, baseDir);
    const { grammar = '' } = options;
    const path = pathFrom(baseDir, grammar);
    return [
      { kind: 'program', name, ...(!options.command && { mend: INSTALL }) },
      ...(grammar === '' ? [] : [{ kind: 'file', path } as const]),
    ] satisfies Need[];
  },
  create: (options, { baseDir }) => new ProgramRecogniser(commandOf(options, baseDir), options.timeoutMs),
});

class ProgramRecogniser implements Recogniser {
  readonly #command: readonly string[];
  readonly #timeoutMs: number;

  constructor(command: readonly string[], timeoutMs: number) {
    this.#command = command;
    this.#timeoutMs = timeoutMs;
  }

  async recognise(utterance: Utterance, signal: AbortSignal): Promise<{ text: string }> {
    signal.throwIfAborted();
    const command = this.#command;
    const wav = utteranceWav(utterance);
    const path = command.some((part) => part.includes('{wav}'))
      ? join(tmpdir(), `sluice-${randomUUID()}.wav`)
      : undefined;
    let printed = '';
    try {
      if (path !== undefined) await writeFile(path, wav, { mode: 0o600 });
      await readProgram(
        {
          command: path === undefined ? command : command.map((part) => part.replaceAll('{wav}', () => path)),
          ...(path === undefined && { input: wav }),
          timeoutMs: this.#timeoutMs,
          signal,
        },
        (text) => {
          printed += text;
        },
      );
    } finally {
      if (path !== undefined) await unlink(path).catch(() => undefined);
    }
    return { text: printed.replaceAll(/\s+/g, ' ').trim() };
  }
}

function commandOf({ command, grammar = '' }: ExecOptions, baseDir: string): readonly string[] {
  if (command) return command;
  const path = pathFrom(baseDir, grammar);
  const sentences = grammar === '' ? [] : ['-jsgf', path];
  return ['pocketsphinx_continuous', '-logfn', '/dev/null', ...sentences, '-infile', '{wav}'];
}
