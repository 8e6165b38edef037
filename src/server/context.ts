import type { Ticker } from '../engine/ticker.js';
import type { Clock } from '../media/clock.js';
import type { Logger } from './log.js';

/** What every part of one server shares. */
export interface ServerContext {
  readonly clock: Clock;
  readonly log: Logger;
  /** Beats every few milliseconds, for pacing and feedback. */
  readonly ticker: Ticker;
  /** Local address of all transports; undefined is all interfaces. */
  readonly bindAddress: string | undefined;
  /** UDP port of all transports; it is held by a UdpMux. */
  readonly udpPort: number;
  /** NTP time (microseconds since 1900) of a moment of `clock`. */
  ntpUs(nowUs: number): number;
}
