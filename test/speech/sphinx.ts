import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '../../src/speech/program.js';

/** What pocketsphinx heard. */
export interface Understood {
  readonly text: string;
  /** In seconds from the beginning of the sound. */
  readonly words: readonly { readonly word: string; readonly start: number; readonly end: number }[];
}

/** What pocketsphinx understands of a WAV file (16 kHz, mono) by a grammar, and when each word was said. */
export async function sphinx(wav: Uint8Array, grammar: string, signal: AbortSignal): Promise<Understood> {
  const path = join(tmpdir(), `sluice-test-${randomUUID()}.wav`);
  let printed = '';
  try {
    await writeFile(path, wav);
    await runProgram({
      command: ['pocketsphinx_continuous', '-logfn', '/dev/null', '-time', 'yes', '-jsgf', grammar, '-infile', path],
      timeoutMs: 60_000,
      signal,
      onOutput: (bytes) => void (printed += Buffer.from(bytes).toString()),
    });
  } finally {
    await rm(path, { force: true });
  }
  return understoodIn(printed);
}

/** A line is a text, or a word with its times and how likely it is; silence and noise stand in brackets. */
function understoodIn(printed: string): Understood {
  const lines = printed.split('\n').filter((line) => line !== '');
  const timed = lines.map((line) => /^(\S+) ([\d.]+) ([\d.]+) [\d.]+$/.exec(line));
  const words = timed.flatMap((found) => {
    const [, word = '', start, end] = found ?? [];
    return word === '' || /^[<[+]/.test(word)
      ? []
      : [{ word: word.replace(/\(\d+\)$/, ''), start: Number(start), end: Number(end) }];
  });
  return { text: lines.filter((_, i) => !timed[i]).join(' '), words };
}
