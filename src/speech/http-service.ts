import type { SluiceError } from '../media/errors.js';
import { ServiceFailure, breakage, lateness, refusal, retrying } from './service-failure.js';

export interface HttpRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Called for each try; a text is JSON. */
  readonly body: () => string | FormData;
  /** How long nothing may come, before the first byte and between bytes, in ms. */
  readonly timeoutMs: number;
  /** Ends it; what waits then throws the reason. */
  readonly signal: AbortSignal;
  /** Is in the headers, and is kept out of errors. */
  readonly secret?: string | undefined;
}

export interface HttpAnswer {
  /** As `audio/wav`, without parameters, in small letters; '' where the service does not say. */
  readonly contentType: string;
  /** What comes, as it comes. Has to be read to its end, or be given up by `return()`, which ends the request. Errors as `askService`. */
  readonly body: AsyncGenerator<Uint8Array>;
}

/**
 * Posts to a service. Settles with the first byte of its answer; before that it is tried again where this may help. Errors:
 * SLUICE_SERVICE_REFUSED for a key, a quota or a request that it does not take, SLUICE_SPEECH_FAILED where it breaks or takes too long,
 * both with `retryable`; the signal's reason. However it ends, no request is left.
 */
export function askService(request: HttpRequest): Promise<HttpAnswer> {
  return retrying(request.signal, () => ask(request));
}

/** Of what a service says about an error, in characters. */
const MAX_READ = 2000;

type Reader = ReadableStreamDefaultReader<Uint8Array>;

async function ask(request: HttpRequest): Promise<HttpAnswer> {
  const exchange = new Exchange(request);
  try {
    const asked = request.body();
    const response = await exchange.within(() =>
      fetch(request.url, {
        method: 'POST',
        headers:
          typeof asked === 'string' ? { 'content-type': 'application/json', ...request.headers } : request.headers,
        body: asked,
        signal: exchange.signal,
        redirect: 'error',
      }),
    );
    if (!response.ok) throw await refused(response, request, exchange);
    const reader = response.body?.getReader() as Reader | undefined;
    const first = reader && (await exchange.within(() => reader.read()));
    const contentType = (response.headers.get('content-type') ?? '').replace(/;.*/s, '').trim().toLowerCase();
    const body = bytesOf(exchange, reader, first);
    // Only what has begun can be given up.
    await body.next();
    return { contentType, body };
  } catch (error) {
    exchange.end();
    throw error instanceof ServiceFailure ? error : new ServiceFailure(exchange.failure(error));
  }
}

async function* bytesOf(
  exchange: Exchange,
  reader: Reader | undefined,
  first: Awaited<ReturnType<Reader['read']>> | undefined,
): AsyncGenerator<Uint8Array> {
  try {
    yield new Uint8Array(0);
    for (let next = first; reader && next?.done === false;) {
      yield next.value;
      try {
        next = await exchange.within(() => reader.read());
      } catch (error) {
        throw exchange.failure(error);
      }
    }
  } finally {
    exchange.end();
  }
}

/** One request, from its beginning to the last byte. */
class Exchange {
  readonly #request: HttpRequest;
  readonly #controller = new AbortController();
  readonly #stop = (): void => {
    this.#controller.abort(this.#request.signal.reason);
  };
  #isLate = false;

  constructor(request: HttpRequest) {
    this.#request = request;
    request.signal.throwIfAborted();
    request.signal.addEventListener('abort', this.#stop, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Waits for something, but not too long. */
  async within<T>(wait: () => Promise<T>): Promise<T> {
    const timer = setTimeout(() => {
      this.#isLate = true;
      this.#controller.abort();
    }, this.#request.timeoutMs);
    try {
      return await wait();
    } finally {
      clearTimeout(timer);
    }
  }

  end(): void {
    this.#request.signal.removeEventListener('abort', this.#stop);
    this.#controller.abort();
  }

  /** What went wrong, in words. Throws the reason where it was ended from outside. */
  failure(error: unknown): SluiceError {
    const { signal, timeoutMs, url } = this.#request;
    signal.throwIfAborted();
    return this.#isLate ? lateness(url, timeoutMs) : breakage(this.#request, error);
  }
}

async function refused(response: Response, request: HttpRequest, exchange: Exchange): Promise<ServiceFailure> {
  const { status, statusText, headers } = response;
  const said = await exchange.within(() => complaintOf(response));
  return refusal(request, { status, statusText, said, retryAfter: headers.get('retry-after') });
}

/** As much of it as is worth reading. */
async function complaintOf(response: Response): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  const reader = response.body?.getReader() as Reader | undefined;
  while (reader && text.length < MAX_READ) {
    const { done, value } = await reader.read();
    if (done) break;
    text += decoder.decode(value, { stream: true });
  }
  void reader?.cancel().catch(() => undefined);
  return text;
}
