import { z } from 'zod';
import { type EngineContext, defineEngine } from '../engine.js';
import { askService } from '../http-service.js';
import { openaiNeed, openaiRequest, openaiShape } from '../openai-service.js';
import { PcmReader } from '../pcm-reader.js';
import { type Sound, type SoundChunk, sayBySentence } from '../sentence-by-sentence.js';
import type { SpeechListener, Synthesiser } from '../synthesiser.js';
import { unplayable } from '../voice-failure.js';
import { WavReader } from '../wav-reader.js';

const Options = z.strictObject({
  ...openaiShape('/audio/speech'),
  model: z.string().min(1).default('gpt-4o-mini-tts').describe('Name of the model.'),
  voice: z.string().min(1).default('alloy').describe('Name of the voice.'),
  instructions: z.string().min(1).optional().describe('How to speak, in words; not every model listens to it.'),
  speed: z.number().min(0.25).max(4).optional().describe('How fast to speak: 1 is the pace of the voice.'),
  format: z
    .enum(['pcm', 'wav'])
    .default('pcm')
    .describe('What to ask for: `pcm` begins soonest, `wav` says its sample rate itself.'),
  pcmSampleRate: z
    .int()
    .min(8000)
    .max(48_000)
    .default(24_000)
    .describe('Of `pcm`: samples per second that the service sends, in Hz; they are mono, of 16 bits.'),
  timeoutMs: z.number().min(100).max(600_000).default(15_000).describe('How long the service may give nothing, in ms.'),
});
type OpenaiOptions = z.output<typeof Options>;

/** Says sentences by a service that speaks OpenAI's API for speech, each as soon as it is complete, and while it is still made. */
export const openaiTts = defineEngine({
  type: 'tts-openai',
  kind: 'tts',
  options: Options,
  needs: (options) => [openaiNeed(options)],
  create: (options, context) => new OpenaiSynthesiser(options, context),
});

/** Sound in another coding, by its type. */
const CODED = /^(?:audio\/(?:mpeg|mp3|ogg|opus|aac|flac|mp4|webm)|text\/|application\/(?!octet-stream))/;

class OpenaiSynthesiser implements Synthesiser {
  readonly #options: OpenaiOptions;
  readonly #context: EngineContext;

  constructor(options: OpenaiOptions, context: EngineContext) {
    this.#options = options;
    this.#context = context;
  }

  say(text: AsyncIterable<string>, listener: SpeechListener, signal: AbortSignal): Promise<void> {
    return sayBySentence(text, listener, signal, (sentence, ending) => this.#ask(sentence, ending));
  }

  async #ask(input: string, signal: AbortSignal): Promise<Sound> {
    const { model, voice, instructions, speed, format, timeoutMs } = this.#options;
    const begunUs = this.#context.clock.nowUs();
    const { contentType, body } = await askService({
      ...openaiRequest(this.#options, '/audio/speech'),
      body: () => JSON.stringify({ model, voice, input, instructions, speed, response_format: format }),
      timeoutMs,
      signal,
    });
    this.#context.measured('first byte', (this.#context.clock.nowUs() - begunUs) / 1000);
    if (CODED.test(contentType)) {
      await body.return(undefined);
      throw unplayable({
        found: contentType,
        expected: format === 'wav' ? 'a WAV file' : '16-bit PCM',
        mend: 'Ask for the other format, or use a service that has it.',
      });
    }
    return format === 'wav' ? fromWav(body) : fromPcm(body, this.#options.pcmSampleRate);
  }
}

async function* fromPcm(body: AsyncIterable<Uint8Array>, sampleRate: number): AsyncGenerator<SoundChunk> {
  const reader = new PcmReader();
  const format = { sampleRate, numberOfChannels: 1 };
  for await (const bytes of body) yield { samples: reader.push(bytes), format };
}

async function* fromWav(body: AsyncIterable<Uint8Array>): AsyncGenerator<SoundChunk> {
  const reader = new WavReader();
  for await (const bytes of body) {
    const samples = reader.push(bytes);
    if (reader.format && samples.length > 0) yield { samples, format: reader.format };
  }
}
