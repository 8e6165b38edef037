import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '../../media/errors.js';
import type { Command } from '../command.js';
import { EXIT_CODES } from '../exit-codes.js';
import { secondsAsMs } from '../option-values.js';
import { drawnReports, printedReports, type ReportView } from '../top/report-view.js';
import { fetchReport, reportUrlOf } from '../top/served-report.js';

export const topCommand: Command = {
  name: 'top',
  summary: 'Shows how a pipeline does that runs with --metrics: links, measures of nodes, event loop.',
  positionals: '[url]',
  options: {
    once: { type: 'boolean', description: 'Print it once; rates are those since the beginning.' },
    interval: { type: 'string', value: 'seconds', description: 'Time between two looks, 0.1 to 3600. Default 1.' },
  },
  example: 'sluice top http://127.0.0.1:9464/report',
  async run(args, io) {
    const url = reportUrlOf(args.positionals[0], topCommand);
    const intervalMs = secondsAsMs(args.text('interval') ?? '1', { least: 0.1, most: 3600 }, topCommand);
    const [json, once] = [args.flag('json'), args.flag('once')];
    const quit = new AbortController();
    const stop = (): void => {
      quit.abort();
    };
    const forgetSignal = io.onSignal(stop);
    let view: ReportView | undefined;
    try {
      const first = await fetchReport(url, quit.signal);
      view = io.stdout.isTTY === true && !json && !once ? drawnReports(io, stop) : printedReports(io, { json });
      view.show(first);
      while (!once) {
        await sleep(intervalMs, undefined, { signal: quit.signal });
        view.show(await fetchReport(url, quit.signal));
      }
    } catch (error) {
      // A run that was there has ended.
      const isOver = view !== undefined && error instanceof SluiceError && error.code === 'SLUICE_RUN_UNREACHABLE';
      if (!isOver && !quit.signal.aborted) throw error;
    } finally {
      view?.close();
      forgetSignal();
    }
    return EXIT_CODES.ok;
  },
};
