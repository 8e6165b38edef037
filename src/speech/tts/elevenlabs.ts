import { z } from 'zod';
import { type EngineContext, defineEngine } from '../engine.js';
import { RepeatableText } from '../repeatable-text.js';
import { retrying } from '../service-failure.js';
import { serviceUrl } from '../service-url.js';
import type { SpeechListener, Synthesiser } from '../synthesiser.js';
import { ElevenlabsSocket } from './elevenlabs-socket.js';

const Options = z.strictObject({
  baseUrl: z
    .url({ protocol: /^wss?$/ })
    .default('wss://api.elevenlabs.io/v1')
    .describe('Address of the service, up to and without `/text-to-speech`.'),
  apiKey: z.string().min(1).meta({ secret: true }).describe('Key of the service.'),
  voice: z.string().min(1).describe('Id of the voice.'),
  model: z.string().min(1).default('eleven_flash_v2_5').describe('Id of the model.'),
  language: z.string().min(2).optional().describe('Language of the text, as `de`; without it the model finds out.'),
  stability: z.number().min(0).max(1).optional().describe('How alike it sounds each time, 0 to 1.'),
  similarity: z.number().min(0).max(1).optional().describe('How close it keeps to the voice, 0 to 1.'),
  speed: z.number().min(0.7).max(1.2).optional().describe('How fast to speak: 1 is the pace of the voice.'),
  pcmSampleRate: z
    .literal([8000, 16_000, 22_050, 24_000, 44_100, 48_000])
    .default(24_000)
    .describe('Samples per second to ask for, in Hz; higher ones may need a higher plan.'),
  timeoutMs: z
    .number()
    .min(100)
    .max(600_000)
    .default(15_000)
    .describe('How long the service may give nothing that it owes, in ms.'),
});
type ElevenlabsOptions = z.output<typeof Options>;

/** Says texts by ElevenLabs while they are still written, over a socket for each text; tells when each word is said. */
export const elevenlabsTts = defineEngine({
  type: 'tts-elevenlabs',
  kind: 'tts',
  options: Options,
  needs: ({ baseUrl, apiKey }) => [
    {
      kind: 'service',
      url: serviceUrl(baseUrl.replace(/^ws/, 'http'), '/models'),
      headers: { 'xi-api-key': apiKey },
      mend: 'Give a key of ElevenLabs (apiKey).',
    },
  ],
  create: (options, context) => new ElevenlabsSynthesiser(options, context),
});

class ElevenlabsSynthesiser implements Synthesiser {
  readonly #options: ElevenlabsOptions;
  readonly #context: EngineContext;

  constructor(options: ElevenlabsOptions, context: EngineContext) {
    this.#options = options;
    this.#context = context;
  }

  async say(text: AsyncIterable<string>, listener: SpeechListener, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const source = new RepeatableText(text);
    try {
      await retrying(signal, async () => {
        const socket = new ElevenlabsSocket(this.#options, listener, this.#context);
        await socket.say(source.from(0), signal);
      });
    } finally {
      source.close();
    }
  }
}
