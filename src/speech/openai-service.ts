import { z } from 'zod';
import type { Need } from '../media/need.js';
import { serviceUrl } from './service-url.js';

/** Options of every engine whose service speaks an API of OpenAI; `path` is that of the API, `who` names some that do. */
export function openaiShape(path: string, who = '') {
  return {
    baseUrl: z
      .url({ protocol: /^https?$/ })
      .refine((url) => !hasUser(url), { message: 'Expected an address without a user: the key is `apiKey`' })
      .default('https://api.openai.com/v1')
      .describe(`Address of the service, up to and without \`${path}\`${who}.`),
    apiKey: z
      .string()
      .optional()
      .meta({ secret: true })
      .describe('Key of the service; a server of your own may need none.'),
  };
}
interface OpenaiService {
  readonly baseUrl: string;
  readonly apiKey?: string | undefined;
}

/** The service itself, which is asked for its models. */
export function openaiNeed({ baseUrl, apiKey }: OpenaiService): Need {
  return {
    kind: 'service',
    url: serviceUrl(baseUrl, '/models'),
    ...(apiKey !== undefined && { headers: authorization(apiKey) }),
  };
}

/** Where and as whom it is asked: a part of a request. */
export function openaiRequest({ baseUrl, apiKey }: OpenaiService, path: string) {
  return {
    url: serviceUrl(baseUrl, path),
    headers: apiKey === undefined ? {} : authorization(apiKey),
    secret: apiKey,
  };
}

/** What comes before an `@`, which no request takes. */
function hasUser(url: string): boolean {
  return URL.canParse(url) && (new URL(url).username !== '' || new URL(url).password !== '');
}

function authorization(apiKey: string): { authorization: string } {
  return { authorization: `Bearer ${apiKey}` };
}
