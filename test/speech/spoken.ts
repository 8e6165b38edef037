import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createResampler } from '../../src/codecs/resampler.js';
import { concatSamples } from '../../src/media/pcm.js';
import { runProgram } from '../../src/speech/program.js';
import type { Utterance } from '../../src/speech/utterances.js';
import { WavReader } from '../../src/speech/wav-reader.js';

/** What pocketsphinx understands by the grammar below. */
export const COMMANDS = ['turn on the light', 'open the door', 'what time is it', 'good night', 'goodbye'] as const;

/** Of what `spoken` gives, in Hz. */
export const SPOKEN_RATE = 16_000;

/** Writes a grammar of the commands; its path. */
export async function commandGrammar(folder: string): Promise<string> {
  const path = join(folder, 'commands.gram');
  await writeFile(path, `#JSGF V1.0;\ngrammar commands;\npublic <command> = ${COMMANDS.join(' | ')};\n`);
  return path;
}

/** What was said before, by its text. */
const said = new Map<string, Promise<Int16Array>>();

/** How espeak-ng says a text, mono at 16 kHz, with a little silence around it. */
export function spoken(text: string): Promise<Int16Array> {
  const saying = said.get(text) ?? say(text);
  said.set(text, saying);
  return saying;
}

async function say(text: string): Promise<Int16Array> {
  const silence = new Int16Array(SPOKEN_RATE / 4);
  return concatSamples([silence, await espeak(text, SPOKEN_RATE, { wordsPerMinute: 140 }), silence]);
}

/** How espeak-ng says a text, mono, at any rate in Hz. */
export async function espeak(
  text: string,
  sampleRate: number,
  { wordsPerMinute = 175, signal = new AbortController().signal } = {},
): Promise<Int16Array> {
  const reader = new WavReader();
  const parts: Int16Array[] = [];
  await runProgram({
    command: ['espeak-ng', '-v', 'en-us', '-s', String(wordsPerMinute), '--stdin', '--stdout'],
    input: text,
    timeoutMs: 60_000,
    signal,
    onOutput: (bytes) => void parts.push(reader.push(bytes)),
  });
  const resampler = await createResampler({
    from: reader.format!,
    to: { sampleRate, numberOfChannels: 1 },
    anyRate: true,
  });
  const samples = concatSamples([resampler.process(concatSamples(parts)), resampler.flush()]);
  resampler.close();
  return samples;
}

/** Mono sound at 16 kHz as an utterance that begins at `startUs`. */
export function utterance(samples: Int16Array, startUs = 0): Utterance {
  const endUs = startUs + Math.round((samples.length * 1_000_000) / SPOKEN_RATE);
  return { samples, sampleRate: SPOKEN_RATE, numberOfChannels: 1, startUs, endUs };
}
