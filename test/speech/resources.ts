/** What keeps the process alive, and is there for longer than a moment. */
export function resources(): string[] {
  const passing = /^(?:Immediate|FSReq|TickObject|TTYWrap|PipeWrap|CloseReq)/;
  return process
    .getActiveResourcesInfo()
    .filter((name) => !passing.test(name))
    .sort();
}
