/** One section of RESULTS.md. */
export interface Benchmark {
  readonly title: string;
  /** Name of a file beside this one with what a profile told about the numbers, written by hand: `NOTES-<notes>.md`. */
  readonly notes?: string;
  run(): Promise<Report>;
}

/** What one benchmark found. */
export interface Report {
  /** How it was measured, in sentences. */
  readonly conditions: readonly string[];
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** What was aimed at. */
  readonly goals?: readonly Goal[];
  /** What it does not say. */
  readonly limits: readonly string[];
}

/** Something aimed at, beside what was found. */
export interface Goal {
  readonly aim: string;
  readonly found: string;
  readonly met: boolean;
}

/** That a number, named by `what`, is not above `most`. */
export function atMost(what: string, found: number, most: number, unit: string, digits = 2): Goal {
  return { aim: `${what}: at most ${most} ${unit}`, found: `${found.toFixed(digits)} ${unit}`, met: found <= most };
}

/** A report as Markdown. `when` tells when and in what surroundings it was made; `notes` are shown with the goals. */
export function toMarkdown(title: string, report: Report, when: string, notes: string): string {
  const { conditions, head, rows, goals = [], limits } = report;
  const table = [head, head.map((_, column) => (column === 0 ? '---' : '---:')), ...rows].map(
    (row) => `| ${row.join(' | ')} |`,
  );
  const list = (lines: readonly string[]): string => lines.map((line) => `- ${line}`).join('\n');
  const judged = goals.map(({ aim, found, met }) => `${aim}. Found: ${found}, **${met ? 'met' : 'missed'}**.`);
  return [
    `## ${title}`,
    when,
    list(conditions),
    table.join('\n'),
    ...(goals.length > 0 ? ['Goals:', list(judged)] : []),
    ...(notes === '' ? [] : [notes]),
    'What it does not say:',
    list(limits),
  ].join('\n\n');
}
