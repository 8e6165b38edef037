import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadGraph } from '../graph/load.js';
import { readTextFile } from '../graph/notation/text.js';
import { checkGraph } from '../graph/plan.js';
import type { Plan } from '../graph/planned.js';
import type { RunReport } from '../graph/report.js';
import { runGraph } from '../graph/run.js';
import { createOpusDecoder } from '../codecs/opus.js';
import { createResampler } from '../codecs/resampler.js';
import { createNoiseSuppressor } from '../codecs/rnnoise.js';
import { VirtualClock } from '../media/clock.js';
import { SluiceError, toErrorData, type Place } from '../media/errors.js';
import { changeNodes } from './change-nodes.js';
import { checkNames } from './check-names.js';
import { dressPlan } from './dressed-plan.js';
import { judgeFailure, judgeRun } from './judge-run.js';
import { loadReferences } from './load-references.js';
import { loadInputs } from './test-inputs.js';
import { TestSessions } from './test-sessions.js';
import { shortfall, type TestToRun } from './test-to-run.js';
import { TestWitnesses } from './test-witnesses.js';
import { VirtualTime } from './virtual-time.js';

/** How one test went. */
export interface TestResult {
  readonly name: string;
  readonly place: Place;
  readonly passed: boolean;
  /** What was not as expected, each with its place, what was found and what was expected. */
  readonly failures: readonly SluiceError[];
  /** How long the pipeline ran, in ms of its own time; 0 when it did not. */
  readonly ranMs: number;
}

/** Runs one test on a virtual clock. Everything that goes wrong is a failure of the test; it never rejects. */
export async function runTest(toRun: TestToRun): Promise<TestResult> {
  const { tests, name } = toRun;
  const place = tests.places.placeOfKey(['tests', name]);
  let ranMs = 0;
  let failures: readonly SluiceError[];
  try {
    const plan = await planned(toRun);
    if (plan instanceof SluiceError) failures = judgeFailure(toRun, toErrorData(plan));
    else {
      const judged = await runPlan(plan, toRun);
      failures = judged.failures;
      ranMs = judged.ranMs;
    }
  } catch (error) {
    failures = [
      error instanceof SluiceError
        ? error.at(place)
        : new SluiceError('SLUICE_INTERNAL', String(error), { place, cause: error }),
    ];
  }
  return { name, place, passed: failures.length === 0, failures, ranMs };
}

/** The plan, or the first problem of the pipeline. */
async function planned({ tests, test, registry }: TestToRun): Promise<Plan | SluiceError> {
  const environment = { ...tests.content.environment, ...test.environment };
  const written = changeNodes(await readTextFile(tests.pipeline), test.nodes);
  const { graph, problems } = loadGraph(written, environment);
  if (!graph || problems[0]) return problems[0] as SluiceError;
  const result = checkGraph(graph, registry);
  return result.plan ?? (result.problems[0] as SluiceError);
}

async function runPlan(
  plan: Plan,
  toRun: TestToRun,
): Promise<{ readonly failures: readonly SluiceError[]; readonly ranMs: number }> {
  const unknown = checkNames(toRun, plan);
  if (unknown.length > 0) return { failures: unknown, ranMs: 0 };
  await loadCodecs();
  const witnesses = new TestWitnesses(toRun, plan, await loadReferences(toRun));
  const sandbox = await mkdtemp(join(tmpdir(), 'sluice-test-'));
  try {
    const { report, isLate } = await play(plan, toRun, { sandbox, witnesses });
    const failures = [
      ...(isLate ? [late(toRun)] : judgeRun(toRun, report)),
      ...(await witnesses.failures({ sandbox, baseDir: plan.baseDir })),
    ];
    return { failures, ranMs: report.elapsedMs };
  } finally {
    witnesses.close();
    await rm(sandbox, { recursive: true, force: true });
  }
}

interface Stage {
  readonly sandbox: string;
  readonly witnesses: TestWitnesses;
}

/** Runs the plan to its end, whatever that is. */
async function play(
  plan: Plan,
  toRun: TestToRun,
  { sandbox, witnesses }: Stage,
): Promise<{ readonly report: RunReport; readonly isLate: boolean }> {
  const { stopMs, limitMs } = toRun.test;
  const clock = new VirtualClock();
  const time = new VirtualTime(clock);
  const inputs = await loadInputs(toRun);
  const sessions = await TestSessions.load(plan, toRun, { clock, time, witnesses });
  const abort = new AbortController();
  sessions.begin();
  const run = runGraph(dressPlan(plan, { sandbox, time, inputs }), {
    sessions: sessions.factory,
    clock,
    signal: abort.signal,
    observe: witnesses.observe,
  });
  const stop = stopMs === undefined ? undefined : clock.after(stopMs, () => void run.stop());
  const limit = clock.after(limitMs, () => {
    abort.abort(new SluiceError('SLUICE_STATE_INVALID', 'the test took too long'));
  });
  const settled = (): void => {
    stop?.cancel();
    limit.cancel();
  };
  try {
    await time.until(run.finished.then(settled, settled));
  } finally {
    sessions.end();
  }
  return { report: run.report(), isLate: abort.signal.aborted };
}

function late(toRun: TestToRun): SluiceError {
  return shortfall(toRun, ['limitMs'], {
    message: 'the pipeline did not end',
    found: `still running after ${toRun.test.limitMs} ms`,
    expected: 'an end; give `stopMs` where it has none of its own',
  });
}

/** Loading codecs is the one thing that is on its way and cannot be seen: it is done before. */
async function loadCodecs(): Promise<void> {
  (await createOpusDecoder({ sampleRate: 48_000, numberOfChannels: 2 })).close();
  (await createNoiseSuppressor()).close();
  const mono = { sampleRate: 48_000, numberOfChannels: 1 };
  (await createResampler({ from: { ...mono, sampleRate: 16_000 }, to: mono })).close();
}
