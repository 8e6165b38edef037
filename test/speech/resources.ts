/** What keeps the process alive, and is there for longer than a moment. */
export function resources(): string[] {
  const passing = /^(?:Immediate|FSReq|TickObject|TTYWrap|PipeWrap|CloseReq)/;
  return process
    .getActiveResourcesInfo()
    .filter((name) => !passing.test(name))
    .sort();
}

/** What is there now and was not before; what was there may have gone. */
export function more(now: readonly string[], before: readonly string[]): string[] {
  const rest = [...before];
  return now.filter((resource) => {
    const at = rest.indexOf(resource);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
}

/** Waits until something is on its way that was not before: a request, or a program. */
export async function underway(before: readonly string[]): Promise<void> {
  // A connection that was kept may be used again: then there is nothing more.
  for (let turn = 0; turn < 1000 && more(resources(), before).length === 0; turn++)
    await new Promise((resolve) => setImmediate(resolve));
}
