import { mock } from 'node:test';
import t from 'tap';
import { runProgram } from '../../src/speech/program.js';

const never = new AbortController().signal;

/** Runs a script of Node.js; what it printed. */
async function run(script: string, more: Partial<Parameters<typeof runProgram>[0]> = {}): Promise<string> {
  let printed = '';
  await runProgram({
    command: [process.execPath, '-e', script],
    timeoutMs: 20_000,
    signal: never,
    onOutput: (bytes) => void (printed += Buffer.from(bytes).toString()),
    ...more,
  });
  return printed;
}

t.test('gives what a program prints for what it is given', async (t) => {
  t.equal(
    await run('process.stdin.pipe(process.stdout)', { input: 'hello '.repeat(100_000) }),
    'hello '.repeat(100_000),
  );
  t.equal(await run('console.log(1)', { input: new Uint8Array(1_000_000) }), '1\n', 'also when it reads none of it');
});

t.test('a program that fails is told of with what it said', async (t) => {
  await t.rejects(run('console.error("no such voice"); process.exit(3)'), {
    code: 'SLUICE_SPEECH_FAILED',
    message: /exit code 3\): no such voice/,
  });
  await t.rejects(run('', { command: ['/nowhere/espeak'] }), { code: 'SLUICE_PROGRAM_MISSING', mend: /Install it/ });
  await t.rejects(run('process.kill(process.pid, "SIGKILL")'), { message: /ended by SIGKILL/ });
});

t.test('programs that are to start at one time start one by one, with room for everything else between', async (t) => {
  const count = (): number => process.getActiveResourcesInfo().filter((name) => name === 'ProcessWrap').length;
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  while (count() > 0) await turn();
  const [abort, unwanted] = [new AbortController(), new AbortController()];
  const runs = Array.from({ length: 5 }, () => run('', { command: ['sleep', '10'], signal: abort.signal }));
  const [ended, late] = [Promise.allSettled(runs), t.rejects(run('', { signal: unwanted.signal }), { message: 'no' })];
  unwanted.abort(new Error('no'));
  const counts = [count()];
  while (counts.at(-1)! < 5) {
    await turn();
    counts.push(count());
  }
  t.ok(
    counts.every((now, i) => now - (counts[i - 1] ?? 0) <= 1),
    counts.join(' '),
  );
  await late;
  abort.abort(new Error('enough'));
  for (const one of await ended) t.match(one, { status: 'rejected', reason: { message: 'enough' } });
});

t.test('nothing is left of a program that hangs, is aborted, or whose output is refused', async (t) => {
  let pid = 0;
  const onOutput = (bytes: Uint8Array): void => {
    pid = Number(Buffer.from(bytes).toString());
  };
  const hanging = 'console.log(process.pid); setInterval(() => undefined, 1000)';
  const isGone = (): boolean => {
    try {
      return !process.kill(pid, 0);
    } catch {
      return true;
    }
  };
  await t.rejects(run(hanging, { timeoutMs: 1500, onOutput }), {
    code: 'SLUICE_SPEECH_FAILED',
    message: /did not end within 1500 ms/,
  });
  t.ok(isGone(), 'that took too long');

  const abort = new AbortController();
  const aborted = run(hanging, {
    signal: abort.signal,
    onOutput: (bytes) => {
      onOutput(bytes);
      abort.abort(new Error('spoken to'));
    },
  });
  await t.rejects(aborted, { message: 'spoken to' });
  t.ok(isGone(), 'that was aborted');
  await t.rejects(run(hanging, { signal: AbortSignal.abort(new Error('before')) }), { message: 'before' });

  const refused = run(hanging, {
    onOutput: (bytes) => {
      onOutput(bytes);
      throw new Error('no sound');
    },
  });
  await t.rejects(refused, { message: 'no sound' });
  t.ok(isGone(), 'whose output was refused');
});

t.test('a program is given up though something that has left its group holds its output open', async (t) => {
  const leaving = `const child = require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'],
    { stdio: 'inherit', detached: true }); console.log(child.pid); setInterval(() => undefined, 1000);`;
  const left: number[] = [];
  t.teardown(() => {
    for (const pid of left) process.kill(pid, 'SIGKILL');
  });
  const abort = new AbortController();
  const onOutput = (bytes: Uint8Array): void => {
    left.push(Number(Buffer.from(bytes).toString()));
  };
  const aborted = run(leaving, {
    signal: abort.signal,
    onOutput: (bytes) => {
      onOutput(bytes);
      abort.abort(new Error('enough'));
    },
  });
  await t.rejects(aborted, { message: 'enough' });
  await t.rejects(run(leaving, { timeoutMs: 1500, onOutput }), { message: /did not end within 1500 ms/ });
  t.equal(left.length, 2);
});

t.test('the time in which a program has to wait until its output is taken does not count', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.teardown(() => {
    mock.timers.reset();
  });
  let printed = 0;
  await run(`process.stdout.write('x'.repeat(1_000_000))`, {
    timeoutMs: 60_000,
    async onOutput(bytes) {
      printed += bytes.length;
      await Promise.resolve();
      mock.timers.tick(60_000);
    },
  });
  t.equal(printed, 1_000_000);
});

t.test('what a program has started itself is ended with it', async (t) => {
  const forking = `require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { stdio: 'inherit' });
    console.log('started');`;
  const abort = new AbortController();
  const aborted = run(`${forking} setInterval(() => undefined, 1000)`, {
    signal: abort.signal,
    onOutput: () => {
      abort.abort(new Error('enough'));
    },
  });
  await t.rejects(aborted, { message: 'enough' }, 'it held the output open, and is gone');
  t.equal(await run(`${forking} process.exit()`, { timeoutMs: 1500 }), 'started\n', 'so is what it has left behind');
});
