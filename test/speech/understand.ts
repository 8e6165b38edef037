import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createResampler } from '../../src/codecs/resampler.js';
import { wavHeader } from '../../src/media/wav-header.js';
import { runProgram } from '../../src/speech/program.js';
import type { SpeechFormat } from '../../src/speech/synthesiser.js';

const RATE = 16_000;

/** Which of the sentences pocketsphinx hears in mono sound, one after the other; '' where it hears none. */
export async function understand(
  samples: Int16Array,
  { sampleRate }: SpeechFormat,
  sentences: readonly string[],
): Promise<string> {
  const resampler = await createResampler({
    from: { sampleRate, numberOfChannels: 1 },
    to: { sampleRate: RATE, numberOfChannels: 1 },
    anyRate: true,
  });
  const sound = resampler.process(samples);
  resampler.close();
  const path = join(tmpdir(), `sluice-test-${randomUUID()}`);
  let heard = '';
  try {
    await writeFile(`${path}.gram`, `#JSGF V1.0;\ngrammar said;\npublic <said> = (${sentences.join(' | ')})+;\n`);
    await writeFile(`${path}.wav`, [
      wavHeader(RATE, 1, sound.byteLength),
      new Uint8Array(sound.buffer, sound.byteOffset, sound.byteLength),
    ]);
    await runProgram({
      command: ['pocketsphinx_continuous', '-logfn', '/dev/null', '-jsgf', `${path}.gram`, '-infile', `${path}.wav`],
      timeoutMs: 60_000,
      signal: new AbortController().signal,
      onOutput: (bytes) => void (heard += Buffer.from(bytes).toString()),
    });
  } finally {
    for (const end of ['gram', 'wav']) await rm(`${path}.${end}`, { force: true });
  }
  return heard.replaceAll(/\s+/g, ' ').trim();
}
