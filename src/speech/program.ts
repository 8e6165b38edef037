import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { SluiceError } from '../media/errors.js';
import { TimeLimit } from './time-limit.js';

export interface ProgramOptions {
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** Goes to its standard input; it gets none where this is left out. */
  readonly input?: Uint8Array | string;
  /** Its standard output, as it comes. A promise makes it wait. */
  readonly onOutput: (bytes: Uint8Array) => Promise<void> | void;
  /** It is ended after that, in ms; the time does not count in which `onOutput` makes it wait. */
  readonly timeoutMs: number;
  /** What the timeout counts: all of its time, or only that since it wrote something; all of it when left out. */
  readonly timeoutOf?: 'all' | 'silence';
  /** Ends it when aborted; the promise then rejects with the reason. */
  readonly signal: AbortSignal;
}

/** Programs that owe something: they run, and what they have written was taken. */
let awaited = 0;

/** How many programs owe something now: whoever sits in front of them waits for them, and not the other way round. */
export function awaitedPrograms(): number {
  return awaited;
}

/** Counts answers that another kind of program owes, or, below 0, has given. */
export function owe(answers: number): void {
  awaited += answers;
}

/** What a program says of its failure is kept up to here, in characters. */
export const MAX_COMPLAINT = 500;

/**
 * Runs a program to its end. Whatever happens, nothing is left of it when the promise settles. Errors: SLUICE_PROGRAM_MISSING,
 * SLUICE_SPEECH_FAILED with what it said last, the signal's reason, and what `onOutput` throws.
 */
export async function runProgram(options: ProgramOptions): Promise<void> {
  const { signal } = options;
  signal.throwIfAborted();
  awaited++;
  try {
    lastTurn = lastTurn.then(nextTurn);
    await lastTurn;
    signal.throwIfAborted();
    await runToItsEnd(options);
  } finally {
    awaited--;
  }
}

/** The last program that is to start does so then: each takes as long as 10 ms of this thread, and everything else comes in between. */
let lastTurn: Promise<void> = Promise.resolve();

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Starts it at once: nothing is missed of it, nor of the signal. */
async function runToItsEnd(options: ProgramOptions): Promise<void> {
  const { command, input, onOutput, timeoutMs, timeoutOf = 'all', signal } = options;
  const [name = ''] = command;
  const child = startProgram(command);
  const closed = closing(child);
  const end = (): void => {
    endProgram(child);
    // What has left its group would keep it open.
    child.stdout.destroy();
    child.stderr.destroy();
  };
  const lateness = new AbortController();
  const limit = new TimeLimit(timeoutMs, () => {
    lateness.abort();
    // What it wrote before it ended by itself is still taken.
    if (child.exitCode === 0) endProgram(child);
    else end();
  });
  limit.count();
  signal.addEventListener('abort', end, { once: true });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-MAX_COMPLAINT);
  });
  // It may end without having read everything.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  try {
    for await (const bytes of untilDestroyed(child.stdout)) {
      limit.stop();
      if (timeoutOf === 'silence') limit.refill();
      await untilTaken(onOutput(bytes));
      limit.count();
      // It may have written more before it was ended.
      signal.throwIfAborted();
    }
    const failure = await closed;
    signal.throwIfAborted();
    if (failure)
      throw lateness.signal.aborted
        ? late(name, timeoutOf === 'all' ? `did not end within ${timeoutMs} ms` : `wrote nothing for ${timeoutMs} ms`)
        : programFailure('SLUICE_SPEECH_FAILED', name, failure, complaint);
  } finally {
    limit.stop();
    signal.removeEventListener('abort', end);
    end();
    await closed;
  }
}

/**
 * Starts a program as the head of a group of processes: what it starts itself can be ended with it, and Ctrl-C in a terminal, which
 * lets out what is on its way, does not go past the pipeline to it.
 */
export function startProgram([name = '', ...args]: readonly string[]): ChildProcessWithoutNullStreams {
  return spawn(name, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: process.platform !== 'win32' });
}

/** Ends a program at once, with all that it has started: a program of a shell would hold its output open. */
export function endProgram(child: ChildProcessWithoutNullStreams): void {
  const { pid, stdout, stderr } = child;
  const isGone = (child.exitCode ?? child.signalCode) !== null && stdout.closed && stderr.closed;
  // The number of what is gone may be that of another.
  if (pid === undefined || isGone) return;
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

/** What a stream gives, until it ends or is destroyed. */
async function* untilDestroyed(stream: Readable): AsyncGenerator<Uint8Array> {
  try {
    for await (const bytes of stream) yield bytes as Uint8Array;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  }
}

async function untilTaken(taken: Promise<void> | void): Promise<void> {
  awaited--;
  try {
    await taken;
  } finally {
    awaited++;
  }
}

/** Settles when nothing is left of a program: with what went wrong, in words. */
export function closing(child: ChildProcess): Promise<string | Error | undefined> {
  return new Promise((resolve) => {
    child.once('error', resolve);
    child.once('close', (code, endedBy) => {
      resolve(code === 0 ? undefined : endedBy === null ? `exit code ${code}` : `ended by ${endedBy}`);
    });
  });
}

function late(name: string, what: string): SluiceError {
  return new SluiceError('SLUICE_SPEECH_FAILED', `"${name}" ${what}`, {
    retryable: true,
    mend: 'Give it more time (timeoutMs), or less to do.',
  });
}

/** What is wrong with a program that could not be started (SLUICE_PROGRAM_MISSING), or has failed (`code`), with what it said last. */
export function programFailure(
  code: 'SLUICE_SPEECH_FAILED' | 'SLUICE_PROGRAM_FAILED',
  name: string,
  failure: string | Error,
  complaint: string,
): SluiceError {
  if (failure instanceof Error) {
    return new SluiceError('SLUICE_PROGRAM_MISSING', `"${name}" cannot be run: ${failure.message}`, {
      cause: failure,
      retryable: false,
      mend: 'Install it, or name another program.',
    });
  }
  const said = complaint.trim().split('\n').at(-1) ?? '';
  return new SluiceError(code, `"${name}" failed (${failure})${said === '' ? '' : `: ${said}`}`, {
    mend: 'Run it by hand to see what it lacks.',
  });
}
