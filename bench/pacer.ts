/** Calls `beat` every `periodMs` without drift, as a camera or a microphone would; gives the function that stops it. */
export function pace(periodMs: number, beat: (count: number) => void): () => void {
  const startMs = nowMs();
  let count = 0;
  let timer: NodeJS.Timeout;
  const run = (): void => {
    beat(count++);
    timer = setTimeout(run, Math.max(0, startMs + count * periodMs - nowMs()));
  };
  run();
  return () => clearTimeout(timer);
}

/** A clock that all processes of this machine share, in ms. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
