import { fromErrorData, type ErrorData, type SluiceError } from '../media/errors.js';
import type { RunReport } from '../graph/report.js';
import { judgeAmount } from './judge/judgement.js';
import { shortfall, type TestToRun } from './test-to-run.js';

/** What is not as expected of how a run went. Pure. */
export function judgeRun(toRun: TestToRun, report: RunReport): readonly SluiceError[] {
  const { outcome, drops, branches, failedBranches } = toRun.test.expect;
  const problems = report.error ? judgeFailure(toRun, report.error) : missingFailure(toRun);
  const outcomes =
    outcome !== undefined && outcome !== report.outcome
      ? [
          shortfall(toRun, ['expect', 'outcome'], {
            message: 'the run ended otherwise',
            found: report.outcome,
            expected: outcome,
          }),
        ]
      : [];
  const lost = dropsIn(report);
  const dropped = judgeAmount(
    lost.reduce((sum, { count }) => sum + count, 0),
    drops,
    'drops',
  );
  const amounts = [
    dropped && {
      ...dropped,
      found: lost.map(({ at, reason, count }) => `${count} in ${at} (${reason})`).join(', ') || 'none',
    },
    judgeAmount(report.branches.begun, branches, 'branches'),
    judgeAmount(report.branches.failed, failedBranches, 'failedBranches'),
  ];
  const counts = amounts.flatMap((found) =>
    found
      ? [
          shortfall(toRun, ['expect', found.field ?? ''], {
            message: `the run had other ${found.field ?? ''}`,
            ...found,
          }),
        ]
      : [],
  );
  const failures = report.branches.failed > 0 && failedBranches === 0 ? report.branches.failures : [];
  return [...problems, ...outcomes, ...counts, ...failures.map(({ error }) => fromErrorData(error))];
}

/** A pipeline that cannot be planned, or that failed: the error itself, unless it is the one that was expected. Pure. */
export function judgeFailure(toRun: TestToRun, error: ErrorData): readonly SluiceError[] {
  const { error: expected, outcome } = toRun.test.expect;
  if (!expected) return outcome === 'failed' ? [] : [fromErrorData(error)];
  const { code, node } = expected;
  if (error.code === code && (node === undefined || error.place?.node === node)) return [];
  const told = (one: { readonly code: string; readonly node?: string | undefined }): string =>
    one.node === undefined ? one.code : `${one.code} of node "${one.node}"`;
  const found = `${told({ code: error.code, node: error.place?.node })}: ${error.message}`;
  return [shortfall(toRun, ['expect', 'error'], { message: 'it failed otherwise', found, expected: told(expected) })];
}

function missingFailure(toRun: TestToRun): readonly SluiceError[] {
  const { error } = toRun.test.expect;
  if (!error) return [];
  const words = { message: 'it did not fail', found: 'no error', expected: error.code };
  return [shortfall(toRun, ['expect', 'error'], words)];
}

/** Everything that got lost, in nodes and on links. */
function dropsIn({
  links,
  dropped,
}: RunReport): { readonly at: string; readonly reason: string; readonly count: number }[] {
  const places = [...Object.entries(dropped), ...links.map(({ name, drops }) => [name, drops] as const)];
  return places.flatMap(([at, reasons]) => Object.entries(reasons).map(([reason, count]) => ({ at, reason, count })));
}
