import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { openVideoEncoder } from '../../src/codecs/codec-thread.js';
import { VirtualClock } from '../../src/media/clock.js';
import { blackFrame } from '../../src/media/yuv.js';
import { runProgram } from '../../src/speech/program.js';
import { VirtualTime } from '../../src/unit-test/virtual-time.js';

/** Runs a task that is on its way for a while beside a clock that ticks each ms; how far the clock came meanwhile, in µs. */
async function passedDuring(work: (time: VirtualTime) => Promise<unknown>): Promise<number> {
  const clock = new VirtualClock();
  const time = new VirtualTime(clock);
  const beat = (): void => void clock.after(1, beat);
  beat();
  let passedUs = NaN;
  const goal = new Promise<void>((resolve, reject) => {
    // From within the run: what is begun before it is not on its way yet.
    clock.after(10, () => {
      const startUs = clock.nowUs();
      work(time).then(() => {
        passedUs = clock.nowUs() - startUs;
        resolve();
      }, reject);
    });
  });
  await time.until(goal);
  return passedUs;
}

t.test('virtual time', async (t) => {
  await t.test('stands still while anything is on its way', async (t) => {
    const self = fileURLToPath(import.meta.url);
    const writeToFile = async (): Promise<void> => {
      const handle = await open(join(t.testdir(), 'file'), 'w');
      await handle.write(new Uint8Array(10), 0, 10, 0);
      await handle.close();
    };
    t.equal(await passedDuring(() => readFile(self)), 0, 'reading a file');
    t.equal(await passedDuring(writeToFile), 0, 'opening, writing and closing one');
    const turns = async (): Promise<void> => {
      for (let i = 0; i < 10; i++) await turn();
    };
    t.equal(await passedDuring(turns), 0, 'immediates, and promises between them');
    const encode = async (): Promise<void> => {
      const encoder = await openVideoEncoder({
        codec: 'vp8',
        width: 320,
        height: 240,
        frameRate: 30,
        bitrate: 300_000,
      });
      for (let i = 0; i < 3; i++) encoder.encode(blackFrame(320, 240, i * 33_333));
      await encoder.flush();
      await encoder.close();
    };
    t.equal(await passedDuring(encode), 0, 'questions to codec threads');
    const print = (onOutput: () => Promise<void> | void): Promise<void> =>
      runProgram({
        command: [process.execPath, '-e', 'console.log(1)'],
        onOutput,
        timeoutMs: 60_000,
        signal: new AbortController().signal,
      });
    t.equal(await passedDuring(() => print(() => undefined)), 0, 'programs');
    const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));
    t.equal(await passedDuring((time) => time.during(later())), 0, 'what it was told of');
  });

  await t.test('goes on while a program waits for what it wrote to be taken', async (t) => {
    const clock = new VirtualClock();
    const taken = (): Promise<void> => new Promise((resolve) => clock.after(500, resolve));
    const run = runProgram({
      command: [process.execPath, '-e', 'console.log(1)'],
      onOutput: taken,
      timeoutMs: 60_000,
      signal: new AbortController().signal,
    });
    await new VirtualTime(clock).until(run);
    t.equal(clock.nowUs(), 500_000);
  });

  await t.test('goes on with one thing at a time, and what that sets going comes before the next', async (t) => {
    const clock = new VirtualClock();
    const done: string[] = [];
    const goal = new Promise<void>((resolve) => {
      for (const name of ['a', 'b']) {
        clock.after(5, () => {
          done.push(name);
          void turn().then(() => done.push(`after ${name}`));
        });
      }
      clock.after(6, resolve);
    });
    await new VirtualTime(clock).until(goal);
    t.strictSame(done, ['a', 'after a', 'b', 'after b']);
    t.equal(clock.nowUs(), 6000);
  });

  await t.test('says so when nothing is set on the clock any more', async (t) => {
    const clock = new VirtualClock();
    const never = new Promise<never>(() => undefined);
    await t.rejects(new VirtualTime(clock).until(never), { code: 'SLUICE_STATE_INVALID' });
  });

  await t.test('fails as its goal fails', async (t) => {
    await t.rejects(new VirtualTime(new VirtualClock()).until(Promise.reject(new Error('no'))), { message: 'no' });
  });
});
