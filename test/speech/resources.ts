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
