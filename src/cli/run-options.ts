import type { Command, CommandArguments, CommandOption } from './command.js';
import { listenAddressOf, secondsAsMs, type ListenAddress } from './option-values.js';

/** Options of commands that run a pipeline. */
export const RUN_OPTIONS: Readonly<Record<string, CommandOption>> = {
  stats: {
    type: 'boolean',
    description: 'Print the counters of all links as a line of JSON each second; the last line is the final report.',
  },
  'stats-interval': {
    type: 'string',
    value: 'seconds',
    description: 'The same with another time between two lines, 0.1 to 3600. Default 1.',
  },
  metrics: {
    type: 'string',
    value: 'host:port',
    description:
      'Serve the counters to Prometheus at /metrics, and to `sluice top`, while it runs; on this machine where only a port is given.',
  },
  'drain-timeout': {
    type: 'string',
    value: 'seconds',
    description: 'How long what is on its way may take to come out when it is stopped, 0 to 3600. Default 5.',
  },
  verbose: { type: 'boolean', description: 'Log more than warnings.' },
};

/** What those options say. */
export interface RunChoices {
  /** Results, errors and log lines as JSON. */
  readonly json: boolean;
  readonly verbose: boolean;
  /** Time between two lines of statistics, in ms; none are printed where it is left out. */
  readonly statsMs?: number;
  readonly metrics?: ListenAddress;
  /** How long a stop may take to drain, in ms. */
  readonly drainMs: number;
}

/** Errors: SLUICE_USAGE. */
export function runChoices(args: CommandArguments, command: Command): RunChoices {
  const intervalMs = secondsAsMs(args.text('stats-interval') ?? '1', { least: 0.1, most: 3600 }, command);
  const metrics = args.text('metrics');
  return {
    json: args.flag('json'),
    verbose: args.flag('verbose'),
    drainMs: secondsAsMs(args.text('drain-timeout') ?? '5', { least: 0, most: 3600 }, command),
    ...((args.flag('stats') || args.text('stats-interval') !== undefined) && { statsMs: intervalMs }),
    ...(metrics !== undefined && { metrics: listenAddressOf(metrics, command) }),
  };
}
