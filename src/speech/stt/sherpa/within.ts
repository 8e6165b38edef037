import { late } from './model-failure.js';

/** Waits for a model no longer than that, in ms, and not after an abort: what it does cannot be stopped. Errors: SLUICE_SPEECH_FAILED, the reason. */
export async function within<T>(work: Promise<T>, timeoutMs: number, signal: AbortSignal): Promise<T> {
  let giveUp: (reason: unknown) => void = () => undefined;
  const over = new Promise<never>((_resolve, reject) => {
    giveUp = reject;
  });
  const stop = (): void => {
    giveUp(signal.reason);
  };
  const timer = setTimeout(() => {
    giveUp(late(timeoutMs));
  }, timeoutMs);
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([work, over]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}
