import { createResampler } from '../src/codecs/resampler.js';
import { concatSamples } from '../src/media/pcm.js';
import { runProgram } from '../src/speech/program.js';
import { WavReader } from '../src/speech/wav-reader.js';
import { SAMPLE_RATE } from './client.js';

/** Louder samples are voice. */
const VOICED = 500;

/** A text as espeak-ng says it, 48 kHz mono, from its first voiced sample to its last. */
export async function spokenClip(text: string): Promise<Int16Array> {
  const reader = new WavReader();
  const parts: Int16Array[] = [];
  await runProgram({
    command: ['espeak-ng', '-v', 'en-us', '-s', '140', '--stdin', '--stdout'],
    input: text,
    timeoutMs: 10_000,
    signal: new AbortController().signal,
    onOutput: (bytes) => void parts.push(reader.push(bytes)),
  });
  if (!reader.format) throw new Error('espeak-ng wrote nothing');
  const to = { sampleRate: SAMPLE_RATE, numberOfChannels: 1 } as const;
  const resampler = await createResampler({ from: reader.format, to, anyRate: true });
  const samples = concatSamples([resampler.process(concatSamples(parts)).slice(), resampler.flush().slice()]);
  resampler.close();
  return samples.slice(firstVoiced(samples), samples.findLastIndex((sample) => Math.abs(sample) > VOICED) + 1);
}

/** Where voice begins, -1 where there is none. */
export function firstVoiced(samples: Int16Array): number {
  return samples.findIndex((sample) => Math.abs(sample) > VOICED);
}
