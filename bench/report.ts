/** What one benchmark found. */
export interface Report {
  readonly title: string;
  /** How it was measured, in sentences. */
  readonly conditions: readonly string[];
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** What it does not say. */
  readonly limits: readonly string[];
}

/** A report as Markdown. `when` tells when and in what surroundings it was made. */
export function toMarkdown({ title, conditions, head, rows, limits }: Report, when: string): string {
  const table = [head, head.map((_, column) => (column === 0 ? '---' : '---:')), ...rows].map(
    (row) => `| ${row.join(' | ')} |`,
  );
  const list = (lines: readonly string[]): string => lines.map((line) => `- ${line}`).join('\n');
  return [`## ${title}`, when, list(conditions), table.join('\n'), `What it does not say:`, list(limits)].join('\n\n');
}
