import { z } from 'zod';
import type { Need } from '../../media/need.js';
import { pathFrom } from '../../media/path-template.js';
import { defineEngine } from '../engine.js';
import { runProgram } from '../program.js';
import { sentences } from '../sentences.js';
import type { SpeechListener, Synthesiser } from '../synthesiser.js';
import { untilAborted } from '../until-aborted.js';
import { silentVoice } from '../voice-failure.js';
import { WavReader } from '../wav-reader.js';
import { wordsOf } from '../words.js';

/** Programs whose arguments are known. */
const PRESETS = ['espeak-ng', 'piper'] as const;
/** How they are had. */
const INSTALL: Readonly<Record<string, string>> = {
  'espeak-ng': 'Install it (`apt install espeak-ng`, `brew install espeak-ng`).',
  piper: 'Install it (`pip install piper-tts`).',
};
const VOICE_MEND =
  'Get a voice of https://huggingface.co/rhasspy/piper-voices: its .onnx and, beside it, its .onnx.json.';

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
        'Program and arguments, run for each sentence; it prints a WAV file. `{text}` stands for the text; without it the text comes on standard input.',
      ),
    timeoutMs: z
      .number()
      .min(100)
      .max(600_000)
      .default(30_000)
      .describe(
        'How long the program may take for a sentence, in ms; the time does not count in which its sound is not taken.',
      ),
  })
  .refine(({ preset, voice, command }) => command === undefined || (preset === undefined && voice === undefined), {
    message: 'Give either `command` or `preset` and `voice`',
    path: ['command'],
  })
  .refine(({ preset, voice }) => preset !== 'piper' || voice !== undefined, {
    message: 'piper needs the path of a model',
    path: ['voice'],
  });
type ExecOptions = z.output<typeof Options>;

/** Says sentences by a program that is run for each of them, as soon as it is complete; the sound comes while the program still writes. */
export const execTts = defineEngine({
  type: 'tts-exec',
  kind: 'tts',
  options: Options,
  needs: (options, baseDir) => {
    const [name = ''] = commandOf(options, baseDir);
    const { command, preset, voice } = options;
    const mend = command ? undefined : INSTALL[name];
    const model = preset === 'piper' && voice !== undefined ? pathFrom(baseDir, voice) : undefined;
    return [
      { kind: 'program', name, ...(mend !== undefined && { mend }) },
      ...(model === undefined ? [] : [{ kind: 'file', path: model, mend: VOICE_MEND } as const]),
    ] satisfies Need[];
  },
  create: (options, { baseDir }) => new ProgramSynthesiser(commandOf(options, baseDir), options.timeoutMs),
});

class ProgramSynthesiser implements Synthesiser {
  readonly #command: readonly string[];
  readonly #timeoutMs: number;

  constructor(command: readonly string[], timeoutMs: number) {
    this.#command = command;
    this.#timeoutMs = timeoutMs;
  }

  async say(text: AsyncIterable<string>, listener: SpeechListener, signal: AbortSignal): Promise<void> {
    for await (const sentence of sentences(untilAborted(text, signal))) {
      if (wordsOf(sentence.text).length > 0) await this.#saySentence(sentence.text, listener, signal);
      listener.onText?.(sentence.end);
    }
  }

  async #saySentence(text: string, listener: SpeechListener, signal: AbortSignal): Promise<void> {
    const reader = new WavReader();
    const command = this.#command;
    let length = 0;
    await runProgram({
      command: command.map((part) => part.replaceAll('{text}', () => text)),
      ...(!command.some((part) => part.includes('{text}')) && { input: text }),
      timeoutMs: this.#timeoutMs,
      signal,
      onOutput: (bytes) => {
        const samples = reader.push(bytes);
        length += samples.length;
        return reader.format && samples.length > 0 ? listener.onAudio(samples, reader.format) : undefined;
      },
    });
    if (length === 0) throw silentVoice();
  }
}

function commandOf({ preset, voice, command }: ExecOptions, baseDir: string): readonly string[] {
  if (command) return command;
  if (preset === 'piper' && voice !== undefined)
    return ['piper', '--model', pathFrom(baseDir, voice), '--output_file', '-'];
  return ['espeak-ng', ...(voice === undefined ? [] : ['-v', voice]), '--stdin', '--stdout'];
}
