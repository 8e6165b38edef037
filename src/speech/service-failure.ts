import { setTimeout as pause } from 'node:timers/promises';
import { SluiceError } from '../media/errors.js';
import { publicUrl } from '../media/public-url.js';

/** What failed is tried so many times again, as long as nothing has come. */
export const MAX_RETRIES = 2;
/** Before the first of them, in ms; twice as long each time. */
const BACKOFF_MS = 250;
/** A service that wants more time is not waited for, in ms. */
const MAX_WAIT_MS = 5000;
/** Of what a service says about an error, in characters. */
const MAX_COMPLAINT = 500;

/** Why one try to reach a service failed. */
export class ServiceFailure extends Error {
  readonly error: SluiceError;
  /** As the service asked for. */
  readonly waitMs: number | undefined;

  constructor(error: SluiceError, waitMs?: number) {
    super(error.message);
    this.error = error;
    this.waitMs = waitMs;
  }
}

/** Tries something that throws ServiceFailures, a few times where this may help. Errors: the last SluiceError; the signal's reason. */
export async function retrying<T>(signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ServiceFailure)) throw error;
      const waitMs = error.waitMs ?? backoffMs(tries);
      if (error.error.retryable !== true || tries === MAX_RETRIES || waitMs > MAX_WAIT_MS) throw error.error;
      await pause(waitMs, undefined, { signal }).catch(() => {
        signal.throwIfAborted();
      });
    }
  }
}

/** How long to wait before the next try when there were so many that failed after the first, in ms. Pure. */
function backoffMs(tries: number): number {
  return BACKOFF_MS * 2 ** tries;
}

/** Who was asked, and what must not be told of it. */
interface Asked {
  readonly url: string;
  readonly secret?: string | undefined;
}

/** What a service that does not take a request says about it. */
export interface Refusal {
  readonly status: number;
  readonly statusText: string;
  readonly said: string;
  /** Of its header. */
  readonly retryAfter: string | null;
}

/** SLUICE_SERVICE_REFUSED, or SLUICE_SPEECH_FAILED where the service itself is at fault. */
export function refusal({ url, secret }: Asked, { status, statusText, said, retryAfter }: Refusal): ServiceFailure {
  const complaint = complaintIn(said, secret);
  const isSpent = status === 429 && /insufficient_quota|quota_exceeded/.test(complaint);
  const isBroken = status >= 500 || status === 408;
  const error = new SluiceError(
    isBroken ? 'SLUICE_SPEECH_FAILED' : 'SLUICE_SERVICE_REFUSED',
    `${publicUrl(url)} answered ${status} ${statusText}${complaint === '' ? '' : `: ${complaint}`}`,
    { retryable: isBroken || (status === 429 && !isSpent), mend: mendOf(status) },
  );
  return new ServiceFailure(error, waitOf(retryAfter));
}

/** SLUICE_SPEECH_FAILED for a service that gives nothing. */
export function lateness(url: string, timeoutMs: number): SluiceError {
  return new SluiceError('SLUICE_SPEECH_FAILED', `${publicUrl(url)} gave nothing for ${timeoutMs} ms`, {
    retryable: true,
    mend: 'Give it more time (timeoutMs), or look at the service.',
  });
}

/** SLUICE_SPEECH_FAILED for a connection that cannot be made, or that broke. */
export function breakage({ url, secret }: Asked, cause: unknown): SluiceError {
  // Some reasons have the address or the header in them.
  const reason = complaintIn(reasonOf(cause).replaceAll(url, publicUrl(url)), secret);
  return new SluiceError('SLUICE_SPEECH_FAILED', `the connection to ${publicUrl(url)} failed: ${reason}`, {
    retryable: true,
    mend: 'See that the service runs and can be reached (baseUrl).',
  });
}

/** The error that says most is the innermost. */
function reasonOf(error: unknown): string {
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  if (!(inner instanceof Error)) return String(inner);
  return inner.message === '' && 'code' in inner ? String(inner.code) : inner.message;
}

/** What a service says of an error, in one line of at most 500 characters, without the secret. Pure. */
export function complaintIn(text: string, secret: string | undefined): string {
  const hidden = secret === undefined || secret === '' ? text : text.replaceAll(secret, '***');
  return (messageIn(hidden) ?? hidden).replaceAll(/\s+/g, ' ').trim().slice(0, MAX_COMPLAINT);
}

/** The message inside of the JSON that services answer with; with its code, where it has one. */
function messageIn(text: string): string | undefined {
  try {
    const { error, detail, message, err_msg } = JSON.parse(text) as Record<string, unknown>;
    const told = error ?? detail ?? message ?? err_msg;
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
