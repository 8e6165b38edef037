/**
 * What comes from a source that may never come to its end, until then or until `signal` is aborted: it then throws the reason. The
 * source is told when nothing more is wanted of it, and not waited for.
 */
export async function* untilAborted<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  signal.throwIfAborted();
  const iterator = source[Symbol.asyncIterator]();
  let giveUp: (reason: unknown) => void = () => undefined;
  const end = (): void => {
    giveUp(signal.reason);
  };
  signal.addEventListener('abort', end, { once: true });
  try {
    for (;;) {
      const next = await new Promise<IteratorResult<T>>((resolve, reject) => {
        giveUp = reject;
        iterator.next().then(resolve, reject);
      });
      if (next.done === true) return;
      yield next.value;
      signal.throwIfAborted();
    }
  } finally {
    signal.removeEventListener('abort', end);
    Promise.resolve(iterator.return?.()).catch(() => undefined);
  }
}
