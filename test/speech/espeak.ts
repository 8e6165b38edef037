import { createResampler } from '../../src/codecs/resampler.js';
import { concatSamples } from '../../src/media/pcm.js';
import { execTts } from '../../src/speech/tts/exec.js';
import { testContext } from '../nodes/node-lab.js';

/** What a text sounds like when espeak-ng says it: mono samples. */
export async function espeak(
  text: string,
  sampleRate: number,
  signal = new AbortController().signal,
): Promise<Int16Array> {
  const voice = execTts.create(execTts.options.parse({ voice: 'en-us' }), testContext());
  const parts: Int16Array[] = [];
  let heardRate = sampleRate;
  async function* whole(): AsyncGenerator<string> {
    yield await Promise.resolve(text);
  }
  const onAudio = (samples: Int16Array, format: { readonly sampleRate: number }): void => {
    heardRate = format.sampleRate;
    parts.push(samples);
  };
  await voice.say(whole(), { onAudio }, signal);
  const resampler = await createResampler({
    from: { sampleRate: heardRate, numberOfChannels: 1 },
    to: { sampleRate, numberOfChannels: 1 },
    anyRate: true,
  });
  const samples = concatSamples([resampler.process(concatSamples(parts)), resampler.flush()]);
  resampler.close();
  return samples;
}
