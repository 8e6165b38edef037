import { type Logger, destination, pino } from 'pino';

export type { Logger } from 'pino';

/** A logger of the server: lines of JSON on standard error, which leaves standard output to the program. Tokens are never given to it. */
export function createLogger(level: string): Logger {
  return pino({ name: 'sluice-server', level, base: null }, destination({ fd: 2, sync: true }));
}
