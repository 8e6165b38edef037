import { z } from 'zod';
import { defineEngine } from '../engine.js';
import type { ListenOptions, Listening, StreamingRecogniser } from '../recogniser.js';
import { serviceUrl } from '../service-url.js';
import { DeepgramListening } from './deepgram-listening.js';

const Options = z.strictObject({
  baseUrl: z
    .url({ protocol: /^wss?$/ })
    .default('wss://api.deepgram.com/v1')
    .describe('Address of the service, up to and without `/listen`.'),
  apiKey: z
    .string()
    .optional()
    .meta({ secret: true })
    .describe('Key of the service; a server of your own may need none.'),
  model: z.string().min(1).default('nova-3').describe('Name of the model.'),
  language: z.string().min(2).optional().describe('What is spoken, as `en` or `de-CH`; without it English.'),
  interimResults: z
    .boolean()
    .default(true)
    .describe('Give what is understood so far while somebody still speaks; the final text takes its place.'),
  smartFormat: z.boolean().default(true).describe('Write numbers, dates and sentences as people do.'),
  endpointingMs: z
    .number()
    .min(10)
    .max(10_000)
    .optional()
    .describe('Silence after which the service makes a text final, in ms; without it as the service has it.'),
  keyterms: z.array(z.string().min(1)).max(100).default([]).describe('Words and names that are likely to be said.'),
  keepMs: z
    .number()
    .min(0)
    .max(60_000)
    .default(15_000)
    .describe('Sound that is not final text yet and is sent again where the connection breaks, in ms at most.'),
  timeoutMs: z
    .number()
    .min(100)
    .max(600_000)
    .default(10_000)
    .describe('How long the service may show no sign of life, and may take to end, in ms.'),
});
type DeepgramOptions = z.output<typeof Options>;

/** Understands speech by Deepgram while it comes, over one socket a speaker; tells when each word was said. */
export const deepgramStt = defineEngine({
  type: 'stt-deepgram',
  kind: 'stt',
  options: Options,
  needs: ({ baseUrl, apiKey }) => [
    {
      kind: 'service',
      url: serviceUrl(baseUrl.replace(/^ws/, 'http'), '/projects'),
      headers: headersOf(apiKey),
      mend: 'Give a key of Deepgram (apiKey).',
    },
  ],
  create: (options) => new DeepgramRecogniser(options),
});

class DeepgramRecogniser implements StreamingRecogniser {
  readonly #options: DeepgramOptions;

  constructor(options: DeepgramOptions) {
    this.#options = options;
  }

  async listen(options: ListenOptions): Promise<Listening> {
    const { baseUrl, apiKey, keepMs, timeoutMs } = this.#options;
    const url = serviceUrl(baseUrl, `/listen?${queryOf(this.#options, options.sampleRate).toString()}`);
    const listening = new DeepgramListening(
      { url, headers: headersOf(apiKey), secret: apiKey, keepMs, timeoutMs },
      options,
    );
    await listening.open();
    return listening;
  }
}

function queryOf(options: DeepgramOptions, sampleRate: number): URLSearchParams {
  const { model, language, interimResults, smartFormat, endpointingMs, keyterms } = options;
  const query = new URLSearchParams({
    model,
    encoding: 'linear16',
    sample_rate: String(sampleRate),
    channels: '1',
    interim_results: String(interimResults),
    smart_format: String(smartFormat),
  });
  if (language !== undefined) query.set('language', language);
  if (endpointingMs !== undefined) query.set('endpointing', String(endpointingMs));
  for (const term of keyterms) query.append('keyterm', term);
  return query;
}

function headersOf(apiKey: string | undefined): Readonly<Record<string, string>> {
  return apiKey === undefined ? {} : { authorization: `Token ${apiKey}` };
}
