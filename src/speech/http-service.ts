import { setTimeout as pause } from 'node:timers/promises';
import { SluiceError } from '../media/errors.js';
import { publicUrl } from '../media/public-url.js';

export interface HttpRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Called for each try. */
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
  /** What comes, as it comes. Has to be read to its end, or be given up by `return()`. Errors as `askService`. */
  readonly body: AsyncGenerator<Uint8Array>;
}

/** A request that failed is made so many times again, as long as nothing has come. */
const MAX_RETRIES = 2;
/** Before the first of them, in ms; twice as long each time. */
const BACKOFF_MS = 250;
/** A service that wants more time is not waited for, in ms. */
const MAX_WAIT_MS = 5000;
/** Of what a service says about an error, in characters. */
const MAX_COMPLAINT = 500;

/**
 * Posts to a service. Settles with the first byte of its answer; before that it is tried again where this may help. Errors:
 * SLUICE_SERVICE_REFUSED for a key, a quota or a request that it does not take, SLUICE_SPEECH_FAILED where it breaks or takes too long,
 * both with `retryable`; the signal's reason. However it ends, no request is left.
 */
export async function askService(request: HttpRequest): Promise<HttpAnswer> {
  for (let tries = 0; ; tries++) {
    try {
      return await ask(request);
    } catch (error) {
      request.signal.throwIfAborted();
      if (!(error instanceof Failure)) throw error;
      const waitMs = error.waitMs ?? BACKOFF_MS * 2 ** tries;
      if (error.error.retryable !== true || tries === MAX_RETRIES || waitMs > MAX_WAIT_MS) throw error.error;
      await pause(waitMs, undefined, { signal: request.signal }).catch(() => {
        request.signal.throwIfAborted();
      });
    }
  }
}

/** Why one try failed. */
class Failure extends Error {
  readonly error: SluiceError;
  /** As the service asked for. */
  readonly waitMs: number | undefined;

  constructor(error: SluiceError, waitMs?: number) {
    super(error.message);
    this.error = error;
    this.waitMs = waitMs;
  }
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

async function ask(request: HttpRequest): Promise<HttpAnswer> {
  const exchange = new Exchange(request);
  try {
    const response = await exchange.within(() =>
      fetch(request.url, {
        method: 'POST',
        headers: request.headers,
        body: request.body(),
        signal: exchange.signal,
        redirect: 'error',
      }),
    );
    if (!response.ok) throw await refused(response, request, exchange);
    const reader = response.body?.getReader() as Reader | undefined;
    const first = reader && (await exchange.within(() => reader.read()));
    const contentType = (response.headers.get('content-type') ?? '').replace(/;.*/s, '').trim().toLowerCase();
    return { contentType, body: bytesOf(exchange, reader, first) };
  } catch (error) {
    exchange.end();
    throw error instanceof Failure ? error : new Failure(exchange.failure(error));
  }
}

async function* bytesOf(
  exchange: Exchange,
  reader: Reader | undefined,
  first: Awaited<ReturnType<Reader['read']>> | undefined,
): AsyncGenerator<Uint8Array> {
  try {
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
    const address = publicUrl(url);
    if (this.#isLate) {
      return new SluiceError('SLUICE_SPEECH_FAILED', `${address} gave nothing for ${timeoutMs} ms`, {
        retryable: true,
        mend: 'Give it more time (timeoutMs), or look at the service.',
      });
    }
    return new SluiceError('SLUICE_SPEECH_FAILED', `the connection to ${address} failed: ${reasonOf(error)}`, {
      retryable: true,
      mend: 'See that the service runs and can be reached (baseUrl).',
    });
  }
}

/** The error that says most is the innermost. */
function reasonOf(error: unknown): string {
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  if (!(inner instanceof Error)) return String(inner);
  return inner.message === '' && 'code' in inner ? String(inner.code) : inner.message;
}

async function refused(response: Response, request: HttpRequest, exchange: Exchange): Promise<Failure> {
  const { status, statusText, headers } = response;
  const said = await exchange.within(() => complaintOf(response, request.secret));
  const isSpent = status === 429 && /insufficient_quota|quota_exceeded/.test(said);
  const isBroken = status >= 500 || status === 408;
  const error = new SluiceError(
    isBroken ? 'SLUICE_SPEECH_FAILED' : 'SLUICE_SERVICE_REFUSED',
    `${publicUrl(request.url)} answered ${status} ${statusText}${said === '' ? '' : `: ${said}`}`,
    { retryable: isBroken || (status === 429 && !isSpent), mend: mendOf(status) },
  );
  return new Failure(error, waitOf(headers.get('retry-after')));
}

async function complaintOf(response: Response, secret: string | undefined): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  const reader = response.body?.getReader() as Reader | undefined;
  while (reader && text.length < 4 * MAX_COMPLAINT) {
    const { done, value } = await reader.read();
    if (done) break;
    text += decoder.decode(value, { stream: true });
  }
  void reader?.cancel().catch(() => undefined);
  return complaintIn(text, secret);
}

/** What a service says of an error, in one line of at most 500 characters, without the secret. Pure. */
function complaintIn(text: string, secret: string | undefined): string {
  const hidden = secret === undefined || secret === '' ? text : text.replaceAll(secret, '***');
  return (messageIn(hidden) ?? hidden).replaceAll(/\s+/g, ' ').trim().slice(0, MAX_COMPLAINT);
}

/** The message inside of the JSON that services answer with; with its code, where it has one. */
function messageIn(text: string): string | undefined {
  try {
    const { error, detail, message } = JSON.parse(text) as Record<string, unknown>;
    const told = error ?? detail ?? message;
    if (typeof told === 'string') return told;
    const { message: words, code, status } = told as Record<string, unknown>;
    const name = code ?? status;
    if (typeof words === 'string') return typeof name === 'string' ? `${words} (${name})` : words;
  } catch {
    // No JSON, or other JSON.
  }
  return undefined;
}

/** How long to wait, in ms, as a service asks for: seconds or a date (RFC 9110, 10.2.3). */
function waitOf(retryAfter: string | null): number | undefined {
  if (retryAfter === null) return undefined;
  const seconds = Number(retryAfter);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const at = Date.parse(retryAfter);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}

function mendOf(status: number): string {
  if (status === 401 || status === 403) return 'Give it a key that it takes (apiKey).';
  if (status === 404) return 'Check baseUrl, and the names of model and voice.';
  if (status === 429) return 'Ask for less, later, or for a higher quota.';
  return status >= 500
    ? 'Look at the service; it may work later.'
    : 'Check the options of the node against the service.';
}
