import type { CliIo } from '../command.js';
import type { FoundReport, ServedReport } from './served-report.js';
import { topText } from './top-text.js';

/** Where reports are shown, one after the other. */
export interface ReportView {
  show(found: FoundReport): void;
  close(): void;
}

/** Prints each report below the one before, as a table or as the line of JSON that came. */
export function printedReports(io: CliIo, { json }: { readonly json: boolean }): ReportView {
  let before: ServedReport | undefined;
  return {
    show: ({ text, report }) => {
      const table = before === undefined ? topText(report) : ['', ...topText(report, before)];
      io.stdout.write(json ? `${text}\n` : `${table.join('\n')}\n`);
      before = report;
    },
    close: () => undefined,
  };
}

/** The other screen of a terminal without a cursor, and back. */
const OPEN = '\x1b[?1049h\x1b[?25l';
const CLOSE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
/** What else was in the line, and below it, goes. */
const END_OF_LINE = '\x1b[K\r\n';
const END_OF_TEXT = '\x1b[J';
const CTRL_C = '\x03';

/**
 * Draws each report on a terminal in the place of the one before; `quit` is called for q and Ctrl-C. The last one stays behind when
 * it is closed.
 */
export function drawnReports(io: CliIo, quit: () => void): ReportView {
  const { stdout } = io;
  let before: ServedReport | undefined;
  let lines: readonly string[] = [];
  stdout.write(OPEN);
  const forgetKeys = io.onKey((key) => {
    if (key === 'q' || key === CTRL_C) quit();
  });
  return {
    show: ({ report }) => {
      lines = topText(report, before);
      before = report;
      const drawn = fitted([...lines, '', 'q ends'], stdout);
      stdout.write(`${HOME}${drawn.map((line) => line + END_OF_LINE).join('')}${END_OF_TEXT}`);
    },
    close: () => {
      forgetKeys();
      stdout.write(`${CLOSE}${lines.join('\n')}\n`);
    },
  };
}

/** As much of the lines as a terminal has room for. */
function fitted(lines: readonly string[], { columns = 80, rows = 24 }: CliIo['stdout']): string[] {
  const room = rows - 1;
  const shown =
    lines.length <= room ? lines : [...lines.slice(0, room - 1), `… and ${lines.length - room + 1} lines more`];
  return shown.map((line) => line.slice(0, columns));
}
